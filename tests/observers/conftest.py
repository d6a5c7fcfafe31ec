"""A small run to observe: one generator that works, one that fails, one that is off."""

from __future__ import annotations

import pytest

from voyant.core.plugin_registry import PluginRegistry


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    registry = PluginRegistry()

    @registry.register("works", order=1)
    def works(ctx):
        return {"a": ctx.write_json("a.json", 1)}

    @registry.register("breaks", order=2)
    def breaks(ctx):
        raise ValueError("on purpose")

    @registry.register("off", order=3, feature_flag="enable_off")
    def off(ctx):
        return {}

    def start(observer, settings=None, **more):
        for name, generator in more.items():
            registry.register(name, order=4)(generator)
        context = {
            "job_id": "job",
            "tenant_id": "acme",
            "artifacts_root": str(tmp_path / "out"),
            "flags": {"enable_off": False},
            "sources": {"orders": "data/orders.csv", "frame": object()},
        }
        return registry.run(context, settings, observers=[observer])

    return start
