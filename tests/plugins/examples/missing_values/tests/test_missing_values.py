import json
from pathlib import Path

from voyant_missing_values import Parameters, generate_missing_values


def test_a_mostly_empty_column_is_named(job_context, tmp_path):
    orders = tmp_path / "orders.csv"
    orders.write_text("id,coupon\n1,\n2,\n3,x\n4,\n")
    ctx = job_context({"orders": orders}, parameters=Parameters(max_fraction=0.6))
    path = generate_missing_values(ctx)["missing_values"]
    assert json.loads(Path(path).read_text())["columns"] == [
        {"table": "orders", "column": "coupon", "null_fraction": 0.75}
    ]


def test_it_keeps_the_laws(check_generator):
    report = check_generator(generate_missing_values)
    assert report.ok, str(report)
