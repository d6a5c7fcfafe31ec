"""Voyant: what is in these tables, and can we trust them?

>>> import voyant
>>> voyant.analyze  # doctest: +ELLIPSIS
<function analyze at ...>
"""

from __future__ import annotations

#: Type checkers take it for true; importing typing for it would be most of our import time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from voyant.api import Analysis, analyze

__all__ = ["Analysis", "__version__", "analyze"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import what runs an analysis when it is first asked for: `import voyant` stays light."""
    if name in {"Analysis", "analyze"}:
        from voyant import api  # noqa: PLC0415 - see above

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
