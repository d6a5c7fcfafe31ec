"""Where do rivals run that need other versions of libraries? Each in its own environment."""

from __future__ import annotations

import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path

from harness import CACHE, say

#: Evidently 0.7.23 does not import with pandas 3.
EVIDENTLY = ("evidently==0.7.23", "pandas<3", "pyarrow")


def python_with(name: str, requirements: Sequence[str]) -> Path:
    """Return the Python of an environment below `.cache`, made on first use.

    Args:
        name: The environment's folder.
        requirements: What to install, as pip takes it.
    """
    folder = CACHE / name
    python = folder / "bin" / "python"
    done = folder / ".done"
    wanted = "\n".join(requirements)
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        say(f"installing {', '.join(requirements)}: a few minutes, once")
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        done.write_text(wanted, encoding="utf-8")
    return python
