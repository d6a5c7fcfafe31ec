"""A disk that fills up in the middle of a run: what, where and what to do; earlier jobs are intact.

Real disks, small ones: a tmpfs each, mounted by the test, which root may do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from voyant.artifacts.verify import verify_folder

KIB = 1024
DISK_KIB = 4 * KIB
#: Room left on the disk, from none at all to enough.
ROOM_KIB = (0, 16, 48, 100, 180, 2 * KIB)


@pytest.fixture
def disk(tmp_path):
    """An empty file system of four MiB."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    place = tmp_path / "disk"
    place.mkdir()
    options = ("-t", "tmpfs", "-o", f"size={DISK_KIB}k")
    done = subprocess.run(
        ["mount", *options, "voyant-test", str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"this machine lets nobody mount: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def orders(tmp_path) -> Path:
    rows = "".join(f"{n},{n % 7},{n * 37 % 1000 / 10}\n" for n in range(5_000))
    (tmp_path / "orders.csv").write_text(f"id,customer,amount\n{rows}")
    return tmp_path / "orders.csv"


def leave(place: Path, kib: int) -> None:
    """Fill a disk until there is so much room left."""
    with (place / "filler").open("wb") as file:
        file.write(bytes(max(shutil.disk_usage(place).free - kib * KIB, 0)))


def voyant(*arguments: object, cwd: Path, **more: str) -> tuple[int, str]:
    """Run the command; return its exit code and what it says on stderr."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VOYANT_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-m", "voyant", *map(str, arguments)],
        cwd=cwd,
        env={**kept, **more},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stderr


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_every_moment_at_which_a_disk_can_fill_up(disk, orders, tmp_path):
    out = disk / "out"
    job = ("run", orders, "--out", out, "--as-of", "2025-01-01")
    assert voyant(*job, "--job-id", "earlier", cwd=tmp_path) == (0, "")
    earlier = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    outcomes: dict[int, str] = {}
    for room in ROOM_KIB:
        leave(disk, room)
        code, said = voyant(*job, "--job-id", "next", cwd=tmp_path)
        folder = out / "next"
        has_manifest = (folder / "manifest.json").exists()
        if code == 0 and not said:
            outcomes[room] = "done"
        else:
            outcomes[room] = "manifest" if has_manifest else "none"
            assert code in (0, 1), said
            assert "Traceback" not in said
            assert re.search(  # what, where, what to do
                rf"Cannot (write|use) '{out}/\S+': No space left on device\. "
                r"Free some space, or write to another disk\.",
                said,
            ), said
        assert not [name for name in names(disk) if name.endswith(".tmp")]
        if has_manifest:
            assert verify_folder(folder).is_ok
        assert verify_folder(out / "earlier").is_ok
        assert {path: path.read_bytes() for path in earlier if "earlier" in path.parts} == {
            path: content for path, content in earlier.items() if "earlier" in path.parts
        }
        (disk / "filler").unlink()
        assert voyant(*job, "--job-id", "next", cwd=tmp_path) == (0, "")
        assert verify_folder(folder).is_ok
        shutil.rmtree(folder)
    assert outcomes[0] == "none"
    assert outcomes[ROOM_KIB[-1]] == "done"
    assert len({room for room, outcome in outcomes.items() if outcome != "done"}) >= 4, outcomes


def test_a_disk_that_parsed_tables_do_not_fit_on(disk, tmp_path):
    rows = "".join(f"{n},{hash((n, 1)) & 0xFFFFFFFFFFFF:x}\n" for n in range(300_000))
    (tmp_path / "wide.csv").write_text(f"id,note\n{rows}")
    leave(disk, KIB)
    for more in ({"VOYANT_TEMP_DIRECTORY": str(disk)}, {"TMPDIR": str(disk)}):
        code, said = voyant("run", "wide.csv", "--out", "out", cwd=tmp_path, **more)
        assert code == 1
        assert f'"{disk}/voyant-engine-' in said
        assert "No space left on device. Free some space there, or let temp_directory" in said
        assert names(disk) == {"filler"}


def test_a_disk_that_the_engine_cannot_spill_to(disk, tmp_path):
    import duckdb

    table = tmp_path / "large.parquet"
    duckdb.execute(
        f"COPY (SELECT range AS id, md5(range::VARCHAR) AS note FROM range(2_000_000)) TO '{table}'"
    )
    leave(disk, KIB)
    limits = {"VOYANT_TEMP_DIRECTORY": str(disk), "VOYANT_MEMORY_LIMIT": "60MB"}
    code, said = voyant("run", table, "--out", "out", cwd=tmp_path, **limits)
    assert code == 1
    assert "Table 'large' needs more memory or disk than it may use" in said
    assert f"free some space in '{disk}', or let temp_directory name another disk" in said
    assert names(disk) == {"filler"}
    (disk / "filler").unlink()


def test_a_temporary_folder_that_cannot_be_made(orders, tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "apart.py").write_text(
        "from voyant.core.plugin_registry import register\n"
        "@register('apart', isolation='process')\n"
        "def apart(ctx):\n    return {'apart': ctx.write_text('apart.txt', 'x')}\n"
    )
    places = {"VOYANT_PLUGIN_PATH": "plugins", "VOYANT_TEMP_DIRECTORY": str(tmp_path / "nowhere")}
    code, said = voyant("run", orders, "--out", "out", cwd=tmp_path, **places)
    assert code == 1
    assert "Cannot make a temporary folder in '" in said
    assert "nowhere': No such file or directory. Free some space there, or let temp_dir" in said
