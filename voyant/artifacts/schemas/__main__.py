"""Write the published JSON Schemas again: `python -m voyant.artifacts.schemas`."""

from __future__ import annotations

import sys

from voyant.artifacts.schemas import write_schemas

if __name__ == "__main__":
    for path in write_schemas():
        sys.stdout.write(f"{path.name}\n")
