"""Profiles to draw: the demo tables measured with pandas, and tables made to break a page."""

from __future__ import annotations

from functools import cache
from itertools import cycle

import numpy as np
import pandas as pd

from voyant.artifacts.profile import ProfileArtifact
from voyant.demo import table_paths

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "</style><script>alert(3)</script>",
    "</title></svg></script><svg onload=alert(4)>",
    "' onmouseover='alert(5)",
    "{{ 7 * 7 }} {% raw %}",
    "مرحبا بالعالم \u202egpj.exe",
    "👩‍👩‍👧‍👦 🏳️‍🌈 naïve",
    "nul\x00 tab\t newline\n bell\x07",
    "javascript:alert(6)",
    "&amp;&lt;",
    "",
    "   ",
    "x" * 5000,
)

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TYPES = {"integer": "BIGINT", "float": "DOUBLE", "timestamp": "TIMESTAMP"}
KINDS = {"i": "integer", "f": "float", "b": "boolean", "M": "timestamp"}


def column(series: pd.Series) -> dict:
    """Measure one column, as a profile would."""
    kind = KINDS.get(series.dtype.kind, "text")
    present = series.dropna()
    counts = present.value_counts()
    made = {
        **dict.fromkeys(
            ("min", "max", "sum", "mean", "std", "variance", "skewness", "kurtosis", "zero_count",
             "negative_count", "true_count", "histogram", "text", "time")
        ),
        "type": TYPES.get(kind, "VARCHAR"),
        "kind": kind,
        "semantic_type": "id" if present.is_unique else "category" if len(counts) < 50 else kind,
        "semantic_evidence": f"{len(counts)} different values in {len(present)} rows",
        "count": len(present),
        "null_count": int(series.isna().sum()),
        "null_fraction": float(series.isna().mean()) if len(series) else 0.0,
        "distinct_count": len(counts),
        "is_unique": bool(len(present)) and present.is_unique and len(present) == len(series),
        "nan_count": 0,
        "infinite_count": 0,
        "quantiles": {},
        "top_values": [
            {"value": _scalar(value), "count": int(rows), "fraction": rows / len(present)}
            for value, rows in counts.head(100).items()
        ],
        "approximations": {},
    }  # fmt: skip
    if not len(present):
        return made
    if kind in {"integer", "float"}:
        rows, edges = np.histogram(present, bins=30)
        made |= {
            "min": _scalar(present.min()),
            "max": _scalar(present.max()),
            "sum": _scalar(present.sum()),
            "mean": float(present.mean()),
            "std": float(present.std()) if len(present) > 1 else None,
            "variance": float(present.var()) if len(present) > 1 else None,
            "skewness": _finite(present.skew()),
            "kurtosis": _finite(present.kurt()),
            "zero_count": int((present == 0).sum()),
            "negative_count": int((present < 0).sum()),
            "quantiles": {str(q): float(present.quantile(q)) for q in QUANTILES},
            "histogram": {"edges": edges.tolist(), "counts": rows.tolist()},
        }
    elif kind == "timestamp":
        naive = (
            present if present.dt.tz is None else present.dt.tz_convert("UTC").dt.tz_localize(None)
        )
        seconds = naive.astype("datetime64[s]").astype("int64")
        rows, edges = np.histogram(seconds, bins=30)
        days = present.dt.normalize().nunique()
        span = (present.max() - present.min()).total_seconds()
        made |= {
            "min": present.min().isoformat(),
            "max": present.max().isoformat(),
            "quantiles": {str(q): present.quantile(q).isoformat() for q in QUANTILES},
            "histogram": {
                "edges": [pd.Timestamp(edge, unit="s").isoformat() for edge in edges.tolist()],
                "counts": rows.tolist(),
            },
            "time": {
                "range_seconds": span,
                "day_count": days,
                "missing_day_count": int(span // 86400) + 1 - days,
                "largest_gap_days": 2,
                "largest_gap_start": "2013-05-01",
                "largest_gap_end": "2013-05-04",
            },
        }
    elif kind == "text":
        text = present.astype(str)
        shapes = (
            text.str.slice(0, 40)
            .str.replace(r"[A-Z]", "A", regex=True)
            .str.replace(r"[a-z]", "a", regex=True)
            .str.replace(r"\d", "9", regex=True)
            .str.replace(r"(.)\1+", r"\1+", regex=True)
            .value_counts()
            .head(10)
        )
        made |= {
            "min": text.min(),
            "max": text.max(),
            "text": {
                "min_length": int(text.str.len().min()),
                "max_length": int(text.str.len().max()),
                "mean_length": float(text.str.len().mean()),
                "empty_count": int((text == "").sum()),
                "whitespace_count": 0,
                "padded_count": 0,
                "patterns": [{"pattern": k, "count": int(v)} for k, v in shapes.items()],
            },
        }
    return made


def alert(severity: str, column: str | None, message: str) -> dict:
    """Say something about a column."""
    made = {"kind": "sample", "severity": severity, "column": column, "message": message}
    return {**made, "pointer": ""}


def table(frame: pd.DataFrame) -> dict:
    """Measure one table, as a profile would; correlations on a sample, and said so."""
    columns = {str(name): column(frame[name]) for name in frame.columns}
    missing = int(frame.isna().to_numpy().sum())
    numbers = frame.select_dtypes("number")
    numbers = numbers.loc[:, numbers.max() > numbers.min()].head(20_000)
    made = {"pearson": [], "spearman": [], "cramers_v": []}
    for method in ("pearson", "spearman"):
        matrix = numbers.corr(method) if numbers.shape[1] else pd.DataFrame()
        names = list(matrix.columns)
        made[method] = [
            {"left": a, "right": b, "value": _finite(matrix.loc[a, b]), "row_count": len(numbers)}
            for i, a in enumerate(names)
            for b in names[i + 1 :]
        ]
    sampled = {"method": "first 20,000 rows", "error": 0.007}
    alerts = [
        alert(
            "error" if c["null_fraction"] > 0.5 else "warning", name, f"{share} of rows are empty."
        )
        for name, c in columns.items()
        if c["null_fraction"] > 0.02 and (share := f"{100 * c['null_fraction']:.1f}%")
    ]
    alerts += [
        alert("info", name, "Holds a single value.")
        for name, c in columns.items()
        if c["distinct_count"] == 1
    ]
    return {
        "row_count": len(frame),
        "column_count": frame.shape[1],
        "duplicate_row_count": int(frame.duplicated().sum()) if frame.shape[1] else None,
        "missing_cell_count": missing,
        "missing_cell_fraction": missing / frame.size if frame.size else 0.0,
        "candidate_keys": [{"columns": [n]} for n, c in columns.items() if c["is_unique"]],
        "key_search": {"pairs_possible": 12, "pairs_checked": 10, "budget": 10},
        "correlations": {
            **made, "pair_cap": 200, "pairs_omitted": 0,
            "approximations": {"spearman": sampled} if made["spearman"] else {},
        },
        "alerts": alerts,
        "columns": columns,
        "approximations": {},
    }  # fmt: skip


@cache
def demo(*names: str) -> ProfileArtifact:
    """Profile some of the demo tables, all of them by default."""
    paths = table_paths()
    made = {name: table(pd.read_parquet(paths[name])) for name in names or paths}
    flights = made.get("flights")
    if flights:
        distinct = {"method": "HyperLogLog", "error": 31.0}
        flights["columns"]["tailnum"]["approximations"] = {"distinct_count": distinct}
        flights["columns"]["dep_delay"]["approximations"] = {
            "quantiles": {"method": "row sample of 50,000", "error": 0.2}
        }
        flights["candidate_keys"] = [{"columns": ["time_hour", "flight"]}]
    return ProfileArtifact.model_validate({"tables": made})


@cache
def hostile(width: int = 300) -> ProfileArtifact:
    """Profile a table whose names and values try to be something else, padded with numbers."""
    values = list(HOSTILE)
    rng = np.random.default_rng(7)
    columns = {name: [*values, *values[:5]] for name in HOSTILE}
    for place in range(width - len(HOSTILE)):
        columns[f"measure_{place:03}"] = np.round(rng.normal(place, 3, len(HOSTILE) + 5), 3)
    frame = pd.DataFrame(columns)
    made = table(frame)
    made["correlations"]["cramers_v"] = [
        {"left": HOSTILE[0], "right": HOSTILE[1], "value": 1.0, "row_count": 20}
    ]
    made["candidate_keys"] = [{"columns": [HOSTILE[1], HOSTILE[2]]}]
    made["alerts"] = [
        alert(severity, name, name)
        for severity, name in zip(cycle(("info", "warning", "error")), HOSTILE, strict=False)
    ] + [alert("error", None, HOSTILE[0])]
    for profile in made["columns"].values():
        profile["type"] = profile["kind"] = HOSTILE[0]
        profile["semantic_type"] = profile["semantic_evidence"] = HOSTILE[1]
        profile["approximations"] = {HOSTILE[0]: {"method": HOSTILE[1], "error": 1.0}}
    return ProfileArtifact.model_validate({"tables": {HOSTILE[2]: made}})


def _scalar(value: object) -> object:
    made = value.item() if isinstance(value, np.generic) else value
    return made.isoformat() if isinstance(made, pd.Timestamp) else made


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
