"""The examples' own tests run in a virtual environment that has them installed."""

collect_ignore_glob = ["*/src/*", "*/tests/*"]
