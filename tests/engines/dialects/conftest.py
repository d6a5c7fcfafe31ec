"""Ibis changes how sqlglot writes some dialects, for good; in a job it is always there."""

import ibis.backends.sql.dialects  # noqa: F401
