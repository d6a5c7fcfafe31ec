"""How do Arrow tables get into a PostgreSQL database, with PostgreSQL's types?"""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.csv as pc

__all__ = ["load", "load_all", "postgres_type"]


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def postgres_type(kind):
    """Return the type that holds an Arrow type's values."""
    if pa.types.is_dictionary(kind):
        return postgres_type(kind.value_type)
    if pa.types.is_list(kind):
        return postgres_type(kind.value_type) + "[]"
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    name = str(kind).partition("[")[0].partition("<")[0]
    if pa.types.is_timestamp(kind) and kind.tz:
        name = "zoned"
    return {
        "zoned": "timestamptz",
        "timestamp": "timestamp",
        "struct": "jsonb",
        "map": "jsonb",
        "time64": "time",
        "time32": "time",
        "int8": "smallint",
        "int16": "smallint",
        "int32": "integer",
        "int64": "bigint",
        "uint64": "numeric(20,0)",
        "float": "real",
        "double": "double precision",
        "bool": "boolean",
        "string": "text",
        "large_string": "text",
        "date32": "date",
        "binary": "bytea",
        "duration": "interval",
        "null": "text",
    }[name]


def load(connection, name, table, *, schema="public"):
    """Make a table and fill it."""
    full = f"{quote(schema)}.{quote(name)}"
    columns = ", ".join(f"{quote(f.name)} {postgres_type(f.type)}" for f in table.schema)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {full} ({columns})".encode())
        if _is_plain(table):
            with cursor.copy(f"COPY {full} FROM STDIN (FORMAT csv)".encode()) as copy:
                buffer = io.BytesIO()
                options = pc.WriteOptions(include_header=False, quoting_style="needed")
                pc.write_csv(table, buffer, options)
                copy.write(buffer.getvalue())
            return
        with cursor.copy(f"COPY {full} FROM STDIN".encode()) as copy:
            for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
                copy.write_row([_plain(value) for value in row])


def load_all(connection, tables):
    for name, table in tables.items():
        load(connection, name, table)


def _is_plain(table):
    """Say whether Arrow's CSV says everything of a table: empty text is quoted, null is not."""
    return table.num_rows > 1_000


def _plain(value):
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return json.dumps(dict(value))
    return value
