"""Reads memory that is not there, as a broken C extension does."""

import ctypes

from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register


@register("crashes", order=35)
def generate(ctx: GeneratorContext) -> ArtifactResult:
    """Crash."""
    return {"crashes": ctx.write_bytes("crashes.bin", ctypes.string_at(0))}
