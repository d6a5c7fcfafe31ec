"""What a person sees of one chart: the picture, why it is there, and its numbers as a table."""

from __future__ import annotations

import json

from markupsafe import Markup

from voyant.artifacts.charts import ChartEntry
from voyant.report.format import value, visible
from voyant.report.page import render_page
from voyant.report.vega import Drawing

__all__ = ["BUNDLE_NAME", "render_chart"]

#: The script that all chart pages of a run share, beside them.
BUNDLE_NAME = "vega-bundle.js"

_TABLE_ROWS = 200


def render_chart(entry: ChartEntry, drawing: Drawing, svg: str, *, sql: str = "") -> str:
    """Render `charts/<name>.html`.

    Args:
        entry: What `charts.json` says of it.
        drawing: The chart.
        svg: The picture, as `render_svg` gives it.
        sql: The query behind it, for a KPI.

    Returns:
        A page that shows the picture as it is, and lets it be explored once `vega-bundle.js`
        beside it has loaded; the same arguments give the same bytes.
    """
    spec = json.dumps(drawing.spec, ensure_ascii=True, separators=(",", ":"))
    numeric = [_is_numeric(drawing, place) for place in range(len(drawing.columns))]
    heading = visible(entry.title)
    context = {
        "heading": heading,
        "drawing": Markup(svg),  # noqa: S704 - made by Vega from our spec, which escapes every text
        "reason": visible(entry.reason),
        "stem": entry.name,
        "has_png": entry.files.png is not None,
        "source": _source(entry),
        "heads": list(zip(map(visible, drawing.columns), numeric, strict=True)),
        "rows": [[value(cell) for cell in row] for row in drawing.rows[:_TABLE_ROWS]],
        "rest": len(drawing.rows[_TABLE_ROWS:]),
        "sql": sql,
        "is_zoomable": '"bind":"scales"' in spec,
        # JSON in a script element ends at the first `</script>`: no `<` may stand in it.
        "spec": Markup(spec.replace("<", "\\u003c")),  # noqa: S704 - as just said
        "bundle": BUNDLE_NAME,
    }
    return render_page(
        "chart.html.j2",
        context,
        title=f"{heading} - chart",
        styles=["chart"],
        scripts=["chart"],
        has_library=True,
    )


def _source(entry: ChartEntry) -> str:
    if entry.kpi is not None:
        return visible(f"KPI {entry.kpi}")
    return visible(f"{entry.table}: {', '.join(entry.columns)}")


def _is_numeric(drawing: Drawing, place: int) -> bool:
    """Whether a column of the table reads as numbers, to be set flush right."""
    cells = [row[place] for row in drawing.rows]
    return place > 0 and all(cell[:1] in "0123456789\N{MINUS SIGN}\N{EN DASH}" for cell in cells)
