--! install
INSTALL httpfs
--! install from an address
INSTALL x FROM 'http://example.com'
--! force install
FORCE INSTALL httpfs
--! load
LOAD httpfs
--! load a library by its path
LOAD '{folder}/x.duckdb_extension'
--! update extensions
UPDATE EXTENSIONS
--! attach a database file
ATTACH '{database}' AS d
--! attach read-only
ATTACH '{database}' AS d (READ_ONLY)
--! attach a new file, which creates it
ATTACH '{folder}/new.duckdb' AS d
--! attach the job's own file as a database
ATTACH '{orders}' AS d
--! attach SQLite
ATTACH '{folder}/x.sqlite' AS d (TYPE sqlite)
--! attach PostgreSQL
ATTACH 'host=localhost' AS d (TYPE postgres)
--! attach an HTTP address
ATTACH 'https://example.com/x.duckdb' AS d
--! attach memory
ATTACH ':memory:' AS d
--! detach
DETACH warehouse
--! copy a database
COPY FROM DATABASE memory TO warehouse
--! a function that would load an extension by itself
SELECT * FROM read_xlsx('{canary}')
--! another
SELECT * FROM postgres_scan('host=localhost', 'public', 't')
--! another
SELECT * FROM sqlite_scan('{database}', 't')
--! another
SELECT * FROM iceberg_scan('{folder}')
--! another
SELECT * FROM delta_scan('{folder}')
--! another
SELECT * FROM st_read('{canary}')
--! another
SELECT http_get('http://example.com')
--! another
SELECT * FROM shell('id')
