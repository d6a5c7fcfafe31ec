"""May this SQL of a stranger be sent to the engine that holds the tables, and as what text?

The user's text is never sent. It is read by sqlglot, rewritten - every name quoted, every table by
its whole path, no comments - and written out again in the engine's dialect; what is judged is the
text that came out, twice: word by word (`lexer`), and as the tree that sqlglot reads in it. So it
does not matter whether the engine would have understood the user's text otherwise than sqlglot did.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from voyant.core.errors import UnsafeQueryError
from voyant.engines.dialects.grammar import REFUSED_TOKENS
from voyant.engines.dialects.judge import Judge
from voyant.engines.dialects.lexer import check_words, refused
from voyant.engines.dialects.rewriting import quote_names, rewrite, select_rows
from voyant.engines.dialects.tables import JobTable, TableNames
from voyant.engines.dialects.words import WORDS
from voyant.engines.dialects.writing import write
from voyant.engines.guard import check_query_text

__all__ = ["DIALECTS", "checked_sql"]

#: Engines whose SQL can be judged, as sqlglot names them.
DIALECTS: Final = frozenset(WORDS)

_ENGINES: Final = {
    "postgres": "PostgreSQL",
    "spark": "Spark",
    "trino": "Trino",
    "snowflake": "Snowflake",
    "bigquery": "BigQuery",
    "clickhouse": "ClickHouse",
    "mysql": "MySQL",
}
_ONE_SELECT: Final = "Write exactly one SELECT (or WITH ... SELECT)."
_MAX_TOKENS: Final = 10_000
# Brackets and CASEs within each other. Analysts stay below 20; Python's stack ends near 60.
_MAX_DEPTH: Final = 60
_OPENING: Final = frozenset(
    {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
)
_CLOSING: Final = frozenset(
    {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
)
_BEGINNINGS: Final = frozenset({TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN})
_MAX_ROUNDS: Final = 3
# Engines in which a backslash begins an escape, and the escapes that sqlglot reads as they do.
_WITH_BACKSLASH: Final = frozenset({"spark", "bigquery", "mysql", "clickhouse", "snowflake"})
_ESCAPE: Final = re.compile(r"\\.", re.DOTALL)
_ESCAPES: Final = frozenset({r"\\", r"\'", r"\"", r"\n", r"\r", r"\t", r"\%", r"\_"})


def checked_sql(
    sql: str, *, dialect: str, tables: Collection[JobTable], max_rows: int | None = None
) -> str:
    """Return the SQL to run in place of the user's, or refuse it.

    Args:
        sql: The user's query.
        dialect: One of `DIALECTS`.
        tables: The only tables it may read.
        max_rows: Where given, the query is limited to so many rows.

    Raises:
        UnsafeQueryError: The query is not one SELECT, uses something that is not allowed, or could
            not be read: what cannot be read cannot be judged.
    """
    check_query_text(sql)
    names = TableNames(tables, dialect=dialect)
    try:
        _check_tokens(sql, dialect)
        tree = _parse(sql, dialect)
        quote_names(tree, dialect=dialect)
        Judge(names, dialect=dialect).judge(tree, is_rewritten=False)
        text = _generate(rewrite(tree, names, dialect=dialect, max_rows=max_rows), dialect)
        text = _settled(text, names, dialect)
        if any(table.rows for table in tables):
            # Only now: behind a subquery the judge would not know a table's columns.
            only = select_rows(_parse(text, dialect), names, dialect=dialect)
            text = _settled(_generate(only, dialect), names, dialect)
    except RecursionError as error:
        raise _too_deep() from error
    return text


def _settled(text: str, names: TableNames, dialect: str) -> str:
    """Return a rewritten query once it is allowed and reads the same when it is written again."""
    for _ in range(_MAX_ROUNDS):
        check_words(text, dialect=dialect)
        again = _parse(text, dialect)
        Judge(names, dialect=dialect).judge(again, is_rewritten=True)
        settled = _generate(again, dialect)
        if settled == text:
            return text
        text = settled
    raise UnsafeQueryError(
        "The query reads differently each time it is written out.",
        remedy="Write it more plainly: split it with WITH, and put brackets around expressions.",
    )


def _check_tokens(sql: str, dialect: str) -> None:
    """Refuse what needs no tree to be seen: other statements, parameters, too long, too deep."""
    try:
        tokens = sqlglot.tokenize(sql, read=dialect)
    except SqlglotError as error:
        raise _unreadable(error, dialect) from error
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise UnsafeQueryError("The query is empty.", remedy=_ONE_SELECT)
    if any(token.token_type is TokenType.SEMICOLON for token in tokens):
        raise UnsafeQueryError("The query holds several statements.", remedy=_ONE_SELECT)
    if tokens[0].token_type not in _BEGINNINGS:
        raise UnsafeQueryError(
            f"A {tokens[0].text.upper()} statement is not allowed.", remedy=_ONE_SELECT
        )
    if len(tokens) > _MAX_TOKENS:
        raise UnsafeQueryError(
            f"The query has {len(tokens):,} words; {_MAX_TOKENS:,} are allowed.",
            remedy="Move long lists into a table and join it.",
        )
    _check_each(tokens, dialect)
    if dialect in _WITH_BACKSLASH:
        _check_spelling(sql, tokens)


def _check_spelling(sql: str, tokens: list[Token]) -> None:
    """Refuse what sqlglot is known to read otherwise than the engine, without saying so."""
    for token in tokens:
        if token.token_type is TokenType.STRING:
            for escape in _ESCAPE.findall(sql[token.start : token.end + 1]):
                if escape not in _ESCAPES:
                    raise UnsafeQueryError(
                        f"The query uses the escape {escape!r} in a text, which is not allowed.",
                        remedy="Write the character itself, or two backslashes for one.",
                    )
        elif token.text == "BD":
            raise UnsafeQueryError(
                "The query uses a number that ends with BD, which is not allowed.",
                remedy="Write CAST(... AS DECIMAL(p, s)).",
            )


def _check_each(tokens: list[Token], dialect: str) -> None:
    depth = 0
    for token in tokens:
        kind = token.token_type
        depth += (kind in _OPENING) - (kind in _CLOSING)
        if depth > _MAX_DEPTH:
            raise _too_deep()
        is_operator = dialect == "postgres" and kind is TokenType.PLACEHOLDER  # jsonb ? text
        is_bytes = dialect == "bigquery" and kind is TokenType.BYTE_STRING
        if kind in REFUSED_TOKENS and not (is_operator or is_bytes):
            raise refused(REFUSED_TOKENS[kind])


def _parse(sql: str, dialect: str) -> exp.Expr:
    try:
        statements = sqlglot.parse(sql, read=dialect, error_level=ErrorLevel.RAISE)
    except (SqlglotError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise _unreadable(error, dialect) from error
    found = [statement for statement in statements if statement is not None]
    tree = found[0] if len(found) == 1 else None
    if not isinstance(tree, exp.Select | exp.SetOperation | exp.Subquery):
        raise UnsafeQueryError("The query is no SELECT.", remedy=_ONE_SELECT)
    return tree


def _generate(tree: exp.Expr, dialect: str) -> str:
    try:
        return write(tree, dialect=dialect)
    except (SqlglotError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise _unreadable(error, dialect) from error


def _unreadable(error: Exception, dialect: str) -> UnsafeQueryError:
    said = str(error).strip().split("\n")[0][:300]
    return UnsafeQueryError(
        f"The query cannot be read as {_ENGINES[dialect]}'s SQL: {said}", remedy=_ONE_SELECT
    )


def _too_deep() -> UnsafeQueryError:
    return UnsafeQueryError(
        "The query is nested too deeply to be checked.",
        remedy="Split it with WITH, or write long chains of + or || as sums or concat().",
    )
