"""Which names of WITH clauses can each table reference of a query see?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from voyant.engines.dialects.tables import fold

__all__ = ["visible_names"]

_Names = frozenset[str]


def visible_names(tree: exp.Expr, dialect: str) -> Iterator[tuple[exp.Table, _Names]]:
    """Yield each table reference with the names of CTEs that mean the CTE there, and no table.

    A CTE sees those before it and not itself, so that `WITH t AS (SELECT * FROM t)` reads the
    table t; of a recursive one, the part after UNION sees it.
    """
    todo: list[tuple[exp.Expr, _Names]] = [(tree, frozenset())]
    while todo:
        node, visible = todo.pop()
        if isinstance(node, exp.Table):
            yield node, visible
        clause = node.args.get("with_")
        if isinstance(clause, exp.With):
            is_recursive = bool(clause.args.get("recursive"))
            for cte in clause.expressions:
                name = fold(cte.alias, dialect)
                body = cte.this
                if is_recursive and isinstance(body, exp.SetOperation):
                    todo.append((body.left, visible))
                    inner = visible | {name}
                    todo.extend((part, inner) for part in _children(body) if part is not body.left)
                else:
                    todo.append((body, visible))
                visible |= {name}
        todo.extend((part, visible) for part in _children(node) if part is not clause)


def _children(node: exp.Expr) -> Iterator[exp.Expr]:
    for value in node.args.values():
        if isinstance(value, exp.Expr):
            yield value
        elif isinstance(value, list):
            yield from _expressions(value)  # pyright: ignore[reportUnknownArgumentType] - args have no types


def _expressions(values: list[Any]) -> Iterator[exp.Expr]:
    return (value for value in values if isinstance(value, exp.Expr))
