"""What does each field of a model say about itself, in the text below it?

Pydantic can read these texts too (`use_attribute_docstrings`), but does so whenever a model is
imported, which costs a run 0.15 s; only whoever writes the schemas needs them.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

__all__ = ["describe_schema", "field_descriptions"]


def field_descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return the text below each field that has one, the fields of base classes included."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            found.update(_written_below(owner))
    return {name: text for name, text in found.items() if name in model.model_fields}


def describe_schema(schema: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's JSON Schema with a description for each property that has one.

    Args:
        schema: As `model_json_schema` made it.
        model: The model it was made from.
    """
    parts = {part.__name__: part for part in _models_in(model, set())}
    definitions = schema.get("$defs", {})
    described = {
        name: _described(definition, parts[name]) if name in parts else definition
        for name, definition in definitions.items()
    }
    whole = _described(schema, model)
    return {**whole, "$defs": described} if described else whole


def _described(schema: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    texts = field_descriptions(model)
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    properties = {
        key: dict(sorted({**value, "description": texts[names[key]]}.items()))
        if names.get(key) in texts
        else value
        for key, value in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties} if properties else schema


def _written_below(owner: type) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for field, text in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            yield field.target.id, inspect.cleandoc(text.value.value)


def _models_in(
    annotation: Any,  # noqa: ANN401 - whatever can stand as an annotation
    seen: set[type[BaseModel]],
) -> set[type[BaseModel]]:
    """Collect the models that an annotation, or a model's fields, lead to."""
    if not inspect.isclass(annotation) or not issubclass(annotation, BaseModel):
        for argument in getattr(annotation, "__args__", ()):
            _models_in(argument, seen)
    elif annotation not in seen:
        seen.add(annotation)
        for field in annotation.model_fields.values():
            _models_in(field.annotation, seen)
    return seen
