"""Keeps everything it has ever made."""

from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register


@register("allocates", order=45)
def generate(ctx: GeneratorContext) -> ArtifactResult:
    """Allocate without end."""
    kept = [ctx.job_id.encode()]
    while True:
        kept.append(b"x" * 10_000_000)
