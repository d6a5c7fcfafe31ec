"""How does an artifact say that its numbers are of some of a table's rows?"""

from __future__ import annotations

from collections.abc import Iterable

from voyant.artifacts.base import ArtifactPart
from voyant.core.selection import Selecting, describe_selection, selection_of

__all__ = ["SelectedRows", "selected_rows", "selections_of"]


class SelectedRows(ArtifactPart):
    """Which rows of a table the numbers are about; no number is scaled up to the whole table."""

    description: str
    """All of it in words."""
    where: str
    """The condition; empty for none."""
    time_column: str
    """The column of the window; empty for none."""
    since: str | None
    """The window begins after this moment, ISO 8601."""
    until: str | None
    """The window ends with this moment."""
    sample_method: str | None
    """`hash`: the rows whose hash, with the seed, is smallest; null where no sample was taken. A
    warehouse's hash function is named: `hash by xxhash64`."""
    sample_rows: int | None
    """So many rows were wanted."""
    sample_fraction: float | None
    """About this share of the rows was wanted."""
    sample_seed: int | None
    whole_row_count: int | None
    """Rows of the whole table; null where counting them would cost a scan."""

    @property
    def is_sample(self) -> bool:
        """Whether the rows were chosen by chance."""
        return self.sample_method is not None


def selected_rows(engine: object, table: str) -> SelectedRows | None:
    """Return what an engine selected of a table; None for all of it."""
    selection = selection_of(engine, table)
    if selection is None:
        return None
    sample = selection.sample
    return SelectedRows(
        description=describe_selection(selection),
        where=selection.where,
        time_column=selection.time_column,
        since=None if selection.since is None else selection.since.isoformat(),
        until=None if selection.until is None else selection.until.isoformat(),
        sample_method=None if sample is None else sample.method,
        sample_rows=None if sample is None else sample.rows,
        sample_fraction=None if sample is None else sample.fraction,
        sample_seed=None if sample is None else sample.seed,
        whole_row_count=engine.whole_row_count(table) if isinstance(engine, Selecting) else None,
    )


def selections_of(engine: object, tables: Iterable[str]) -> dict[str, str]:
    """Say which rows the numbers are about, for the tables of which some were selected."""
    found = {table: selection_of(engine, table) for table in tables}
    return {name: describe_selection(s) for name, s in found.items() if s is not None}
