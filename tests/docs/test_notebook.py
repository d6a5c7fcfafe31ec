"""The notebook page runs from top to bottom, as a reader would run it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "notebook.md"


def test_every_cell_runs_and_the_first_one_shows_the_report(capsys):
    cells = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(cells) == 3
    names: dict[str, object] = {}
    for cell in cells:
        exec(compile(cell, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    assert "srcdoc=" in names["analysis"]._repr_html_()
    printed = capsys.readouterr().out
    assert "2000" in printed.splitlines()[0]
    assert "# What the data says" in printed
    assert printed.splitlines()[-1].startswith("drifted ")
