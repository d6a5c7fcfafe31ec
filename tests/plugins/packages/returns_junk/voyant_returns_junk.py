"""Returns what nobody can use."""

from voyant.core.plugin_registry import GeneratorContext, register


@register("returns_junk", order=55)
def generate(ctx: GeneratorContext) -> int:
    """Return a number."""
    return len(ctx.job_id)
