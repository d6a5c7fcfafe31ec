"""How strongly do numeric columns of a DuckDB table go together, whatever the order of its rows?

All sums are of whole numbers, so they are the same on any number of threads. Whole numbers and
decimals of a modest range are taken as they are, which is exact and costs a quarter of what floats
do; floats are rounded to multiples of 2**-60 of their range first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from math import isfinite, sqrt
from operator import add
from typing import TYPE_CHECKING, Any, Final

from voyant.core.tables import Approximation, Association, ColumnKind, ColumnSummary, TableSummary
from voyant.engines.duckdb_types import number_line
from voyant.engines.ingest import quote_name
from voyant.engines.side_by_side import side_by_side
from voyant.stats.moments import FIXED_POINT_ONE

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "SAMPLE_TABLE",
    "coefficient",
    "equal_gaps",
    "has_spread",
    "pearson",
    "rank_and_correlate",
    "shared_gaps",
    "spearman",
]

SAMPLE_TABLE: Final = "memory.main.voyant_sample"
_RANKS: Final = "memory.voyant_ranks"
#: Two deviations of so many bits multiply within 63.
_MOST_BITS: Final = 31
#: Whole numbers up to two to this power are exact as floats.
_FLOAT_BITS: Final = 53
#: Rows are summed in parts of at least two to this power; where that is too many, as integers.
_LEAST_PART_BITS: Final = 14
#: So many ranks of columns are made, and joined, at a time, for so many rows in all.
_MOST_SIDES: Final = 64
_MOST_CELLS: Final = 8_000_000
_ZERO: Final = (-1, 0)
#: Rows are grouped by at most so many kinds of gaps: 64 groups.
_MOST_GROUPED: Final = 6
#: Floats are multiplied by the root of FIXED_POINT_ONE, so that products are in units of it.
_HALF_BITS: Final = (FIXED_POINT_ONE.bit_length() - 1) // 2
_HALF_POINT: Final = f"{FIXED_POINT_ONE**0.5!r}::DOUBLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variable:
    """One side of a correlation: how far each row lies from a center.

    Attributes:
        name: The column's.
        expression: SQL, null where the column has no finite value: whole numbers below `2**bits`,
            or floats in [-1, 1].
        bits: None for floats.
    """

    name: str
    expression: str
    bits: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _RowSet:
    """The rows that some pairs of columns share: those in which both have a value.

    Attributes:
        condition: SQL over the sample.
        pairs: Numbers of columns.
        rows: How many there are.
    """

    condition: str
    pairs: Sequence[tuple[int, int]]
    rows: int

    @property
    def columns(self) -> list[int]:
        """All columns of the pairs, rising."""
        return sorted({i for pair in self.pairs for i in pair})


def pearson(
    connection: duckdb.DuckDBPyConnection, summary: TableSummary, columns: Sequence[str]
) -> tuple[Association, ...]:
    """Correlate all pairs over the rows where both are finite: one scan, two where gaps are alike.

    Columns without spread, whose correlation is not defined, are left out.
    """
    found = [(summary.columns[name], _deviation(summary.columns[name])) for name in columns]
    usable = [(column, variable) for column, variable in found if variable is not None]
    variables = [variable for _, variable in usable]
    source = quote_name(summary.name)
    missing = [c.null_count + c.nan_count + c.infinite_count for c, _ in usable]
    expressions = [variable.expression for variable in variables]
    masks = _gap_masks(connection, source, expressions, missing)
    pairs = list(combinations(range(len(variables)), 2))
    return _correlate(
        connection, source, _Sums(variables, masks, summary.row_count), pairs, "pearson"
    )


def has_spread(column: ColumnSummary) -> bool:
    """Say whether a column is numeric and its finite values differ."""
    low, high = column.min, column.max
    return (
        column.kind.is_numeric
        and isinstance(low, (int, float))
        and isinstance(high, (int, float))
        and low < high
    )


def _deviation(column: ColumnSummary) -> _Variable | None:
    """Return how far a column's values lie from about their mean, None without spread."""
    if not has_spread(column):
        return None
    low, high = Fraction(str(column.min)), Fraction(str(column.max))
    name = quote_name(column.name)
    line = number_line(column.type)
    if line is not None and line.is_exact:
        center = round(Fraction(column.mean or 0) / line.unit)
        farthest = max(high / line.unit - center, center - low / line.unit)
        bits = int(farthest).bit_length()
        if bits <= _MOST_BITS:
            x = line.expression.replace("v", name, 1)
            return _Variable(name=column.name, expression=f"({x} - ({center}))", bits=bits)
    return _float_deviation(column.name, name, float(low), float(high), column)


