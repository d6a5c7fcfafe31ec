"""`voyant new-generator`: how does a generator of one's own begin?"""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from typing import Annotated, Final

import typer

from voyant.cli.exits import Debug

__all__ = ["new_generator"]

#: Template -> where its text goes in the new package.
_FILES: Final = {
    "pyproject.toml.tmpl": "pyproject.toml",
    "readme.md.tmpl": "README.md",
    "generator.py.tmpl": "src/$module/__init__.py",
    "test_generator.py.tmpl": "tests/test_$name.py",
}


def new_generator(
    name: Annotated[str, typer.Argument(help="The generator's name: row_counts.")],
    *,
    folder: Annotated[
        str, typer.Option("--dir", metavar="DIR", help="Where the package's folder is made.")
    ] = ".",
    _debug: Debug = False,
) -> None:
    """Make an installable package with a generator, its test and its entry point."""
    from importlib.resources import files

    from voyant import __version__
    from voyant.cli.show import print_line
    from voyant.core.errors import ConfigurationError
    from voyant.core.plugin_registry import BUILTIN_GENERATORS

    wanted = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if name != wanted or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        hint = f" such as {wanted!r}" if wanted[:1].isalpha() else ""
        raise ConfigurationError(
            f"A generator cannot be called {name!r}.",
            remedy=f"Use lower-case letters, digits and underscores, a letter first{hint}.",
        )
    if name in BUILTIN_GENERATORS:
        raise ConfigurationError(
            f"A generator cannot be called {name!r}: Voyant's own is.",
            remedy=f"Choose another name, such as 'my_{name}'.",
        )
    values = {
        "name": name,
        "module": f"voyant_{name}",
        "package": f"voyant-{name.replace('_', '-')}",
        "title": name.replace("_", " ").capitalize(),
        "version": __version__,
    }
    place = Path(folder) / values["package"]
    templates = files("voyant.cli").joinpath("templates/generator")
    try:
        place.mkdir(parents=True)
        for template, path in _FILES.items():
            text = Template(templates.joinpath(template).read_text(encoding="utf-8"))
            target = place / Template(path).substitute(values)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text.substitute(values), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"Cannot make {str(place)!r}: {error.strerror}.",
            remedy="Choose another name, or another folder with --dir.",
        ) from None
    print_line(f"Made {place}")
    print_line(f"Next: pip install --editable {place} && pytest {place}")
