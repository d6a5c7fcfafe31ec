"""Where does a child process of ours find Python packages?"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

__all__ = ["child_path"]

_PACKAGE_ROOT: Final = Path(__file__).resolve().parents[2]


def child_path() -> str:
    """Return a PYTHONPATH for it: wherever this process finds its packages, so does the child."""
    found = [str(_PACKAGE_ROOT), *(path for path in sys.path if Path(path).is_absolute())]
    return os.pathsep.join(dict.fromkeys(found))
