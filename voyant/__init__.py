"""Voyant: what is in these tables, and can we trust them?"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
