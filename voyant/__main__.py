"""`python -m voyant` is the `voyant` command."""

from __future__ import annotations

from voyant.cli import main

if __name__ == "__main__":
    main()
