"""Which columns are mostly empty?"""

from pydantic import BaseModel, Field

from voyant.core.plugin_registry import register


class Parameters(BaseModel, extra="forbid"):
    max_fraction: float = Field(default=0.5, ge=0, le=1)


@register("missing_values", order=75, parameters=Parameters)
def generate_missing_values(ctx):
    """Name the columns that are mostly empty."""
    found = [
        {
            "table": table,
            "column": column.name,
            "null_fraction": round(column.null_fraction, 4),
        }
        for table in ctx.tables
        for column in ctx.summary(table).columns.values()
        if column.null_fraction > ctx.parameters.max_fraction
    ]
    return {"missing_values": ctx.write_json("missing_values.json", {"columns": found})}
