"""How do Arrow tables get into a PostgreSQL database, with PostgreSQL's types?

What PostgreSQL cannot store, or stores as something else, is named in `DIFFERENCES`.
"""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.csv as pc

__all__ = ["DIFFERENCES", "as_stored", "load", "load_all", "postgres_type"]

#: By table and column, what PostgreSQL makes of it.
DIFFERENCES = {
    ("text", "t"): "text holds no NUL character: a question mark stands for it",
    ("extreme", "uint64"): "there are no unsigned integers: numeric(20,0)",
    ("extreme", "small_uint64"): "there are no unsigned integers: numeric(20,0)",
    ("nested", "struct"): "structures are jsonb, which is text to Voyant",
    ("nested", "map"): "maps are jsonb, which is text to Voyant",
}


def as_stored(name, table):
    """Return a table as PostgreSQL will give it back."""
    for place, field in enumerate(table.schema):
        if (name, field.name) not in DIFFERENCES:
            continue
        values = table[field.name].to_pylist()
        if pa.types.is_uint64(field.type):
            stored = pa.array(map(_decimal, values), pa.decimal128(20, 0))
        elif pa.types.is_string(field.type):
            stored = pa.array([v and v.replace("\0", "?") for v in values], pa.string())
        else:
            stored = pa.array([None if v is None else _plain(v) for v in values], pa.string())
            field = pa.field(field.name, pa.string(), metadata={"postgres": "jsonb"})  # noqa: PLW2901
        kept = pa.field(field.name, stored.type, metadata=field.metadata)
        table = table.set_column(place, kept, stored)
    return table


def _decimal(value):
    return None if value is None else Decimal(value)


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
        "time64": "time",
        "time32": "time",
        "int8": "smallint",
        "int16": "smallint",
        "int32": "integer",
        "int64": "bigint",
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
    columns = ", ".join(f"{quote(f.name)} {_declared(f)}" for f in table.schema)
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
                copy.write_row(row)


def load_all(connection, tables):
    for name, table in tables.items():
        load(connection, name, table)


def _declared(field):
    return (field.metadata or {}).get(b"postgres", b"").decode() or postgres_type(field.type)


def _is_plain(table):
    """Say whether Arrow's CSV says everything of a table: empty text is quoted, null is not."""
    return table.num_rows > 1_000


def _plain(value):
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list) and (not value or isinstance(value[0], tuple)):
        return json.dumps(dict(value))
    return value
