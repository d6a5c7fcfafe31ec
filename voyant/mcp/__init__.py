"""Voyant as tools for agents: the same jobs, keys and limits, over the Model Context Protocol."""

from __future__ import annotations

__all__: list[str] = []
