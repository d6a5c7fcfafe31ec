"""What can be done for later generators while earlier ones wait for the tables?

Templates are loaded, the process that draws charts is started, and the charts of KPIs are drawn as
soon as the KPIs are known. None of it changes what a generator writes; if it fails, the generator
that needs it meets the same failure, and says so.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from voyant.core.definition import GeneratorDefinition
from voyant.core.pipeline import Observer
from voyant.core.plan import Plan
from voyant.core.results import GeneratorResult

if TYPE_CHECKING:
    from voyant.report.drawer import Drawer

__all__ = ["Ahead"]

_TEMPLATES: Final = {
    "profile": "profile",
    "quality": "quality",
    "drift": "drift",
    "report": "index",
}

_logger = logging.getLogger("voyant.jobs")


class Ahead(Observer):
    """Makes ready, while entered, what the generators of a plan will need."""

    def __init__(self, plan: Plan) -> None:
        """Look at what will run; nothing is started yet."""
        # One with a process of its own does all this there.
        self._running = {
            step.definition.name
            for step in plan.steps
            if not step.skip_reason and step.definition.isolation == "none"
        }
        self._drawer: Drawer | None = None

    def __enter__(self) -> Self:
        """Start it, in other threads and processes."""
        if "voyant.generators.profile" in sys.modules and self._running:
            threading.Thread(
                target=_load_templates, args=[self._running], name="voyant-ahead", daemon=True
            ).start()
        if "charts" in self._running:
            from voyant.report.drawer import make_drawer_ready  # noqa: PLC0415 - only with charts

            try:
                self._drawer = make_drawer_ready()
            except OSError:
                _logger.debug("Nothing can be drawn ahead", exc_info=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End what nobody took."""
        if self._drawer is not None:
            from voyant.report.drawer import end_spare_drawers  # noqa: PLC0415 - as above

            end_spare_drawers()

    def generator_finished(self, definition: GeneratorDefinition, result: GeneratorResult) -> None:
        """Have the charts of KPIs drawn."""
        del definition
        path = (result.artifacts or {}).get("kpis")
        if path is not None and self._drawer is not None:
            threading.Thread(
                target=_begin_charts, args=[path, self._drawer], name="voyant-ahead", daemon=True
            ).start()


def _load_templates(running: Collection[str]) -> None:
    with suppress(Exception):  # the generators say what is wrong
        from voyant.report.page import load_template  # noqa: PLC0415 - Jinja takes 100 ms

        for name, template in _TEMPLATES.items():
            if name in running:
                load_template(f"{template}.html.j2")


def _begin_charts(path: str, drawer: Drawer) -> None:
    from voyant.artifacts.kpis import KpisArtifact  # noqa: PLC0415 - in use already, with charts
    from voyant.generators.charts import plan_kpi_charts  # noqa: PLC0415 - the same

    try:
        kpis = KpisArtifact.model_validate_json(Path(path).read_bytes())
        for chart in plan_kpi_charts(kpis)[0]:
            drawer.begin(chart.drawing.spec)
    except Exception:  # the generator meets it again, and says so
        _logger.debug("The charts of KPIs could not be begun", exc_info=True)
