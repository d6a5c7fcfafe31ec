"""Writes `profile.json`, and is there first."""

from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register


@register("takes_a_file", order=5)
def generate(ctx: GeneratorContext) -> ArtifactResult:
    """Write the file of a generator that has yet to run."""
    return {"takes_a_file": ctx.write_json("profile.json", {})}
