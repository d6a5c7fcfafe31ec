"""Tables that break profilers, as pyarrow tables any engine can be given."""

# ruff: noqa: DTZ001 - time stamps without a zone are part of the data

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa

NAN, INF = float("nan"), float("inf")


def tables():
    """Return awkward tables by name: each holds what its name says."""
    return {
        "no_rows": pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())}),
        "one_row": pa.table({"a": [1], "b": ["x"], "c": [1.5], "d": [dt.date(2020, 2, 29)]}),
        "all_null": pa.table(
            {
                name: pa.array([None] * 5, kind)
                for name, kind in (
                    ("a", pa.int64()),
                    ("b", pa.string()),
                    ("c", pa.float64()),
                    ("d", pa.date32()),
                    ("e", pa.bool_()),
                    ("f", pa.list_(pa.int64())),
                )
            }
        ),
        "constant": pa.table({"a": [7] * 10, "b": ["x"] * 10, "c": [0.1] * 10, "d": [True] * 10}),
        "not_finite": pa.table(
            {
                "mixed": [1.0, NAN, INF, -INF, None, 2.0, NAN, -0.0, 0.0, 4.0],
                "only_nan": [NAN] * 10,
                "only_infinite": [INF, -INF] * 5,
            }
        ),
        "extreme": pa.table(
            {
                "huge": [1.7976931348623157e308, -1.7976931348623157e308, 0.0, 1e308],
                "tiny": [5e-324, 1e-323, 0.0, -5e-324],
                "close": [1.0, 1.0000000000000002, 1.0000000000000004, 1.0],
                "outlier": [1e300, 1.0, 2.0, 3.0],
                "int64": [2**63 - 1, -(2**63), 0, 1],
                "large_ints": [2**63 - 1, 2**63 - 2, 2**63 - 3, 2**63 - 3],
                "uint64": pa.array([2**64 - 1, 0, 5, 5], pa.uint64()),
                "small_uint64": pa.array([1, 2, 3, 3], pa.uint64()),
            }
        ),
        "decimals": pa.table(
            {
                "money": pa.array([Decimal("0.10"), Decimal("-99.99"), None], pa.decimal128(4, 2)),
                "wide": pa.array(
                    [Decimal("12345678901234567890.12"), Decimal("-0.01"), None],
                    pa.decimal128(38, 2),
                ),
                "wide_but_small": pa.array(
                    [Decimal("1.25"), Decimal("1.25"), Decimal(3)], pa.decimal128(38, 4)
                ),
            }
        ),
        "times": pa.table(
            {
                "day": [dt.date(2020, 1, 1), dt.date(2020, 1, 5), dt.date(1969, 12, 31), None],
                "moment": [
                    dt.datetime(2020, 1, 1, 23, 59, 59, 999999),
                    dt.datetime(1, 1, 1),
                    dt.datetime(9999, 12, 31),
                    None,
                ],
                "zoned": pa.array(
                    [
                        dt.datetime(2020, 1, 1, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
                        dt.datetime(2020, 1, 3, tzinfo=dt.UTC),
                        dt.datetime(2020, 1, 3, tzinfo=dt.UTC),
                        None,
                    ],
                    pa.timestamp("us", tz="America/New_York"),
                ),
            }
        ),
        "text": pa.table(
            {
                "t": [
                    *("", " ", "\t\n", " a", "a ", " a ", "a", "é", "e\u0301", "😀", "a\x00b"),
                    *("NaN", "null", "<script>alert(1)</script>", "x" * 1_000_000, "Ü" * 600, None),
                    *("1", "1.5", "2020-01-01", "a'b\"c", "\\", "%", "\u00a0", "\ufeff"),
                ]
            }
        ),
        "booleans": pa.table({"b": [True, False, None, True]}),
        "nested": pa.table(
            {
                "list": [[1, 2], [], None, [1, 2]],
                "struct": [{"a": 1, "b": "x"}, {"a": None, "b": "x"}, None, {"a": 1, "b": "x"}],
                "map": pa.array(
                    [[("k", 1)], [], None, [("k", 1)]], pa.map_(pa.string(), pa.int64())
                ),
                "blob": [b"\x00\xff", b"", None, b"\x00\xff"],
                "duration": pa.array([1, 2, None, 1], pa.duration("s")),
                "clock": [dt.time(1, 2, 3), dt.time(0), None, dt.time(1, 2, 3)],
                "category": pa.array(["b", "a", None, "b"]).dictionary_encode(),
            }
        ),
        "wide": pa.table({f"c{i}": [i, i + 1, None] for i in range(300)}),
        "repeated_rows": pa.table({"a": [1, 1, 1, None, None], "b": ["x", "x", "y", None, None]}),
        "na\"mes. and 'more' 😀": pa.table(
            {
                name: [position, position + 1]
                for position, name in enumerate(
                    [
                        *(
                            'say "hi"',
                            "semi;colon",
                            "dot.ted",
                            "with space",
                            "😀",
                            "select",
                            "a",
                            "v",
                        ),
                        *("c", "x", "b", "n", "x0", "v0", "voyant_h", "<script>", "it's", "Über"),
                    ]
                )
            }
        ),
        "select": pa.table({"from": [1, 2]}),
        "voyant_groups": pa.table({"a": [1, 2]}),
        "Mixed Case": pa.table({"ID": [1, 2], "Id_2": [1, 1]}),
    }
