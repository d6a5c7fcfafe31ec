"""How a template becomes a page that is whole in itself: one file, no request, a strict policy."""

from __future__ import annotations

import os
import re
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from threading import get_ident

from jinja2 import Environment, PackageLoader, StrictUndefined, compiler
from jinja2.bccache import Bucket, BytecodeCache
from markupsafe import Markup

from voyant.report.format import visible
from voyant.report.svg import share_bar

__all__ = ["load_template", "render_page"]

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_INDENT = re.compile(r"\n\s+")


def render_page(
    template: str,
    context: Mapping[str, object],
    *,
    title: str,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    has_library: bool = False,
) -> str:
    """Render a self-contained HTML page.

    The same arguments give the same bytes. Everything in `context` is escaped unless it knows its
    own HTML (`Figure`, `Value`, `Markup`). The policy in the page allows the style sheet and the
    script that stand in it, by hash, and pictures in the page; nothing else loads, is sent, or
    runs - so templates use no `style` attribute, no `on...` attribute, no script of their own.

    Args:
        template: A file in `templates/` that extends `base.html.j2`.
        context: What the template prints; a name it asks for and does not find is an error.
        title: The page's title, plain text.
        styles: Style sheets in `styles/`, without the ending, beside the one every page has.
        scripts: Scripts beside `script.js`, without the ending, that only this page needs.
        has_library: Whether a script file that lies beside the page may run too.

    Returns:
        The page.

    Raises:
        jinja2.UndefinedError: The template prints something the context does not have.
    """
    style = "".join(_style(name) for name in ("page", *styles))
    script = "".join(_script(name) for name in ("script", *scripts))
    page = {
        "title": visible(title),
        "policy": _policy(style, script, has_library=has_library),
        "style": Markup(style),  # noqa: S704 - our own file, not data
        "script": Markup(script),  # noqa: S704 - our own file, not data
    }
    return _environment().get_template(template).render({**context, "page": page})


def load_template(name: str) -> None:
    """Compile a template, and what it includes, before a page asks for it."""
    _environment().get_template(name)


class _CompiledBeside(BytecodeCache):
    """Keeps compiled templates where Python keeps compiled modules: compiling takes 0.15 s.

    What a template compiles to depends on its text, Jinja and the options in this module. A folder
    that cannot be written is no error, and `PYTHONDONTWRITEBYTECODE` holds here too.
    """

    _folder = Path(__file__).with_name("templates") / "__pycache__"

    def get_source_checksum(self, source: str) -> str:
        """Return what must be the same for compiled code to be used again."""
        states = [Path(path).stat() for path in (compiler.__file__, __file__)]
        key = (source, *((state.st_size, state.st_mtime_ns) for state in states))
        return sha256(repr(key).encode()).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket, if there is something that fits."""
        with suppress(OSError), self._path(bucket).open("rb") as file:
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what a bucket holds, written whole."""
        if sys.dont_write_bytecode:
            return
        path = self._path(bucket)
        unfinished = path.with_suffix(f".{os.getpid()}.{get_ident()}")
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            with unfinished.open("xb") as file:
                bucket.write_bytecode(file)
            unfinished.replace(path)

    def _path(self, bucket: Bucket) -> Path:
        return self._folder / f"{bucket.key}.{sys.implementation.cache_tag}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("voyant.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_CompiledBeside(),
    )
    environment.filters["share_bar"] = share_bar
    return environment


@cache
def _style(name: str) -> str:
    text = files("voyant.report").joinpath("styles", f"{name}.css").read_text(encoding="utf-8")
    return _INDENT.sub("\n", _COMMENT.sub("", text))


@cache
def _script(name: str = "script") -> str:
    return files("voyant.report").joinpath(f"{name}.js").read_text(encoding="utf-8")


def _policy(style: str, script: str, *, has_library: bool) -> str:
    """Allow what stands in the page, at most a script file beside it, and nothing else."""
    # By place, not by hash: browsers refuse to check the hash of a file that is opened from disk.
    library = "'self' " if has_library else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src {library}'{_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    """Return a content-security-policy hash.

    >>> _hash("")
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
