"""How do Arrow tables get into Parquet files that Spark reads, and what are they there?

What Parquet or Spark has no type for is named in `SPARK_DIFFERENCES`.
"""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["SPARK_DIFFERENCES", "as_stored_for_spark", "write_parquet"]

#: By table and column, what Spark makes of it.
SPARK_DIFFERENCES = {
    ("extreme", "uint64"): "there are no unsigned integers: decimal(20,0)",
    ("extreme", "small_uint64"): "there are no unsigned integers: decimal(20,0)",
    ("nested", "duration"): "Parquet has no durations: whole seconds",
    ("nested", "clock"): "there is no time of day before Spark 4.1: text",
}


def as_stored_for_spark(name, table):
    """Return a table as Spark will give it back."""
    for place, field in enumerate(table.schema):
        if (name, field.name) not in SPARK_DIFFERENCES:
            continue
        values = table[field.name].to_pylist()
        if pa.types.is_uint64(field.type):
            stored = pa.array(
                [None if v is None else Decimal(v) for v in values], pa.decimal128(20)
            )
        elif pa.types.is_duration(field.type):
            stored = pa.array([v and int(v.total_seconds()) for v in values], pa.int64())
        else:
            stored = pa.array([v and v.isoformat() for v in values], pa.string())
        table = table.set_column(place, field.name, stored)
    return table


def write_parquet(folder, tables):
    """Write each table to a file of its own; return the paths by table name."""
    paths = {}
    for number, (name, table) in enumerate(tables.items()):
        path = folder / f"{number}.parquet"
        pq.write_table(table, path, coerce_timestamps="us", store_schema=False)
        paths[name] = str(path)
    return paths
