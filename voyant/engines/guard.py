"""May this SQL, written by a stranger, run against a job's tables?

The query is judged on the tree of the engine that will run it (`json_serialize_sql`), so there is
no second parser to disagree with the first. The judgement is an allow-list: a statement, node, key,
function, type or table that is not known to be harmless is refused, and so is whatever a later
DuckDB adds until someone has read it. The lists are in `sql_vocabulary`.

DuckDB 1.5 and 2.0 write different trees (constants, function arguments, qualified names). The
walk does not depend on the shape: it visits every object there is and checks each by its own kind.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from voyant.core.errors import UnsafeQueryError, did_you_mean
from voyant.engines.sql_vocabulary import (
    CHANGING_FUNCTIONS,
    EXPRESSION_KINDS,
    FUNCTIONS,
    NODE_KINDS,
    PLAIN_KEYS,
    TABLE_FUNCTIONS,
    TREE_KEYS,
    TYPE_NAMES,
    WINDOW_FUNCTIONS,
)

if TYPE_CHECKING:
    import duckdb

__all__ = ["MAX_QUERY_LENGTH", "check_condition", "check_query", "check_query_text"]

# Characters. A tree is up to 600 times as long as its SQL, so the text is bounded before parsing.
MAX_QUERY_LENGTH: Final = 50_000

_ASCII_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

_SERIALIZE = (
    "SELECT json_serialize_sql(?::VARCHAR, skip_null := true, skip_empty := true, "
    "skip_default := true)"
)
_ONE_SELECT = "Write exactly one SELECT (or WITH ... SELECT, FROM, VALUES, PIVOT ... IN (...))."
_SEE_LIST = "docs/explanation/sql-safety.md lists what a query may use."
_PIVOT_REMEDY = (
    "List the values that become columns: PIVOT t ON k IN ('a', 'b') USING sum(x). Without them "
    "DuckDB would have to create a type first."
)

# A parse tree, and one object of it; what hangs where is DuckDB's choice and differs by version.
_Tree: TypeAlias = "bool | int | float | str | list[_Tree] | dict[str, _Tree] | None"
_Node: TypeAlias = dict[str, _Tree]
_Names: TypeAlias = frozenset[str]


def check_query(
    sql: str, *, tables: Collection[str], connection: duckdb.DuckDBPyConnection
) -> None:
    """Refuse a query unless all of it is known to be harmless.

    Parses, never binds or runs; the connection's pending result, if any, is left alone.

    Args:
        sql: The user's query.
        tables: The only tables and views it may read; compared without regard to case, as DuckDB
            does.
        connection: Any connection of the engine that will run the query.

    Raises:
        UnsafeQueryError: The query is not one SELECT, or uses something that is not allowed. A
            syntax error is one too: what cannot be read cannot be judged.
    """
    check_query_text(sql)
    cursor = connection.cursor()
    try:
        tree = _parse(sql, cursor)
    finally:
        cursor.close()
    _Judge(tables).judge(tree)


def check_condition(condition: str, *, connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse a condition on a table's rows unless it is one expression and known to be harmless.

    It is judged as users' queries are; besides, it may read no table, and has to say the same
    whenever it is asked: each generator asks again.

    Args:
        condition: What stands after WHERE.
        connection: Any connection of the engine that will use it.

    Raises:
        UnsafeQueryError: As `check_query`; a condition with a subquery, chance or the clock in it,
            or one that would end the clause it stands in.
    """
    check_query_text(condition)
    cursor = connection.cursor()
    try:
        tree, plain = (
            _parse(f"SELECT * FROM t WHERE ({text}\n)", cursor) for text in (condition, "true")
        )
    finally:
        cursor.close()
    nodes = [_object(_object(statement).get("node")) for statement in (tree, plain)]
    found = nodes[0].pop("where_clause", None)
    nodes[1].pop("where_clause", None)
    if _without_places(nodes[0]) != _without_places(nodes[1]):
        raise UnsafeQueryError(
            f"The condition {condition!r} is more than one expression.",
            remedy="Write what stands after WHERE, and nothing that follows it.",
        )
    _Judge(()).judge(found)
    todo: list[_Tree] = [found]
    while todo:
        part = todo.pop()
        if isinstance(part, list):
            todo.extend(part)
        elif isinstance(part, dict):
            if part.get("class") == "SUBQUERY":
                raise UnsafeQueryError(
                    "A condition may not ask another table.",
                    remedy="Name the values, or join the tables in a view of the warehouse.",
                )
            name = _fold(str(part.get("function_name", "")))
            if name in CHANGING_FUNCTIONS:
                raise UnsafeQueryError(
                    f"A condition may not use {name}(), which changes from one question to the "
                    "next.",
                    remedy='For a span of time write last = "90 days" and time_column.',
                )
            todo.extend(part.values())


def _without_places(part: _Tree) -> _Tree:
    """Return a tree without where in the text its parts stood."""
    if isinstance(part, list):
        return [_without_places(item) for item in part]
    if isinstance(part, dict):
        return {k: _without_places(v) for k, v in part.items() if k != "query_location"}
    return part


