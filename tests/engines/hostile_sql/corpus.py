"""Which hostile statements must be refused, and why each is hostile?

The statements stand in the `.sql` files beside this one (those of one dialect in a folder), a
reason (`--! ...`) before each. They use placeholders for paths, and for characters that an editor
would not show.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Formatter

CHARACTERS = {
    "NUL": "\x00",
    "NBSP": "\u00a0",
    "IDEOGRAPHIC": "\u3000",
    "ZWSP": "\u200b",
    "KELVIN": "\u212a",
    "SURROGATE": "\ud800",
    "RLO": "\u202e",
    "BOM": "\ufeff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    group: str
    reason: str
    template: str

    def sql(self, **paths: object) -> str:
        """Fill in the placeholders."""
        return Formatter().vformat(self.template, (), {**CHARACTERS, **paths})

    def __str__(self) -> str:
        return f"{self.group}: {self.reason}"


def load(dialect: str = "") -> list[Hostile]:
    """Read every statement of every file: those for every engine, or those of one dialect."""
    found: list[Hostile] = []
    for file in sorted((Path(__file__).parent / dialect).glob("*.sql")):
        for block in file.read_text(encoding="utf-8").split("--! ")[1:]:
            reason, _, template = block.partition("\n")
            found.append(Hostile(group=file.stem, reason=reason, template=template.rstrip("\n")))
    return found
