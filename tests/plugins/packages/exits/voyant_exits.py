"""Calls `sys.exit()` in the middle of a run."""

import sys

from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register


@register("exits", order=15)
def generate(ctx: GeneratorContext) -> ArtifactResult:
    """Leave."""
    ctx.write_text("half.txt", "so far")
    sys.exit("that is all")
