"""The browser and the checker that tests of pages need, and what happens where they are missing.

Debian: `apt install chromium npm`, then `npm install --no-save --ignore-scripts axe-core@4` in the
repository. Without them the tests say so and are skipped; where `CI` is set, they fail.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

__all__ = ["CHROMIUM", "axe_script", "needs_chromium"]

CHROMIUM = shutil.which("chromium")

_AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_IS_CI = bool(os.environ.get("CI"))

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and not _IS_CI, reason="Chromium is not installed"
)


def axe_script() -> str:
    """Return the accessibility checker; the test that asks is skipped if it is not there."""
    if not _AXE.is_file():
        said = "axe-core is missing: npm install --no-save --ignore-scripts axe-core@4"
        (pytest.fail if _IS_CI else pytest.skip)(said)
    return _AXE.read_text(encoding="utf-8")
