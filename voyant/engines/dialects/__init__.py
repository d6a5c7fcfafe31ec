"""How is users' SQL checked and run on engines other than DuckDB, each in its own dialect?"""
