"""A virtual environment of its own with packages really installed, and commands run in it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(**more: str) -> dict[str, str]:
    """Nothing that could lead a child back to this checkout, or to another configuration."""
    hidden = ("VOYANT_", "PYTHONPATH", "PYTEST_", "COV_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    return {**kept, **more}


def run(*command: object, cwd: Path) -> str:
    """Run a command that must succeed; return what it prints."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_environment(folder: Path, packages: Iterable[Path]) -> Path:
    """Make `folder/venv` with Voyant and these packages, built to wheels; return its commands."""
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # It sees what the tests have, behind its own: nothing is downloaded.
    tests = sysconfig.get_path("purelib")
    (site / "tests.pth").write_text(f"import site; site.addsitedir({tests!r})\n")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    pip = (sys.executable, "-m", "pip", "--python", python, "install", *options)
    run(*pip, ROOT, *packages, cwd=folder)
    return python.parent
