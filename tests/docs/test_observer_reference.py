"""The pages on observers and testing say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from voyant.observers import opening
from voyant.testing import AWKWARD_TABLES
from voyant.testing.conformance import LAWS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def rows(name: str) -> dict[str, str]:
    text = (REFERENCE / f"{name}.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([^`]+)` \| (.+?) \|", text, flags=re.MULTILINE))


def test_every_observer_has_a_row_and_a_heading() -> None:
    text = (REFERENCE / "observers.md").read_text(encoding="utf-8")
    for name in opening._OURS:
        assert f"\n## `{name}`\n" in text
    table = rows("observers")
    for setting, name in opening._SWITCHES.items():
        assert f"`{setting}`" in table[name]


def test_every_law_has_its_row() -> None:
    table = rows("testing")
    assert {name: table.get(name) for name in LAWS} == dict(LAWS)


def test_every_awkward_table_has_its_row() -> None:
    named = rows("testing")
    for table in AWKWARD_TABLES:
        assert any(name == table or table.startswith(name.removesuffix("...")) for name in named)
