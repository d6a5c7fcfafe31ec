"""Is every part of this tree known to be harmless, and does it read the job's tables alone?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlglot import exp

from voyant.core.errors import UnsafeQueryError, did_you_mean
from voyant.engines.dialects.grammar import KEYS, KINDS, ONLY_IN
from voyant.engines.dialects.lexer import SEE_LIST, refused, refused_function
from voyant.engines.dialects.rewriting import parts_of
from voyant.engines.dialects.scopes import visible_names
from voyant.engines.dialects.tables import TableNames, fold
from voyant.engines.dialects.words import FUNCTIONS

__all__ = ["Judge"]

_TYPE: Final = exp.DataType.Type
_REFUSED_TYPES: Final = frozenset(
    {_TYPE.USERDEFINED, _TYPE.XML, _TYPE.NAME, _TYPE.FILE, _TYPE.UNKNOWN, _TYPE.AGGREGATEFUNCTION}
)
# Engines that resolve a recursive CTE as a table where they do not know recursion.
_NO_RECURSION: Final = frozenset({"spark"})


class Judge:
    """Visits every node of a tree once and refuses the first that is not allowed."""

    def __init__(self, names: TableNames, *, dialect: str) -> None:
        self._names = names
        self._dialect = dialect

    def judge(self, tree: exp.Expr, *, is_rewritten: bool) -> None:
        """Raise `UnsafeQueryError` unless the whole tree is allowed.

        Args:
            tree: Of one query.
            is_rewritten: Whether tables must already be named by their whole paths.
        """
        for node in tree.walk():
            self._check(node)
        for table, visible in visible_names(tree, self._dialect):
            parts = parts_of(table)
            if len(parts) == 1 and fold(parts[0], self._dialect) in visible:
                continue
            if parts and not (is_rewritten and self._names.exact(parts)):
                found = self._names.find(parts)
                if is_rewritten:
                    raise refused(f"the short name of {'.'.join(found.path)}")
        if is_rewritten and self._dialect == "postgres":
            self._check_columns(tree)

    def _check(self, node: exp.Expr) -> None:
        kind = type(node)
        if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
            self._check_name(node)
        elif isinstance(node, exp.Func) and not isinstance(node, exp.And | exp.Or):
            return  # its name is judged where the engine reads it, in the text
        elif kind in ONLY_IN:
            if self._dialect not in ONLY_IN[kind]:
                raise refused(_said(node))
        elif kind not in KINDS:
            raise refused(_said(node))
        else:
            for key, value in node.args.items():
                if key not in KEYS and value not in (None, False, []):
                    raise refused(f"{key.strip('_').upper()} in {_said(node)}")
        self._check_special(node)

    def _check_name(self, node: exp.Expr) -> None:
        name = node.this
        if not isinstance(name, str):
            raise refused(f"the quoted function name {node.name!r}")
        if name.lower() not in FUNCTIONS[self._dialect]:
            raise refused_function(name)

    def _check_special(self, node: exp.Expr) -> None:
        if isinstance(node, exp.Dot) and not isinstance(
            node.expression, exp.Identifier | exp.Star | exp.Literal
        ):
            raise refused(f"the qualified function name {node.sql(self._dialect)[:80]}")
        if isinstance(node, exp.DataType) and node.this in _REFUSED_TYPES:
            raise UnsafeQueryError(
                f"The type {node.sql(self._dialect)[:80]!r} is not allowed.", remedy=SEE_LIST
            )
        if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier | exp.Func):
            raise refused("something that is no table in FROM")
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Pivot):
            raise refused("PIVOT as a statement")
        is_recursive = isinstance(node, exp.With) and node.args.get("recursive")
        if is_recursive and self._dialect in _NO_RECURSION:
            raise refused("WITH RECURSIVE")
        if isinstance(node, exp.CTE) and not isinstance(
            node.this, exp.Select | exp.SetOperation | exp.Subquery | exp.Values
        ):
            raise refused(f"a {type(node.this).__name__.upper()} in WITH")

    def _check_columns(self, tree: exp.Expr) -> None:
        """Refuse `t.x` where x is no column: PostgreSQL might call a function x with a row of t."""
        for column in tree.find_all(exp.Column):
            qualifier, name = column.table, column.name
            if not qualifier or isinstance(column.this, exp.Star):
                continue
            for table in _tables_called(qualifier, column):
                known = self._names.exact(parts_of(table))
                if known is None or known.columns is None or name in table.alias_column_names:
                    continue
                if name not in known.columns:
                    raise UnsafeQueryError(
                        f"The table {'.'.join(known.path)!r} has no column {name!r}.",
                        remedy=did_you_mean(name, known.columns),
                    )


def _tables_called(alias: str, column: exp.Expr) -> Iterator[exp.Table]:
    """Yield the tables that go by this alias in any query around a column."""
    node: exp.Expr | None = column
    while node is not None:
        if isinstance(node, exp.Select):
            sources: list[Any] = [node.args.get("from_"), *(node.args.get("joins") or [])]
            for source in sources:
                parts = () if source is None else source.walk(prune=_is_query)
                for part in parts:
                    if isinstance(part, exp.Table) and part.alias_or_name == alias:
                        yield part
        node = node.parent


def _is_query(node: exp.Expr) -> bool:
    return isinstance(node, exp.Select | exp.SetOperation)


def _said(node: exp.Expr) -> str:
    return type(node).__name__
