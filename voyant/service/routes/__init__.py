"""Which addresses does the API answer? One module for each subject."""

from __future__ import annotations

__all__: list[str] = []
