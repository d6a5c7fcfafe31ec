"""May this condition of a stranger stand in every statement about a table, and as what tree?

It is checked as the WHERE of a query about that table alone, by the check of users' queries.
Besides, it must be one expression, may ask no table, and has to say the same whenever it is asked:
each statement of a run asks again.
"""

from __future__ import annotations

import re
from typing import Final

import sqlglot
from sqlglot import exp

from voyant.core.errors import UnsafeQueryError
from voyant.engines.dialects.check import checked_sql
from voyant.engines.dialects.lexer import unquoted_words
from voyant.engines.dialects.tables import JobTable
from voyant.engines.guard import check_query_text

__all__ = ["checked_condition", "path_of"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CLAUSES: Final = frozenset({"expressions", "from_", "where"})
_QUERIES: Final = (exp.Query, exp.Table, exp.Exists)
#: Words whose value depends on the clock or on chance, in any engine; all are words of the language
#: in checked SQL, where names are quoted.
_CHANGING: Final = _words(
    "age array_sample array_shuffle clock_timestamp curdate current_date current_datetime "
    "current_time current_timestamp current_timezone curtime gen_random_uuid generate_uuid "
    "generateuuidv4 getdate localtime localtimestamp now rand randn random random_normal shuffle "
    "statement_timestamp sysdate timeofday today transaction_timestamp uniform unix_timestamp "
    "utc_date utc_time utc_timestamp uuid_string yesterday"
)
#: Types in one place, chance in another.
_CALLED: Final = frozenset({"uuid"})
# PostgreSQL and Spark read such a text as a date: that of the clock.
_CLOCK_TEXT: Final = re.compile(
    r"[\s\d:.+\-/]*(now|today|tomorrow|yesterday)([\s\d:.+\-/]|utc|z)*", re.IGNORECASE
)
_READ_CLOCK_TEXTS: Final = frozenset({"postgres", "spark"})


def checked_condition(condition: str, *, dialect: str, table: JobTable) -> exp.Expr:
    """Return the condition to use in place of the user's, in brackets, or refuse it.

    Args:
        condition: What stands after WHERE.
        dialect: One of `check.DIALECTS`.
        table: Whose rows it is about; its columns alone can be named.

    Raises:
        UnsafeQueryError: As `checked_sql`; a condition with a subquery, chance or the clock in it,
            or one that would end the clause it stands in.
    """
    check_query_text(condition)
    source = path_of(table).sql(dialect, identify=True)
    asked = f"SELECT 1 FROM {source} WHERE ({condition}\n)"
    text = checked_sql(asked, dialect=dialect, tables=[table])
    found = _only_condition(sqlglot.parse_one(text, read=dialect))
    if found is None:
        raise UnsafeQueryError(
            f"The condition {condition!r} is more than one expression.",
            remedy="Write what stands after WHERE, and nothing that follows it.",
        )
    if any(isinstance(part, _QUERIES) for part in found.walk()):
        raise UnsafeQueryError(
            "A condition may not ask another table.",
            remedy="Name the values, or join the tables in a view of the warehouse.",
        )
    changing = _changing(text, found, dialect)
    if changing:
        raise UnsafeQueryError(
            f"A condition may not use {changing}, which changes from one question to the next.",
            remedy='For a span of time write last = "90 days" and time_column.',
        )
    return found


def path_of(table: JobTable) -> exp.Table:
    """Return a table named by its whole path, under the job's name for it if that is one word."""
    parts = [exp.Identifier(this=part, quoted=True) for part in reversed(table.path)]
    name = table.path[-1] if not table.name or "." in table.name else table.name
    alias = exp.TableAlias(this=exp.Identifier(this=name, quoted=True))
    named = dict(zip(("this", "db", "catalog"), parts, strict=False))
    return exp.Table(**named, alias=alias)


def _only_condition(tree: exp.Expr) -> exp.Expr | None:
    """Return the condition of `SELECT 1 FROM t WHERE (...)`; None if there is more to the query."""
    clauses = {key for key, value in tree.args.items() if value}
    if not isinstance(tree, exp.Select) or clauses != _CLAUSES:
        return None
    source, where = tree.args["from_"].this, tree.args["where"].this
    is_plain = isinstance(source, exp.Table) and not source.args.get("joins")
    return where if is_plain and isinstance(where, exp.Paren) else None


def _changing(text: str, tree: exp.Expr, dialect: str) -> str:
    """Name what in a condition depends on the clock or on chance; nothing if all is still."""
    for word, is_called in unquoted_words(text, dialect=dialect):
        if word in _CHANGING or (is_called and word in _CALLED):
            return f"{word}()"
    if dialect in _READ_CLOCK_TEXTS:
        for literal in tree.find_all(exp.Literal):
            if literal.is_string and _CLOCK_TEXT.fullmatch(literal.name):
                return repr(literal.name)
    return ""
