"""How is a checked tree written out as the one text that an engine is given?"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import ErrorLevel

__all__ = ["write"]


def write(tree: exp.Expr, *, dialect: str) -> str:
    """Write a query without comments, with every name in quotes.

    Two things that sqlglot leaves out are put back first: the quotes of a lateral view's name, and
    the column of WITH ORDINALITY behind LATERAL. And one that Ibis, once imported, makes it lose:
    for PostgreSQL it has all sizes of arrays written as CARDINALITY, those of one dimension too.
    """
    if dialect == "postgres":
        for size in list(tree.find_all(exp.ArraySize)):
            if size.expression:
                arguments = [size.this, size.expression]
                size.replace(exp.Anonymous(this="ARRAY_LENGTH", expressions=arguments))
    for lateral in tree.find_all(exp.Lateral):
        alias, source = lateral.args.get("alias"), lateral.this
        if not isinstance(alias, exp.TableAlias) or alias.this is None:
            continue
        if lateral.args.get("view"):
            quoted = "`" + alias.name.replace("`", "``") + "`"
            alias.set("this", exp.Identifier(this=quoted, quoted=True))
        elif isinstance(source, exp.Unnest) and isinstance(
            offset := source.args.get("offset"), exp.Identifier
        ):
            alias.append("columns", offset)
            source.set("offset", exp.Boolean(this=True))
    return tree.sql(
        dialect=dialect, identify=True, comments=False, unsupported_level=ErrorLevel.RAISE
    )
