"""Whole runs to draw a report of: the flights, and tables whose names attack the page."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pandas as pd

import voyant
from tests.report.samples import HOSTILE
from voyant.demo import KPIS, table_paths

AS_OF = datetime(2014, 1, 1, tzinfo=UTC)


@cache
def flights() -> voyant.Analysis:
    """Run all generators over the demo."""
    return voyant.analyze(
        {name: str(path) for name, path in table_paths().items()},
        kpis=KPIS,
        job_id="flights",
        as_of=AS_OF,
    )


@cache
def hostile() -> voyant.Analysis:
    """Run all generators over 300 columns of trouble, one of which has moved."""
    rng = np.random.default_rng(7)
    columns: dict[str, object] = {
        name or "(empty)": [HOSTILE[(7 * row + place) % len(HOSTILE)] for row in range(200)]
        for place, name in enumerate(HOSTILE)
    }
    for place in range(300 - len(columns)):
        columns[f"measure_{place:03}"] = np.round(rng.normal(place, 3, 200), 3)
    wide = pd.DataFrame(columns)
    moved = wide.assign(measure_000=wide["measure_000"] + 50)
    return voyant.analyze(
        {HOSTILE[2]: moved, HOSTILE[6]: wide.iloc[:, :5], "no rows": wide.iloc[:0, :3]},
        reference={HOSTILE[2]: wide},
        kpis=_hostile_kpis(),
        job_id="hostile",
        as_of=AS_OF,
    )


def _hostile_kpis() -> list[dict[str, object]]:
    return [
        {
            "name": HOSTILE[0],
            "sql": "SELECT 5 AS n",
            "description": HOSTILE[2],
            "unit": HOSTILE[1],
            "direction": "down",
            "target": 4,
            "warn": 5,
        },
        {
            "name": HOSTILE[1],
            "sql": "SELECT '<script>alert(9)</script>' AS \"<b>\", 1 AS n UNION ALL SELECT 'x', 2",
        },
    ]
