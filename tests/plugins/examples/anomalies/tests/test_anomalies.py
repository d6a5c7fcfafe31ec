import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from voyant_anomalies import Parameters, fill, find_anomalies, generate_anomalies

START = date(2024, 1, 1)  # a Monday


def weekly(day):
    """Twenty rows a day, five at weekends, one more every ten weeks."""
    return (5 if day.weekday() >= 5 else 20) + (day - START).days // 70


def series(length, planted):
    days = [START + timedelta(days=i) for i in range(length)]
    return days, [planted.get(day, weekly(day)) for day in days]


@pytest.mark.parametrize("planted", [{}, {date(2024, 3, 13): 60}, {date(2024, 4, 6): 40}])
def test_exactly_the_planted_days_are_found(planted):
    found = find_anomalies(*series(150, planted), Parameters())
    assert [entry["day"] for entry in found] == [day.isoformat() for day in planted]
    assert all(entry["score"] > 3.5 for entry in found)


def test_a_day_without_rows_is_found_too():
    (found,) = find_anomalies(*series(150, {date(2024, 3, 13): 0}), Parameters())
    assert (found["day"], found["row_count"]) == ("2024-03-13", 0)
    assert found["score"] < -3.5
    assert found["expected"] == pytest.approx(21, abs=1)


def test_missing_days_count_as_zero_and_old_ones_are_left_out():
    counts = {date(2024, 1, 1): 3, date(2024, 1, 4): 1}
    assert fill(counts, 30)[1] == [3, 0, 0, 1]
    assert fill(counts, 2) == ([date(2024, 1, 3), date(2024, 1, 4)], [0, 1])
    assert fill({date.max: 1, date.min: 1}, 28)[0][0] == date(9999, 12, 4)


def test_it_reads_the_tables(job_context, tmp_path):
    days, counts = series(150, {date(2024, 3, 13): 60})
    lines = [f"{day}" for day, count in zip(days, counts, strict=True) for _ in range(count)]
    (tmp_path / "visits.csv").write_text("\n".join(["seen_on", *lines]) + "\n")
    ctx = job_context({"visits": tmp_path / "visits.csv"}, parameters=Parameters())
    artifact = json.loads(Path(generate_anomalies(ctx)["anomalies"]).read_text())
    (found,) = artifact["series"]
    assert (found["table"], found["column"]) == ("visits", "seen_on")
    assert [entry["day"] for entry in found["anomalies"]] == ["2024-03-13"]


def test_it_keeps_the_laws(check_generator):
    report = check_generator(generate_anomalies, tables=["empty", "one_row", "times", "orders"])
    assert report.ok, str(report)