def _float_deviation(
    name: str, quoted: str, low: float, high: float, column: ColumnSummary
) -> _Variable | None:
    half = 1.0 if isfinite(high - low) else 0.5  # keeps differences within range
    low, high = low * half, high * half
    center = low / 2 + high / 2 if column.mean is None else column.mean * half
    scale = max(high - center, center - low)
    if scale <= 0:
        return None  # as floats all values are one
    value = f"{quoted}::DOUBLE"
    deviation = f"({value} * {half!r}::DOUBLE - {center!r}::DOUBLE) / {scale!r}::DOUBLE"
    if column.nan_count or column.infinite_count:
        deviation = f"CASE WHEN isfinite({value}) THEN {deviation} END"
    return _Variable(name=name, expression=deviation, bits=None)


def spearman(
    connections: Sequence[duckdb.DuckDBPyConnection],
    summary: TableSummary,
    columns: Sequence[str],
    *,
    sample_rows: int,
) -> tuple[Association, ...]:
    """Rank-correlate all pairs; ranks are average ranks among the rows where both are finite.

    A column is ranked once in each set of rows that it shares with others: once if no column has
    gaps, and once for all columns whose gaps lie in the same rows.

    Args:
        connections: To the same database; as many columns are ranked at a time.
        summary: The table's.
        columns: Those to correlate; columns without spread are left out.
        sample_rows: The most rows that are ranked.
    """
    usable = [summary.columns[c] for c in columns if has_spread(summary.columns[c])]
    if len(usable) < 2:  # noqa: PLR2004 - a pair has two
        return ()
    step = -(-summary.row_count // sample_rows)
    approximation = None
    if step > 1:
        rows = -(-summary.row_count // step)
        approximation = Approximation(
            method=f"even sample of {rows:,} rows; error is the largest standard error of a "
            "correlation from so many",
            error=1 / sqrt(max(rows - 1, 1)),
        )
    _keep_sample(connections[0], summary.name, usable, step)
    try:
        return rank_and_correlate(connections, [c.name for c in usable], approximation)
    finally:
        connections[0].execute(f"DROP TABLE IF EXISTS {SAMPLE_TABLE}")


def _keep_sample(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[ColumnSummary], step: int
) -> None:
    """Keep every step-th row, with null for what is not finite; the same rows each time."""
    read = ", ".join(f"{quote_name(column.name)} AS x{i}" for i, column in enumerate(columns))
    kept = ", ".join(
        f"CASE WHEN isfinite(x{i}) THEN x{i} END AS x{i}"
        if column.kind is ColumnKind.FLOAT
        else f"x{i}"
        for i, column in enumerate(columns)
    )
    number = ", row_number() OVER () - 1 AS n" if step > 1 else ""
    where = f"WHERE n % {step} = 0" if step > 1 else ""
    connection.execute(
        f"CREATE OR REPLACE TABLE {SAMPLE_TABLE} AS SELECT {kept} "
        f"FROM (SELECT {read}{number} FROM {quote_name(table)}) {where}"
    )


def rank_and_correlate(
    connections: Sequence[duckdb.DuckDBPyConnection],
    names: Sequence[str],
    approximation: Approximation | None,
) -> tuple[Association, ...]:
    """Rank each column within the sets of rows it shares with others, then correlate in one scan.

    Where the sets of rows are many, or large, in as many scans as keep the ranks few.

    Args:
        connections: To the database with the sample, whose columns are `x0`, `x1` and so on.
        names: The columns'.
        approximation: What the results are told to be.
    """
    connection = connections[0]
    asked = ", ".join(f"count(*) FILTER (x{i} IS NULL)" for i in range(len(names)))
    missing = _one(connection, f"SELECT {asked} FROM {SAMPLE_TABLE}")
    masks = _gap_masks(connection, SAMPLE_TABLE, [f"x{i}" for i in range(len(names))], missing)
    within = _nested_gaps(connection, masks, missing)
    sets: dict[str, list[tuple[int, int]]] = {}  # the pairs that share a set of rows, by condition
    for i, j in combinations(range(len(names)), 2):
        both = {m for m in (masks[i], masks[j]) if m is not None}
        gaps = [m for m in sorted(both) if not any((m, other) in within for other in both)]
        condition = " AND ".join(f"x{m} IS NOT NULL" for m in gaps) or "true"
        sets.setdefault(condition, []).append((i, j))
    if not sets:
        return ()
    counted = ", ".join(f"count(*) FILTER ({condition})" for condition in sets)
    rows = [int(count) for count in _one(connection, f"SELECT {counted} FROM {SAMPLE_TABLE}")]
    shared = [
        _RowSet(condition=condition, pairs=pairs, rows=count)
        for (condition, pairs), count in zip(sets.items(), rows, strict=True)
    ]
    found: dict[tuple[str, str], Association] = {}
    for batch in _batches(shared):
        try:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_RANKS}")
            _keep_ranks(connections, batch)
            found |= _correlate_ranks(connection, names, batch, masks)
        finally:
            connection.execute(f"DROP SCHEMA IF EXISTS {_RANKS} CASCADE")
    return tuple(
        replace(found[pair], approximation=approximation) for pair in combinations(names, 2)
    )


def _batches(shared: Sequence[_RowSet]) -> Iterator[list[_RowSet]]:
    """Share out sets of rows so that the ranks that are held, and joined, at a time stay few."""
    batch, cells, sides = list[_RowSet](), 0, 0
    for rows in shared:
        own = len(rows.columns)
        if batch and (sides + own > _MOST_SIDES or cells + own * rows.rows > _MOST_CELLS):
            yield batch
            batch, cells, sides = [], 0, 0
        batch.append(rows)
        cells, sides = cells + own * rows.rows, sides + own
    if batch:
        yield batch


def _ranked(batch: Sequence[_RowSet]) -> dict[int, list[int]]:
    """Return by column the places of the sets of rows that it is ranked in."""
    ranked: dict[int, list[int]] = {}
    for place, rows in enumerate(batch):
        for i in rows.columns:
            ranked.setdefault(i, []).append(place)
    return ranked


def _keep_ranks(connections: Sequence[duckdb.DuckDBPyConnection], batch: Sequence[_RowSet]) -> None:
    """Make a table for each column: its values, and their rank in each of the sets of rows."""

    def rank(worker: int, column: tuple[int, list[int]]) -> None:
        i, places = column
        connections[worker].execute(_ranks_of(i, [(place, batch[place]) for place in places]))

    side_by_side(_ranked(batch).items(), len(connections), rank)


def _ranks_of(i: int, sets: Sequence[tuple[int, _RowSet]]) -> str:
    """Return the statement that keeps the ranks of a column's values: `r{column}_{set of rows}`.

    Twice the average of the first and the last rank among equals, from the middle: whole numbers.
    By value, since a window over all rows takes ten times as long where there are many.
    """
    counts = ", ".join(f"count(*) FILTER ({rows.condition}) AS c{place}" for place, rows in sets)
    ranks = ", ".join(
        f"(2 * sum(c{place}) OVER (ORDER BY x) - c{place} - {rows.rows})::BIGINT AS r{i}_{place}"
        for place, rows in sets
    )
    return (
        f"CREATE OR REPLACE TABLE {_RANKS}.t{i} AS SELECT x, {ranks} FROM "
        f"(SELECT x{i} AS x, {counts} FROM {SAMPLE_TABLE} WHERE x{i} IS NOT NULL GROUP BY 1)"
    )


def _correlate_ranks(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    batch: Sequence[_RowSet],
    masks: Sequence[int | None],
) -> dict[tuple[str, str], Association]:
    """Correlate all pairs in one scan of the sample, each by the ranks within its set of rows."""
    ranked = _ranked(batch)
    sides = [(i, place) for i, places in ranked.items() for place in places]
    numbers = {side: number for number, side in enumerate(sides)}
    first = {masks[i]: numbers[i, places[0]] for i, places in reversed(ranked.items())}
    # All to the left: DuckDB takes 20 ms to put inner joins of 13 tables in order.
    joins = " ".join(f"LEFT JOIN {_RANKS}.t{i} ON x{i} = t{i}.x" for i in ranked)
    part, most_rows = "0", max(rows.rows for rows in batch)
    bits = most_rows.bit_length()
    part_bits = _FLOAT_BITS - 1 - 2 * bits  # of so many rows sums are exact as floats
    if part_bits >= _LEAST_PART_BITS:
        part, most_rows = f"s.rowid >> {part_bits}", (1 << part_bits) - 1
    found = _correlate(
        connection,
        f"(SELECT *, {part} AS part FROM {SAMPLE_TABLE} AS s {joins})",
        _Sums(
            [_Variable(name=names[i], expression=f"r{i}_{place}", bits=bits) for i, place in sides],
            [None if masks[i] is None else first[masks[i]] for i, _ in sides],
            most_rows,
            are_ranks=True,
        ),
        [
            (numbers[i, place], numbers[j, place])
            for place, rows in enumerate(batch)
            for i, j in rows.pairs
        ],
        "spearman",
    )
    return {(a.left, a.right): a for a in found}


def _nested_gaps(
    connection: duckdb.DuckDBPyConnection, masks: Sequence[int | None], missing: Sequence[int]
) -> set[tuple[int, int]]:
    """Return the pairs of masks of which the first is null only in rows where the second is."""
    different = {mask for mask in masks if mask is not None}
    pairs = [(i, j) for i in different for j in different if missing[i] < missing[j]]
    if not pairs:
        return set()
    asked = ", ".join(f"count(*) FILTER (x{i} IS NULL AND x{j} IS NOT NULL)" for i, j in pairs)
    row = _one(connection, f"SELECT {asked} FROM {SAMPLE_TABLE}")
    return {pair for pair, outside in zip(pairs, row, strict=True) if not outside}


def _gap_masks(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    expressions: Sequence[str],
    missing: Sequence[int],
) -> list[int | None]:
    """Return for each column the first column that is null in the same rows, None without nulls."""
    alike = equal_gaps(missing)
    differing: dict[tuple[int, int], int] = {}
    if alike:
        read = ", ".join(f"({x}) IS NULL AS g{i}" for i, x in enumerate(expressions))
        asked = ", ".join(f"count(*) FILTER (g{i} <> g{j})" for i, j in alike)
        row = _one(connection, f"SELECT {asked} FROM (SELECT {read} FROM {source})")
        differing = dict(zip(alike, row, strict=True))
    return shared_gaps(missing, differing)


def equal_gaps(missing: Sequence[int]) -> list[tuple[int, int]]:
    """Return the pairs of columns that miss equally many values, at least one."""
    return [
        (i, j)
        for j in range(len(missing))
        for i in range(j)
        if missing[j] and missing[i] == missing[j]
    ]


def shared_gaps(
    missing: Sequence[int], differing: Mapping[tuple[int, int], int]
) -> list[int | None]:
    """Return for each column the first column that is null in the same rows, None without nulls.

    Args:
        missing: Rows without a value, by column.
        differing: Rows in which one of a pair has a value and the other has none.
    """
    return [
        min((i for i in range(j) if differing.get((i, j)) == 0), default=j) if missing[j] else None
        for j in range(len(missing))
    ]


class _Sums:
    """The sums a correlation of many pairs needs, each asked for once, in one statement.

    Rows are grouped by the columns they have gaps in: a pair's sums are those of the groups in
    which both have values. `masks` says for each column which column's gaps it shares, None without
    gaps; where gaps are of more kinds than there should be groups, a factor of 0 or 1 does for the
    others.
    """

    def __init__(
        self,
        variables: Sequence[_Variable],
        masks: Sequence[int | None],
        row_count: int,
        *,
        are_ranks: bool = False,
    ) -> None:
        """Plan no sum yet.

        Args:
            variables: What is correlated.
            masks: As above.
            row_count: The most rows that are summed: the source's, or those of one of its parts.
            are_ranks: Whether variables are ranks, from the middle of the rows that a pair shares;
                the source then numbers, as `part`, the parts that its rows are summed by.
        """
        self.variables = variables
        self._are_ranks = are_ranks
        self._masks = masks
        kinds = sorted({mask for mask in masks if mask is not None})
        self._grouped = {mask: 1 << place for place, mask in enumerate(kinds[:_MOST_GROUPED])}
        self._others = kinds[_MOST_GROUPED:]
        self._asked: dict[str, int] = {}
        bits = [0 if v.bits is None else v.bits for v in variables]
        most = max(bits, default=0) + row_count.bit_length()
        # A sum below 2**53 is exact as a float, which takes half of an integer's time.
        self._is_quick = [own + most <= _FLOAT_BITS for own in bits]
        self._has_floats = any(v.bits is None for v in variables)

    def _ask(self, sql: str, *columns: int) -> tuple[int, int]:
        """Return which sum it is, and the gaps that leave a group of rows out."""
        gaps = 0
        for column in columns:
            gaps |= self._grouped.get(self._kind(column), 0)
        return self._asked.setdefault(sql, len(self._asked)), gaps

    def _kind(self, column: int) -> int:
        mask = self._masks[column]
        return -1 if mask is None else mask

    def _factor(self, column: int, other: int) -> str:
        """Return a factor of 1 where the other column has a value, 0 where it has none."""
        mask = self._kind(other)
        return f" * m{mask}" if mask in self._others and mask != self._kind(column) else ""

    def count(self, i: int, j: int) -> tuple[int, int]:
        present = sorted({self._kind(i), self._kind(j)} & set(self._others))
        counted = f"sum({' * '.join(f'm{m}' for m in present)})" if present else "count(*)"
        return self._ask(counted, i, j)

    def own(self, i: int, other: int) -> tuple[int, int]:
        if self._are_ranks:  # from the middle of the rows that are summed: no more, no less
            return _ZERO
        x = f"x{i}" if self._is_whole(i) else f"(x{i} * {_HALF_POINT})::BIGINT"
        return self._ask(f"sum({x}{self._factor(i, other)})", i, other)

    def product(self, i: int, j: int, other: int) -> tuple[int, int]:
        if self._is_whole(i) and self._is_whole(j):
            x = f"x{i} * x{j}"
        else:
            x = f"({self._float(i)} * {self._float(j)})::BIGINT"
        return self._ask(f"sum({x}{self._factor(i, other)})", i, j, other)

    def unit(self, *columns: int) -> int:
        """Return how many units of a sum make 1, where deviations are taken to lie in [-1, 1]."""
        total = 0
        for i in columns:
            bits = self.variables[i].bits
            if bits is None:
                return FIXED_POINT_ONE
            total += bits
        return 1 << total

    def _is_whole(self, i: int) -> bool:
        return self.variables[i].bits is not None

    def _float(self, i: int) -> str:
        return f"f{i}" if self._is_whole(i) else f"x{i}"

    def _read(self, i: int) -> str:
        variable = self.variables[i]
        if variable.bits is None:
            return f"{variable.expression} * {_HALF_POINT} AS x{i}"
        return f"({variable.expression}){'::DOUBLE' if self._is_quick[i] else ''} AS x{i}"

    def fetch(self, connection: duckdb.DuckDBPyConnection, source: str) -> _Totals:
        columns = range(len(self.variables))
        read = [*map(self._read, columns), *(["part"] if self._are_ranks else [])]
        inner = f"(SELECT {', '.join(read)} FROM {source})"
        derived = [f"(x{m} IS NOT NULL)::BIGINT AS m{m}" for m in self._others]
        if self._has_floats:
            derived += [
                f"x{i}::DOUBLE * {2.0 ** (_HALF_BITS - bits)!r}::DOUBLE AS f{i}"
                for i in columns
                if (bits := self.variables[i].bits) is not None
            ]
        gaps, groups = "0", ["part"] if self._are_ranks else []
        if self._grouped:
            each = (f"(x{m} IS NULL)::INTEGER * {bit}" for m, bit in self._grouped.items())
            derived.append(f"{' + '.join(each)} AS gaps")
            gaps = "gaps"
            groups.append(gaps)
        if derived:
            inner = f"(SELECT {', '.join(('*', *derived))} FROM {inner})"
        grouped = f"GROUP BY {', '.join(groups)}" if groups else ""
        rows = connection.execute(
            f"SELECT {gaps}, {', '.join(self._asked)} FROM {inner} {grouped}"
        ).fetchall()
        by_gaps: dict[int, list[int]] = {}
        for within, *row in rows:
            sums = [int(x or 0) for x in row]
            by_gaps[within] = list(map(add, by_gaps[within], sums)) if within in by_gaps else sums
        return _Totals(by_gaps)


class _Totals:
    """What the sums came to, by the gaps of the rows they were taken over."""

    def __init__(self, by_gaps: Mapping[int, Sequence[int]]) -> None:
        self._by_gaps = by_gaps

    def of(self, asked: tuple[int, int]) -> int:
        """Return a sum over the rows without any of the gaps that it was asked with."""
        place, without = asked
        if asked is _ZERO:
            return 0
        return sum(row[place] for gaps, row in self._by_gaps.items() if not gaps & without)


def _correlate(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    sums: _Sums,
    pairs: Sequence[tuple[int, int]],
    method: str,
) -> tuple[Association, ...]:
    """Correlate pairs of the variables that are summed, in one scan."""
    if not pairs:
        return ()
    plans = [
        (
            sums.count(i, j),
            (sums.own(i, j), sums.unit(i)),
            (sums.own(j, i), sums.unit(j)),
            (sums.product(i, i, j), sums.unit(i, i)),
            (sums.product(j, j, i), sums.unit(j, j)),
            (sums.product(i, j, i), sums.unit(i, j)),
        )
        for i, j in pairs
    ]
    totals = sums.fetch(connection, source)
    return tuple(
        Association(
            left=sums.variables[i].name,
            right=sums.variables[j].name,
            method=method,
            value=coefficient(
                totals.of(count), *(Fraction(totals.of(asked), unit) for asked, unit in parts)
            ),
            row_count=totals.of(count),
        )
        for (i, j), (count, *parts) in zip(pairs, plans, strict=True)
    )


def coefficient(
    count: int, sx: Fraction, sy: Fraction, sxx: Fraction, syy: Fraction, sxy: Fraction
) -> float | None:
    """Return the correlation; the differences of the sums are exact."""
    vx, vy = count * sxx - sx * sx, count * syy - sy * sy
    if count < 2 or vx <= 0 or vy <= 0:  # noqa: PLR2004 - one row has no spread
        return None
    value = float(count * sxy - sx * sy) / (sqrt(vx) * sqrt(vy))
    return max(-1.0, min(1.0, value))


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    return connection.execute(sql).fetchall()[0]
