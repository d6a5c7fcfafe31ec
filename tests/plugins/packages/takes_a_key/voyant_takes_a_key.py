"""Calls what it makes `profile`, and is there first."""

from voyant.core.plugin_registry import ArtifactResult, GeneratorContext, register


@register("takes_a_key", order=5)
def generate(ctx: GeneratorContext) -> ArtifactResult:
    """Return the artifact key of a generator that has yet to run."""
    return {"profile": ctx.write_json("not_a_profile.json", {})}
