"""Who else is told of a run as it goes? Each observer is off until the settings switch it on.

A path or address in the settings switches its observer on (`events_path`, `metrics_path`,
`openlineage_url`); `observers` names others: `otel`, `prometheus`, or those of plugins.
"""

from __future__ import annotations

from voyant.observers.opening import API_GROUP, observing

__all__ = ["API_GROUP", "observing"]
