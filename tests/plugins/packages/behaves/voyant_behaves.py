"""What a good plugin looks like beside the others."""

from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register


@register("behaves", order=200)
def generate(ctx: GeneratorContext) -> ArtifactResult:
    """Write the names of the tables."""
    return {"behaves": ctx.write_json("behaves.json", {"tables": list(ctx.tables)})}