def check_query_text(sql: str) -> None:
    """Refuse a text too long or too odd to be given to a parser at all.

    Raises:
        UnsafeQueryError: It is longer than `MAX_QUERY_LENGTH` or no well-formed Unicode text.
    """
    if len(sql) > MAX_QUERY_LENGTH:
        raise UnsafeQueryError(
            f"The query has {len(sql):,} characters; {MAX_QUERY_LENGTH:,} are allowed.",
            remedy="Move long lists into a table and join it.",
        )
    if "\x00" in sql or any("\ud800" <= character <= "\udfff" for character in sql):
        raise UnsafeQueryError(
            "The query holds a NUL byte or half a Unicode character.",
            remedy="Remove it: DuckDB and the check might read different texts.",
        )


def _parse(sql: str, cursor: duckdb.DuckDBPyConnection) -> _Tree:
    """Return the parse tree of the one SELECT the text must be."""
    import duckdb  # noqa: PLC0415 - importing the guard must not cost the 150 ms of this import

    try:
        statements = cursor.extract_statements(sql)
        row = cursor.execute(_SERIALIZE, [sql]).fetchone()
    except (duckdb.Error, RuntimeError, ValueError) as error:
        raise _unreadable(str(error)) from error
    if not statements:
        raise UnsafeQueryError("The query is empty.", remedy=_ONE_SELECT)
    try:
        document: _Node = json.loads(row[0]) if row else {}
    except (RecursionError, ValueError) as error:
        raise UnsafeQueryError(
            "The query is nested too deeply to be checked.",
            remedy="Split it with WITH, or write long chains of + or || as sums or concat().",
        ) from error
    kinds = [_kind(statement) for statement in statements]
    found = _list(document.get("statements"))
    if document.get("error") is not False or len(found) != 1 or len(kinds) != 1:
        raise _not_one_select(sql, kinds, document)
    if kinds[0] != "SELECT":
        raise UnsafeQueryError(f"A {kinds[0]} statement is not allowed.", remedy=_ONE_SELECT)
    return found[0]


def _kind(statement: duckdb.Statement) -> str:
    try:
        return statement.type.name
    except ValueError:  # 2.0's Python enumeration lacks some of its own kinds: UPDATE EXTENSIONS
        return "unknown"


def _unreadable(message: str) -> UnsafeQueryError:
    return UnsafeQueryError(f"DuckDB cannot read the query: {message.strip()}", remedy=_ONE_SELECT)


def _not_one_select(sql: str, kinds: list[str], document: _Node) -> UnsafeQueryError:
    if document.get("error_type") == "parser":
        return _unreadable(str(document.get("error_message", "")))
    if kinds != ["SELECT"] and re.search(r"\bpivot", sql, re.IGNORECASE):
        return UnsafeQueryError(
            "A PIVOT whose columns depend on the data is not allowed.", remedy=_PIVOT_REMEDY
        )
    if len(kinds) > 1:
        return UnsafeQueryError(f"The query holds {len(kinds)} statements.", remedy=_ONE_SELECT)
    kind = kinds[0] if kinds else "unknown"
    return UnsafeQueryError(f"A statement of kind {kind} is not allowed.", remedy=_ONE_SELECT)


class _Judge:
    """Visit every object of a parse tree once and refuse the first that is not allowed."""

    def __init__(self, tables: Collection[str]) -> None:
        self._shown = tables
        self._tables = frozenset(map(_fold, tables))

    def judge(self, tree: _Tree) -> None:
        """Raise `UnsafeQueryError` unless the whole tree is allowed."""
        # A stack instead of recursion: a deep tree must be refused or passed, never crash. Beside
        # each part stands the set of CTE names that are visible to it.
        todo: list[tuple[_Tree, _Names]] = [(tree, frozenset())]
        while todo:
            part, visible = todo.pop()
            if isinstance(part, list):
                todo.extend((item, visible) for item in part)
            elif isinstance(part, dict):
                todo.extend(self._inspect(part, visible))

    def _inspect(self, node: _Node, visible: _Names) -> Iterator[tuple[_Tree, _Names]]:
        """Check one object by its kind; yield what hangs below it."""
        if "is_null" in node:  # a constant of 1.5: {"type": {...}, "is_null": ..., "value": ...}
            return
        group, kind = node.get("class"), node.get("type")
        _check_kind(group, kind)
        if group == "FUNCTION":
            _check_function(node, FUNCTIONS)
        elif group == "WINDOW":
            _check_function(node, FUNCTIONS | WINDOW_FUNCTIONS)
        elif group == "TYPE":
            _check_type_name(_only_name(node, "type_name"))
        elif group is None and kind == "BASE_TABLE":
            self._check_table(node, visible)
        elif group is None and kind == "TABLE_FUNCTION":
            function = node.pop("function", None)
            if not isinstance(function, dict) or function.get("class") != "FUNCTION":
                raise _refused("a table function of an unknown form")
            _check_kind("FUNCTION", function.get("type"))
            _check_function(function, TABLE_FUNCTIONS)
            yield from _parts(function, visible)
        yield from _parts(node, visible)

    def _check_table(self, node: _Node, visible: _Names) -> None:
        name = _only_name(node, "table_name")
        if _fold(name) not in self._tables and _fold(name) not in visible:
            raise UnsafeQueryError(
                f"The query reads {name!r}, which is not a table of this job.",
                remedy=did_you_mean(name, self._shown),
            )


