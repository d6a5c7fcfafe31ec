"""How are tables, JSON and progress shown, on any terminal and on none?"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from voyant.cli.text import clean
from voyant.core.context import GeneratorContext
from voyant.core.definition import GeneratorDefinition
from voyant.core.pipeline import Observer
from voyant.core.plan import Plan
from voyant.core.results import GeneratorResult, PipelineResult

__all__ = ["ProgressObserver", "print_json", "print_line", "print_table"]

_STEP_CHARACTERS = 60
_WIDEST = 10_000
_STATUS_STYLES = {
    "ok": "green",
    "on": "green",
    "runs": "green",
    "failed": "bold red",
    "skipped": "dim",
    "off": "dim",
}


def print_json(value: object) -> None:
    """Print one JSON document on stdout, in ASCII: no terminal or pipe can spoil it."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


class _Console(Console):
    """Leaves it to `VoyantGroup` what a reader that is gone means."""

    def on_broken_pipe(self) -> None:
        """Raise what the stream raised; Rich would end the process with 1."""
        raise  # noqa: PLE0704 - called while it is handled


def print_line(text: str = "") -> None:
    """Print a line on stdout, however long: a path that was broken in two cannot be copied."""
    sys.stdout.write(clean(text) + "\n")


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of plain text on stdout, whatever it holds; empty columns are left out."""
    kept = [i for i in range(len(headings)) if not rows or any(row[i] for row in rows)]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for i in kept:
        is_number = headings[i] in {"order", "time"}
        table.add_column(headings[i], justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        cells = (row[i] for i in kept)
        table.add_row(*(Text(clean(cell), style=_STATUS_STYLES.get(cell, "")) for cell in cells))
    # Read by a program, a row is one line: names can be searched for.
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDEST
    _Console(file=sys.stdout, highlight=False, width=width).print(table)


class ProgressObserver(Observer):
    """Shows on stderr which generator runs; says nothing when stderr is not a terminal."""

    def __init__(self) -> None:
        """Start with nothing shown."""
        console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn("line"),  # plain ASCII
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def run_started(self, plan: Plan, context: GeneratorContext) -> None:
        """Show a bar with a step for each generator that is to run."""
        del context
        total = sum(not step.skip_reason for step in plan.steps)
        self._task = self._progress.add_task("starting", total=total)
        self._progress.start()

    def generator_started(self, definition: GeneratorDefinition) -> None:
        """Show the generator's name."""
        if self._task is not None:
            self._progress.update(self._task, description=definition.name)

    def generator_progressed(self, definition: GeneratorDefinition, step: str) -> None:
        """Show what the engine does for it."""
        if self._task is not None:
            text = clean(f"{definition.name}: {step}")
            if len(text) > _STEP_CHARACTERS:
                text = f"{text[: _STEP_CHARACTERS - 3]}..."
            self._progress.update(self._task, description=text)

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Move the bar on."""
        del definition, result
        if self._task is not None:
            self._progress.advance(self._task)

    def run_finished(self, result: PipelineResult) -> None:
        """Clear the line."""
        del result
        self.stop()

    def stop(self) -> None:
        """Clear the line, also after Ctrl-C; safe to call twice."""
        self._progress.stop()
