"""What happens inside the process that runs users' SQL?

Started by `sandbox.Sandbox` as `python -m voyant.engines.sandbox_child`, never by hand. It gives up
what it does not need, opens the job's tables, locks the connection, and then answers one query
after the other until its input ends or it is killed. It speaks frames over its standard input and
output: four bytes of length (big-endian), then that many bytes of JSON.
"""

from __future__ import annotations

import json
import math
import os
import struct
from typing import IO, TYPE_CHECKING, Any, Final

from voyant.core.confinement import die_with, limit_cpu, limit_memory
from voyant.core.errors import UnsafeQueryError
from voyant.core.landlock import give_up_writing
from voyant.engines.guard import check_query
from voyant.engines.recipe import ConnectionRecipe, open_connection

if TYPE_CHECKING:
    from decimal import Decimal

    import duckdb

    from voyant.core.tables import Scalar

__all__ = ["main"]

_HEADER: Final = struct.Struct(">I")
# DuckDB's own share of the memory: the rest is for allocations it does not count, such as strings
# being built, allocator slack and the rows on their way out.
_ENGINE_SHARE: Final = 0.6
# CPU seconds beyond those a query could use by its deadline; a backstop for a parent that hangs.
_CPU_SLACK_SECONDS: Final = 2

# Types whose values Python and JSON hold exactly; all others leave DuckDB as text.
_INTEGERS: Final = frozenset(
    f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")
) | {"INTEGER", "UINTEGER"}
_AS_THEY_ARE: Final = _INTEGERS | {"BOOLEAN", "FLOAT", "DOUBLE", "VARCHAR"}


def main() -> None:
    """Serve queries until standard input ends."""
    requests, replies = _take_over_pipes()
    setup = _read(requests)
    if setup is None:
        return
    die_with(setup["parent_pid"])
    unprotected = give_up_writing(setup["temp_directory"])
    limits = setup["limits"]
    try:
        recipe = ConnectionRecipe.from_json(setup["recipe"])
        connection = open_connection(
            recipe,
            threads=limits["threads"],
            memory_limit_bytes=int(limits["memory_limit_bytes"] * _ENGINE_SHARE),
            temp_directory=setup["temp_directory"],
            lock=True,
        )
        connection.execute("SELECT 1").fetchall()  # starts every thread before memory is measured
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        _write(replies, {"kind": "error", "message": str(error)})
        return
    limit_memory(limits["memory_limit_bytes"])
    _write(replies, {"kind": "ready", "unprotected": unprotected})
    while (request := _read(requests)) is not None:
        # As much as the query could use until its deadline.
        limit_cpu(limits["timeout_seconds"] * (limits["threads"] + 1) + _CPU_SLACK_SECONDS)
        reply = _answer(connection, recipe, request["sql"], limits)
        _write(replies, reply)


def _take_over_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Return the two pipes, out of reach of whatever else may read or print in this process."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return requests, replies


def _read(requests: IO[bytes]) -> dict[str, Any] | None:
    header = requests.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    message: dict[str, Any] = json.loads(requests.read(_HEADER.unpack(header)[0]))
    return message


def _write(replies: IO[bytes], message: dict[str, Any]) -> None:
    body = json.dumps(message, allow_nan=False).encode()
    replies.write(_HEADER.pack(len(body)) + body)
    replies.flush()


# ---------------------------------------------------------------------------------- one query


def _answer(
    connection: duckdb.DuckDBPyConnection,
    recipe: ConnectionRecipe,
    sql: str,
    limits: dict[str, Any],
) -> dict[str, Any]:
    """Check and run one query; return the reply, whatever happens short of a crash."""
    import duckdb  # noqa: PLC0415 - already loaded by open_connection

    try:
        check_query(sql, tables=recipe.tables, connection=connection)
        return _run(connection, sql, limits["max_rows"], limits["max_result_bytes"])
    except UnsafeQueryError as error:
        return {"kind": "unsafe", "message": error.what, "remedy": error.remedy}
    except MemoryError:
        return {"kind": "memory"}
    except (duckdb.Error, RuntimeError, ValueError) as error:
        text = str(error)
        is_memory = isinstance(error, duckdb.OutOfMemoryException) or "bad_alloc" in text
        is_broken = isinstance(error, duckdb.FatalException | duckdb.InternalException)
        kind = "memory" if is_memory else "broken" if is_broken else "error"
        return {"kind": kind, "message": text[:2000]}


def _run(
    connection: duckdb.DuckDBPyConnection, sql: str, max_rows: int, max_bytes: int
) -> dict[str, Any]:
    """Run a query and collect its rows up to both bounds."""
    relation = connection.sql(sql)
    columns = list(zip(relation.columns, map(str, relation.types), strict=True))
    kinds = [kind for _, kind in columns]
    # Positions, not names: two columns may share a name. The limit lets DuckDB stop early.
    outputs = ", ".join(_output(position, kind) for position, kind in enumerate(kinds, 1))
    # fetchall, not fetchmany: in 2.0 a relation runs again for each batch.
    found = relation.project(outputs).limit(max_rows + 1).fetchall()
    rows: list[list[Scalar]] = []
    size = 0
    for values in found[:max_rows]:
        row = [_scalar(value, kind) for value, kind in zip(values, kinds, strict=True)]
        size += len(json.dumps(row))
        if size > max_bytes:
            break
        rows.append(row)
    if found and max_rows and not rows:
        return {"kind": "too_large"}
    truncated = len(rows) < len(found)
    return {"kind": "rows", "columns": columns, "rows": rows, "truncated": truncated}


def _output(position: int, kind: str) -> str:
    if kind in _AS_THEY_ARE or kind.startswith("DECIMAL"):
        return f"#{position}"
    if kind == "BLOB":
        return f"'<' || octet_length(#{position}) || ' bytes>'"
    return f"CAST(#{position} AS VARCHAR)"


def _scalar(value: bool | float | str | Decimal | None, kind: str) -> Scalar:  # noqa: FBT001 - a cell
    """Return a cell as JSON can hold it; see `sandbox.QueryResult` for what is promised."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str):
        if kind.startswith("TIMESTAMP") and not value.endswith(")"):  # "(BC)"
            return value.replace(" ", "T", 1)
        return value
    number = float(value)
    return number if type(value)(repr(number)) == value else str(value)


if __name__ == "__main__":
    main()