def _fold(name: str) -> str:
    """Lower-case ASCII letters only, as DuckDB compares names.

    >>> _fold("ORDERS"), _fold("\N{KELVIN SIGN}") == "k"
    ('orders', False)
    """
    return name.translate(_ASCII_LOWER)


def _parts(node: _Node, visible: _Names) -> Iterator[tuple[_Tree, _Names]]:
    """Yield everything below an object, each with the CTE names it can see."""
    # A CTE sees those before it, not itself: `WITH t AS (FROM t)` reads the table t.
    for entry in map(_object, _list(_object(node.pop("cte_map", None)).get("map"))):
        yield entry.get("value"), visible
        visible |= {_fold(str(entry.get("key")))}
    if node.get("type") == "RECURSIVE_CTE_NODE":
        # Only the repeated half may refer to the CTE being defined.
        yield node.pop("left", None), visible
        visible |= {_fold(str(node.get("cte_name")))}
    for key, value in node.items():
        if key in TREE_KEYS:
            yield value, visible
        elif key == "cast_type":
            _check_cast_type(value)
        elif key not in PLAIN_KEYS or _holds_tree(value):
            raise _refused(f"{key!r} in a {node.get('type', 'clause')}")


def _check_kind(group: object, kind: object) -> None:
    if group is None:
        if kind is not None and kind not in NODE_KINDS:
            raise _refused(str(kind))
    elif not isinstance(group, str) or kind not in EXPRESSION_KINDS.get(group, frozenset()):
        raise _refused(f"{group} {kind}")


def _check_function(node: _Node, allowed: _Names) -> None:
    name = str(node.get("function_name", ""))
    path = _path(node, name)
    # 1.5 itself writes EXTRACT(...) as main.date_part(...).
    if node.get("catalog") or node.get("schema", "main") != "main":
        raise _refused(f"the qualified function name {name}()")
    if path not in ([name], ["main", name]):
        raise _refused(f"the qualified function name {name}()")
    if _fold(name) not in allowed:
        place = " in FROM" if allowed is TABLE_FUNCTIONS else ""
        raise UnsafeQueryError(
            f"The function {name}(){place} is not allowed.",
            remedy=f"{did_you_mean(name, allowed)} {_SEE_LIST}"
            if len(allowed) < 10  # noqa: PLR2004 - naming a few is help, naming 500 is not
            else _SEE_LIST,
        )


def _path(node: _Node, name: str) -> list[str]:
    """Return catalog, schema and name as 2.0 lists them; 1.5 has the name alone here."""
    path = _object(node.get("qualified_name")).get("path", [name])
    return [str(part) for part in _list(path)]


def _only_name(node: _Node, key: str) -> str:
    """Return an unqualified name; refuse `catalog.schema.name` as either version writes it."""
    name = str(node.get(key, ""))
    path = _path(node, name)
    if path != [name] or any(node.get(part) for part in ("catalog_name", "schema_name", "schema")):
        raise UnsafeQueryError(
            f"The qualified name {'.'.join(path)!r} is not allowed.",
            remedy="Use the plain name of one of the job's tables.",
        )
    return name


def _check_cast_type(value: _Tree) -> None:
    """Check the type tree of 1.5, where a name that is no built-in type is "UNBOUND"."""
    if isinstance(value, list):
        for item in value:
            _check_cast_type(item)
    elif isinstance(value, dict):
        if value.get("schema") or value.get("catalog"):
            raise _refused("a qualified type name")
        identifier = value.get("id")
        if isinstance(identifier, str):
            unbound = identifier == "UNBOUND"
            info = _object(value.get("type_info"))
            _check_type_name(str(info.get("name", "")) if unbound else identifier)
        for item in value.values():
            _check_cast_type(item)


def _check_type_name(name: str) -> None:
    if _fold(name) not in TYPE_NAMES:
        raise UnsafeQueryError(f"The type {name!r} is not allowed.", remedy=_SEE_LIST)


def _object(value: _Tree) -> _Node:
    return value if isinstance(value, dict) else {}


def _list(value: _Tree) -> list[_Tree]:
    return value if isinstance(value, list) else []


def _holds_tree(value: _Tree) -> bool:
    if isinstance(value, dict):
        return "class" in value or "type" in value or any(map(_holds_tree, value.values()))
    return isinstance(value, list) and any(map(_holds_tree, value))


def _refused(what: str) -> UnsafeQueryError:
    return UnsafeQueryError(f"The query uses {what}, which is not allowed.", remedy=_SEE_LIST)
