"""Hold specs to the JSON schema of their version of Vega-Lite, which Altair's wheel carries."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import jsonschema

from voyant.report.vega_render import VEGA_LITE_VERSION
from voyant.report.vega_theme import DARK_COLOURS


@cache
def validator() -> jsonschema.Draft7Validator:
    text = files("altair.vegalite.v6.schema").joinpath("vega-lite-schema.json").read_text("utf-8")
    from altair import SCHEMA_VERSION

    assert SCHEMA_VERSION.startswith(f"v{VEGA_LITE_VERSION}.")
    return jsonschema.Draft7Validator(json.loads(text))


def assert_is_vega_lite(spec: dict[str, object]) -> None:
    fault = jsonschema.exceptions.best_match(validator().iter_errors(spec))
    assert fault is None, f"{fault.json_path}: {fault.message[:500]}"


def colours_outside_data(spec: object) -> set[str]:
    """Return the hex colours a spec names; colours of single bars stand in its data on purpose."""
    if isinstance(spec, dict):
        return set().union(*(colours_outside_data(value) for value in spec.values()))
    if isinstance(spec, list):
        return set().union(*map(colours_outside_data, spec))
    return {spec} if isinstance(spec, str) and spec.startswith("#") and len(spec) == 7 else set()


def assert_colours_have_dark_ones(spec: object) -> None:
    assert colours_outside_data(spec) <= set(DARK_COLOURS)
