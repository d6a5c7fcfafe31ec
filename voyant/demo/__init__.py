"""The demo: every flight that left New York in 2013, with weather, planes, airports and airlines.

The tables ship with the package as Parquet; `data/PROVENANCE.md` says where they come from. The
KPIs below are the kind an airport's operations desk would ask for.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["KPIS", "table_paths"]

_DATA = Path(__file__).parent / "data"

_TABLES = ("flights", "weather", "planes", "airports", "airlines")


def table_paths() -> dict[str, Path]:
    """Name the demo tables and the Parquet file that holds each.

    >>> list(table_paths())
    ['flights', 'weather', 'planes', 'airports', 'airlines']
    """
    return {name: _DATA / f"{name}.parquet" for name in _TABLES}


KPIS: tuple[dict[str, object], ...] = (
    {
        "name": "flights_per_month",
        "description": "Scheduled departures from the three New York airports, by month.",
        "unit": "flights",
        "format": ",.0f",
        "sql": """
            SELECT make_date(year, month, 1) AS month, count(*) AS flight_count
            FROM flights
            GROUP BY ALL
            ORDER BY month
        """,
    },
    {
        "name": "mean_departure_delay",
        "description": "Mean minutes between scheduled and actual departure; early counts as negative.",
        "unit": "minutes",
        "format": ".1f",
        "direction": "down",
        "target": 10,
        "warn": 12,
        "critical": 20,
        "sql": "SELECT avg(dep_delay) AS minutes FROM flights",
    },
    {
        "name": "on_time_fraction",
        "description": "Share of scheduled flights that arrived less than 15 minutes late; cancelled and diverted flights count against it.",
        "unit": "fraction",
        "format": ".1%",
        "direction": "up",
        "target": 0.80,
        "warn": 0.78,
        "critical": 0.70,
        "sql": "SELECT count(*) FILTER (WHERE arr_delay < 15) / count(*) AS on_time_fraction FROM flights",
    },
    {
        "name": "cancellation_fraction",
        "description": "Share of scheduled flights that never left.",
        "unit": "fraction",
        "format": ".2%",
        "direction": "down",
        "target": 0.02,
        "warn": 0.03,
        "critical": 0.05,
        "sql": "SELECT count(*) FILTER (WHERE dep_time IS NULL) / count(*) AS cancelled_fraction FROM flights",
    },
    {
        "name": "delay_by_carrier",
        "description": "The ten airlines with the longest mean arrival delay, with their volume.",
        "unit": "minutes",
        "format": ".1f",
        "direction": "down",
        "sql": """
            SELECT airlines.name AS airline,
                   count(*) AS flight_count,
                   round(avg(flights.arr_delay), 2) AS mean_arrival_delay,
                   round(quantile_cont(flights.arr_delay, 0.9), 1) AS p90_arrival_delay
            FROM flights
            JOIN airlines ON airlines.carrier = flights.carrier
            GROUP BY airlines.name
            ORDER BY mean_arrival_delay DESC, airline
            LIMIT 10
        """,
    },
    {
        "name": "delay_by_hour",
        "description": "Mean departure delay by scheduled hour of the day: delays pile up until evening.",
        "unit": "minutes",
        "format": ".1f",
        "direction": "down",
        "sql": """
            SELECT hour, count(dep_delay) AS departures, round(avg(dep_delay), 2) AS mean_departure_delay
            FROM flights
            WHERE dep_delay IS NOT NULL
            GROUP BY hour
            ORDER BY hour
        """,
    },
    {
        "name": "busiest_routes",
        "description": "The ten routes with most flights; a destination the airports table lacks keeps its code.",
        "unit": "flights",
        "format": ",.0f",
        "sql": """
            SELECT flights.origin,
                   coalesce(airports.name, flights.dest) AS destination,
                   count(*) AS flight_count,
                   round(avg(flights.arr_delay), 2) AS mean_arrival_delay
            FROM flights
            LEFT JOIN airports ON airports.faa = flights.dest
            GROUP BY ALL
            ORDER BY flight_count DESC, flights.origin, destination
            LIMIT 10
        """,
    },
    {
        "name": "delay_by_wind",
        "description": "Mean departure delay by wind speed at the airport in the hour of departure.",
        "unit": "minutes",
        "format": ".1f",
        "direction": "down",
        "sql": """
            SELECT CAST(floor(weather.wind_speed / 5) * 5 AS INTEGER) AS wind_from_mph,
                   count(*) AS departures,
                   round(avg(flights.dep_delay), 2) AS mean_departure_delay
            FROM flights
            JOIN weather ON weather.origin = flights.origin AND weather.time_hour = flights.time_hour
            WHERE flights.dep_delay IS NOT NULL AND weather.wind_speed IS NOT NULL
            GROUP BY wind_from_mph
            ORDER BY wind_from_mph
        """,
    },
    {
        "name": "worst_days",
        "description": "The ten days with the longest mean departure delay, and how many flights were cancelled.",
        "unit": "minutes",
        "format": ".1f",
        "direction": "down",
        "sql": """
            SELECT make_date(year, month, day) AS day,
                   round(avg(dep_delay), 2) AS mean_departure_delay,
                   count(*) FILTER (WHERE dep_time IS NULL) AS cancelled
            FROM flights
            GROUP BY ALL
            ORDER BY mean_departure_delay DESC, day
            LIMIT 10
        """,
    },
    {
        "name": "mean_aircraft_age",
        "description": "Mean age in years of the aircraft that flew, each flight counted once; planes without a build year are left out.",
        "unit": "years",
        "format": ".1f",
        "direction": "down",
        "target": 12,
        "sql": """
            SELECT avg(flights.year - planes.year) AS years
            FROM flights
            JOIN planes ON planes.tailnum = flights.tailnum
            WHERE flights.dep_time IS NOT NULL
        """,
    },
)
