"""Writes beside the folder of all jobs."""

from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register


@register("writes_elsewhere", order=65)
def generate(ctx: GeneratorContext) -> ArtifactResult:
    """Write where nothing of a job belongs."""
    place = ctx.artifacts_root.resolve().parent / "elsewhere.txt"
    place.write_text("here I am", encoding="utf-8")
    return {}
