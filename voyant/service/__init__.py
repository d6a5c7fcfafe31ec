"""Voyant for several teams: an HTTP API and pages over durable jobs, keys and tenants."""

from __future__ import annotations

__all__: list[str] = []
