"""`__all__` of each module is what it defines for others, no more and no less."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import voyant.core

FILES = sorted(Path(voyant.core.__file__).parent.glob("[!_]*.py"))
REEXPORTS = {
    "plugin_registry": {
        *("ArtifactResult", "GeneratorContext", "GeneratorDefinition", "GeneratorResult"),
        "PipelineResult",
    }
}


def defined(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def test_there_are_modules() -> None:
    assert {"plugin_registry.py", "config.py", "errors.py"} <= {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_all_is_what_is_defined(path: Path) -> None:
    module = importlib.import_module(f"voyant.core.{path.stem}")
    assert len(module.__all__) == len(set(module.__all__))
    assert set(module.__all__) == defined(path) | REEXPORTS.get(path.stem, set())
    for name in module.__all__:
        assert hasattr(module, name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_module_says_what_it_answers(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert doc.splitlines()[0].endswith((".", "?"))
