"""Good and hostile packages, really installed: what the containment page says of them, happens."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.plugins.fresh_environment import ROOT, environment, make_environment
from voyant.artifacts.verify import verify_folder

PACKAGES = Path(__file__).parent
PAGE = ROOT / "docs" / "explanation" / "containment.md"
SEVEN = {"profile", "kpis", "sufficiency", "quality", "drift", "charts", "narrative"}
BUILTIN = ["profile", "kpi", "sufficiency", "quality", "drift", "charts", "narrative", "report"]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits are Linux'")


def rows() -> dict[str, tuple[str, str]]:
    """Package -> what the page says of it in the run's process, and in its own."""
    text = PAGE.read_text(encoding="utf-8").partition("## Installed packages")[2]
    found = re.findall(
        r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$",
        text.partition("\n## ")[0],
        flags=re.MULTILINE,
    )
    return {name: (inside.replace("**", ""), own) for name, inside, own in found}


ROWS = rows()
ISOLATED = [name for name, (inside, own) in ROWS.items() if inside != own]
#: Those that end the run which has them in its own process.
DEADLY = [name for name in ISOLATED if ROWS[name][0].startswith("the run")]


def test_the_table_has_every_package():
    assert set(ROWS) == {file.parent.name for file in PACKAGES.glob("*/pyproject.toml")}
    assert ISOLATED == ["hangs", "crashes", "allocates", "writes_elsewhere"]
    assert DEADLY == ["hangs", "crashes"]


@pytest.fixture(scope="module")
def voyant(tmp_path_factory) -> Path:
    """The command, in an environment that has all the packages."""
    folder = tmp_path_factory.mktemp("packages")
    return make_environment(folder, [PACKAGES / name for name in ROWS]) / "voyant"


def start(*command: object, cwd: Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*command: object, cwd: Path, **more: str):
    """Run a command that must end with 0; return its JSON, and what it said beside it."""
    process = start(*command, cwd=cwd, **more)
    printed, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return json.loads(printed), said


def happened(name: str, manifest: dict, workplace: Path) -> str:
    """Say what the manifest says of a package, in the page's words."""
    plugin = next(entry for entry in manifest["plugins"] if entry["name"] == name)
    assert (plugin["distribution"], plugin["version"]) == (
        f"voyant-{name.replace('_', '-')}",
        "1.0.0",
    )
    if plugin["status"] == "failed":
        assert plugin["remedy"]
        assert name not in [entry["name"] for entry in manifest["generators"]]
        kind = re.match(
            r"(\w+): |Generator '\w+' (cannot be called with one argument)", plugin["error"]
        )
        return f"reported, not run: {kind[1] or kind[2]}"
    assert (plugin["status"], plugin["generators"], plugin["error"]) == ("loaded", [name], "")
    entry = next(entry for entry in manifest["generators"] if entry["name"] == name)
    assert entry["plugin"] == f"voyant-{name.replace('_', '-')} 1.0.0"
    error = entry["error"] or ""
    found = re.search(r"The process of generator '\w+' (.*?)\.( [A-Z]|$)", error)
    if found:
        outcome = found[1]
    elif "was killed at its time limit of 2 s" in error:
        outcome = "killed at its time limit"
    else:
        outcome = {"ok": "succeeds", "failed": "fails"}[entry["status"]]
    if name == "writes_elsewhere":
        is_there = (workplace / "elsewhere.txt").exists()
        outcome += "; the file is there" if is_there else "; nothing was written"
    return outcome


ERRORS = {
    "takes_a_key": "returned the artifact key 'profile', which belongs to the generator 'profile'",
    "takes_a_file": "'profile.json' is the file of the generator 'profile'",
    "exits": "SystemExit: that is all",
    "returns_junk": "returned int, not a mapping",
}


def check_demo(answer: dict, folder: Path) -> None:
    """All seven artifacts are there, whole, and nobody else's."""
    manifest = answer["manifest"]
    assert manifest["success"] is True
    assert manifest["problems"] == []
    entries = {entry["name"]: entry for entry in manifest["generators"]}
    assert {name: entries[name]["status"] for name in BUILTIN} == dict.fromkeys(BUILTIN, "ok")
    makers = {entry["key"]: entry["generator"] for entry in manifest["artifacts"]}
    assert set(makers) >= SEVEN
    assert {makers[key] for key in SEVEN} <= set(BUILTIN)
    assert makers["behaves"] == "behaves"
    for name, error in ERRORS.items():
        assert error in entries[name]["error"]
    assert verify_folder(folder).is_ok


@pytest.fixture(scope="module")
def has_landlock(tmp_path_factory) -> bool:
    script = "import sys; from voyant.core.landlock import *; print(give_up_writing(sys.argv[1]))"
    command = (sys.executable, "-c", script, str(tmp_path_factory.mktemp("writable")))
    return subprocess.check_output(command, text=True, cwd=ROOT).strip() == ""


