"""Hangs in C code that lets no other thread run."""

import re

from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register


@register("hangs", order=25, timeout_seconds=2)
def generate(ctx: GeneratorContext) -> ArtifactResult:
    """Match a regular expression of exponential time."""
    ctx.write_text("hangs.txt", str(re.match(r"(a+)+$", "a" * 60 + "b")))
    return {}
