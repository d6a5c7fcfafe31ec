"""How is a query written so that the engine's own rules about names no longer matter?

Unquoted names are folded as the engine folds them, and all are quoted: no name can be a keyword, a
function or a session variable. Each table is named by its whole path, so that no search path, no
current schema and no file name decides what is read.
"""

from __future__ import annotations

import string
from typing import Final

import sqlglot
from sqlglot import exp

from voyant.core.errors import UnsafeQueryError
from voyant.engines.dialects.scopes import visible_names
from voyant.engines.dialects.tables import TableNames, fold

__all__ = ["parts_of", "quote_names", "rewrite", "select_rows"]

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UPPER: Final = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
_FOLDING: Final = {"postgres": _LOWER, "snowflake": _UPPER}
_PATH: Final = frozenset({"this", "db", "catalog"})
#: What may follow a table's name as well as a subquery.
_BEHIND_A_TABLE: Final = frozenset({"alias", "joins", "laterals", "pivots"})


def quote_names(tree: exp.Expr, *, dialect: str) -> None:
    """Fold the names that are not quoted as the engine would, and quote them."""
    folding = _FOLDING.get(dialect)
    for identifier in tree.find_all(exp.Identifier):
        if folding is not None and not identifier.args.get("quoted"):
            identifier.set("this", identifier.name.translate(folding))
        identifier.set("quoted", True)  # noqa: FBT003 - sqlglot's own signature


def rewrite(tree: exp.Expr, names: TableNames, *, dialect: str, max_rows: int | None) -> exp.Expr:
    """Return the tree with every table named by its path; the given one is spent."""
    for table, visible in visible_names(tree, dialect):
        parts = parts_of(table)
        if not parts or (len(parts) == 1 and fold(parts[0], dialect) in visible):
            continue
        path = names.find(parts).path
        if not table.args.get("alias"):
            alias = exp.Identifier(this=parts[-1], quoted=True)
            table.set("alias", exp.TableAlias(this=alias))
        quoted = [exp.Identifier(this=part, quoted=True) for part in path]
        for key, part in zip(("this", "db", "catalog"), reversed(quoted), strict=False):
            table.set(key, part)
    for column in tree.find_all(exp.Column):
        _unqualify(column, names, dialect)
    return tree if max_rows is None else _limited(tree, max_rows)


def select_rows(tree: exp.Expr, names: TableNames, *, dialect: str) -> exp.Expr:
    """Return a rewritten tree with the selected rows of a table in its place, under its alias.

    Raises:
        UnsafeQueryError: The query asks of the table what can be asked of a whole table only.
    """
    for table, visible in list(visible_names(tree, dialect)):
        parts = parts_of(table)
        if not parts or (len(parts) == 1 and fold(parts[0], dialect) in visible):
            continue
        known = names.exact(parts)
        if known is None or not known.rows:
            continue
        kept = {key: value for key, value in table.args.items() if value and key not in _PATH}
        if not kept.keys() <= _BEHIND_A_TABLE:
            raise UnsafeQueryError(
                f"Only some rows of {'.'.join(known.path)!r} are selected, and the query takes a "
                "sample or a part of the whole table.",
                remedy="Leave TABLESAMPLE and its like out.",
            )
        rows = sqlglot.parse_one(known.rows, read=dialect)
        table.replace(exp.Subquery(this=rows, **kept))
    return tree


def parts_of(table: exp.Table) -> list[str]:
    """Return catalog, schema and name as far as they are given; nothing for a function in FROM."""
    if not isinstance(table.this, exp.Identifier):
        return []
    return [part.name for part in table.parts]


def _unqualify(column: exp.Column, names: TableNames, dialect: str) -> None:
    """Turn `schema.table.column` into `table.column`: the table goes by its alias now."""
    qualifiers = [part.name for part in column.parts[:-1]]
    if len(qualifiers) > 1 and names.knows(qualifiers):
        column.set("db", None)
        column.set("catalog", None)
    elif len(qualifiers) > 1 and dialect in {"postgres", "mysql"}:
        name = ".".join(part.name for part in column.parts)
        raise UnsafeQueryError(
            f"The query uses {name!r}, and no table of this job has that path.",
            remedy="Give the table an alias and write alias.column.",
        )


def _limited(tree: exp.Expr, max_rows: int) -> exp.Expr:
    """Limit the rows, in the query itself where that is the same, else around it."""
    limit = tree.args.get("limit")
    if isinstance(tree, exp.Select | exp.SetOperation) and limit is None:
        return tree.limit(max_rows, copy=False)
    if isinstance(limit, exp.Limit) and not limit.args.get("limit_options"):
        literal = limit.expression
        if isinstance(literal, exp.Literal) and literal.is_int:
            if int(literal.name) > max_rows:
                limit.set("expression", exp.Literal.number(max_rows))
            return tree
    return tree