def test_a_demo_with_all_of_them_isolated(voyant, tmp_path, has_landlock):
    terms = 'isolation = "process"\ntimeout_seconds = {seconds}\nmemory_limit = "256MB"\n'
    (tmp_path / "voyant.toml").write_text(
        "".join(
            f"[generators.{name}]\n{terms.format(seconds=2 if name == 'hangs' else 60)}"
            for name in ISOLATED
        )
    )
    answer, said = finish(voyant, "demo", "--json", cwd=tmp_path)
    check_demo(answer, tmp_path / "voyant-demo" / "nycflights13")
    found = {name: happened(name, answer["manifest"], tmp_path) for name in ROWS}
    expected = {name: own for name, (_, own) in ROWS.items()}
    if not has_landlock:
        found.pop("writes_elsewhere")
        expected.pop("writes_elsewhere")
    assert found == expected
    for name in ("fails_to_import", "exits_on_import", "wrong_signature"):
        assert f"Plugin {name}: " in said


def test_a_demo_with_all_that_can_be_contained_without_isolation(voyant, tmp_path):
    names = [name for name in ROWS if name not in DEADLY and "not tried" not in ROWS[name][0]]
    answer, _ = finish(
        *(voyant, "demo", "--json"), cwd=tmp_path, VOYANT_PLUGINS_ALLOW=",".join(names)
    )
    check_demo(answer, tmp_path / "voyant-demo" / "nycflights13")
    assert {name: happened(name, answer["manifest"], tmp_path) for name in names} == {
        name: ROWS[name][0] for name in names
    }
    denied = [plugin for plugin in answer["manifest"]["plugins"] if plugin["status"] == "denied"]
    assert {plugin["name"] for plugin in denied} == set(ROWS) - set(names)


@pytest.mark.parametrize("name", DEADLY)
def test_one_that_ends_the_run_without_isolation(name, voyant, tmp_path):
    (tmp_path / "orders.csv").write_text("id\n1\n2\n")
    process = start(
        *(voyant, "run", "orders.csv", "--out", "out", "--job-id", "job"),
        cwd=tmp_path,
        VOYANT_PLUGINS_ALLOW=name,
    )
    folder = tmp_path / "out" / "job"
    try:
        while not (folder / "kpis.json").exists() and process.poll() is None:
            time.sleep(0.05)
        # Nothing lies between that and the limit of 2 s after which a run that can go on does.
        process.communicate(timeout=6 if name == "hangs" else 120)
        outcome = f"the run dies of {signal.Signals(-process.returncode).name}"
    except subprocess.TimeoutExpired:
        outcome = "the run hangs"
    finally:
        process.kill()
        process.communicate()
    assert outcome == ROWS[name][0]
    assert (folder / "kpis.json").exists()  # it had begun
    assert not (folder / "manifest.json").exists()  # and nobody says that it had finished


def test_they_are_listed_with_what_to_do(voyant, tmp_path):
    listed, _ = finish(voyant, "generators", "--json", cwd=tmp_path)
    status = {plugin["name"]: plugin["status"] for plugin in listed["plugins"]}
    broken = {"fails_to_import", "exits_on_import", "wrong_signature"}
    assert {name for name, found in status.items() if found == "failed"} == broken
    assert {name for name, found in status.items() if found == "loaded"} == set(ROWS) - broken


@pytest.mark.parametrize("switch", ["--no-plugins", "VOYANT_PLUGINS"])
def test_without_plugins_nothing_of_them_is_there(switch, voyant, tmp_path):
    (tmp_path / "orders.csv").write_text("id\n1\n2\n")
    option = (switch,) if switch.startswith("--") else ()
    more = {} if option else {switch: "0"}
    answer, said = finish(
        *(voyant, "run", "orders.csv", "--out", "out", "--json", *option), cwd=tmp_path, **more
    )
    assert answer["manifest"]["plugins"] == []
    assert [entry["name"] for entry in answer["manifest"]["generators"]] == BUILTIN
    assert said == ""


def test_what_crashes_while_it_is_imported_is_denied_by_name(voyant, tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "deadly.py").write_text("import os\nos.abort()\n")
    (plugins / "mine.py").write_text(
        "from voyant.core.plugin_registry import register\n"
        "@register('mine')\ndef mine(ctx):\n    return {'mine': ctx.write_text('mine.txt', 'x')}\n"
    )
    more = {"VOYANT_PLUGIN_PATH": "plugins", "VOYANT_PLUGINS_DENY": ",".join(ROWS)}
    process = start(voyant, "generators", cwd=tmp_path, **more)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGABRT
    more["VOYANT_PLUGINS_DENY"] += ",deadly"
    listed, _ = finish(voyant, "generators", "--json", cwd=tmp_path, **more)
    assert "mine" in [entry["name"] for entry in listed["generators"]]
