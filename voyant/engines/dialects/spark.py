"""How does Spark run a user's query: in a session of its own, in time, and with few rows?"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from voyant.core.errors import QueryError, QueryMemoryError, QueryTimeoutError
from voyant.core.tables import QueryColumn, Scalar
from voyant.engines.dialects.cells import plain_cell, time_text
from voyant.engines.dialects.running import Answer

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["SparkQuerySession"]

# Types whose values Python holds exactly; all others leave Spark as text.
_AS_THEY_ARE: Final = frozenset(
    {"boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "string"}
)
_EXHAUSTED: Final = ("OutOfMemoryError", "maxResultSize", "SparkOutOfMemoryError")
_CANCELLED: Final = ("OPERATION_CANCELED", "cancelled", "canceled", "SPARK_JOB_CANCELLED")


class SparkQuerySession:
    """A session for users' SQL: its own settings and temporary views, and its own mark on jobs."""

    def __init__(self, open_session: Callable[[], SparkSession]) -> None:
        """Open the session.

        Args:
            open_session: Returns a session that nobody else uses (`SparkSession.newSession`), in
                which the job's tables can be read; its time zone is set to UTC.

        Raises:
            QueryError: There is none to be had.
        """
        from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra, without types
        from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra

        # It would print each failed query's Java trace, beside the error that is raised.
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
        self._errors = (PySparkException, Py4JError, OSError)
        self._mark = f"voyant-{uuid.uuid4().hex}"
        try:
            self._spark = open_session()
            self._context = _context(self._spark)
            self._spark.conf.set("spark.sql.session.timeZone", "UTC")
            # Nothing in a query's text stands for a variable of the session or the environment.
            self._spark.conf.set("spark.sql.variable.substitute", "false")
            # Nor is a table's name ever the path of a file.
            self._spark.conf.set("spark.sql.runSQLOnFiles", "false")
        except self._errors as error:
            raise QueryError(
                f"Spark could not be opened for queries: {_first_line(error)}"
            ) from error

    def run(self, sql: str, *, max_rows: int) -> Answer:
        """Run a checked query; the limit is part of the plan, so that Spark stops early."""
        try:
            self._mark_jobs()
            frame = self._spark.sql(sql)
            fields = frame.schema.fields
            columns = tuple(
                QueryColumn(name=field.name, type=field.dataType.simpleString()) for field in fields
            )
            kinds = [column.type for column in columns]
            rows = _readable(frame, kinds).limit(max_rows).collect()
        except self._errors as error:
            raise _translated(error) from error
        return Answer(columns=columns, rows=_cells(rows, kinds))

    def cancel(self) -> None:
        """Cancel the jobs that carry this session's mark."""
        with suppress(*self._errors):
            if self._context is None:
                self._spark.interruptTag(self._mark)
            else:
                self._context.cancelJobGroup(self._mark)

    def _mark_jobs(self) -> None:
        """Mark the jobs of this thread, which lives as long as one query."""
        if self._context is None:
            self._spark.addTag(self._mark)
        else:  # tags of sessions were seen not to be found again in classic Spark 4.0
            self._context.setJobGroup(
                self._mark, "a query of Voyant's user", interruptOnCancel=True
            )

    def close(self) -> None:
        """Cancel what runs; the session shares its cluster with others, so it is only let go."""
        self.cancel()


def _context(spark: SparkSession) -> Any:
    """Return the context of a classic session; Spark Connect has none."""
    from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra

    try:
        return spark.sparkContext
    except (AttributeError, PySparkException):
        return None


def _readable(frame: DataFrame, kinds: list[str]) -> DataFrame:
    """Select each column as Python can take it; by position, because names may repeat."""
    from pyspark.sql import functions  # noqa: PLC0415 - an extra

    names = [f"c{i}" for i in range(len(kinds))]
    outputs: list[Any] = []
    for name, kind in zip(names, kinds, strict=True):
        column = functions.col(name)
        if kind == "binary":
            column = functions.octet_length(column)
        elif kind not in _AS_THEY_ARE and not kind.startswith("decimal"):
            column = column.cast("string")
        outputs.append(column)
    return frame.toDF(*names).select(*outputs)


def _cells(rows: list[Any], kinds: list[str]) -> Generator[tuple[Scalar, ...]]:
    for row in rows:
        yield tuple(_cell(value, kind) for value, kind in zip(row, kinds, strict=True))


def _cell(value: Any, kind: str) -> Scalar:
    if value is None:
        return None
    if kind == "binary":
        return f"<{value} bytes>"
    if kind == "timestamp":  # with the session's time zone, which is UTC
        return f"{time_text(value)}+00"
    if kind == "timestamp_ntz":
        return time_text(value)
    return plain_cell(value)


def _translated(error: Exception) -> QueryError:
    whole, said = str(error), _first_line(error)
    if any(word in whole for word in _EXHAUSTED):
        return QueryMemoryError(
            f"The query needs more than it may use: {said}",
            remedy="Make it read or build less, or raise the limit.",
        )
    if any(word in whole for word in _CANCELLED):
        return QueryTimeoutError(
            "The query was stopped at its time limit.",
            remedy="Make it do less, or raise the limit.",
        )
    return QueryError(f"Spark could not run the query: {said}")


def _first_line(error: Exception) -> str:
    """Return Spark's message without the plan and the trace that follow it."""
    return str(error).strip().split("\n")[0].removesuffix(";")[:500]
