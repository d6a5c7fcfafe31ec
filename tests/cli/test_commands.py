"""What each command says, and the exit code it says it with."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from voyant import __version__
from voyant.core.plugin_registry import register


@pytest.fixture
def generators(own_registry):
    """One core generator that writes, one extended one that is gated, one that fails."""

    @register("first", is_core=True, order=10, description="Writes the page.")
    def first(ctx):
        ctx.write_text("index.html", "<p>hello</p>")
        return {"first": ctx.write_json("first.json", {"sources": sorted(ctx["sources"])})}

    @register("gated", feature_flag="enable_gated", order=20)
    def gated(ctx):
        """Do little, when allowed."""
        return {}

    @register("flaky", order=30)
    def flaky(ctx):
        raise ValueError("[red]no[/red] luck \x1b[31m")


def manifest_in(folder):
    (path,) = folder.glob("*/manifest.json")
    return json.loads(path.read_bytes())


def test_version(voyant):
    result = voyant("--version")
    assert (result.exit_code, result.stdout) == (0, f"voyant {__version__}\n")


def test_help_names_every_command_and_the_exit_codes(voyant):
    result = voyant("--help")
    assert result.exit_code == 0
    for word in ("run", "generators", "plan", "config", "verify", "demo", "Exit codes"):
        assert word in result.stdout


def test_run_shows_each_generator_and_the_page(voyant, generators, workplace):
    result = voyant("run", "orders.csv", "--out", "out", "--job-id", "job")
    assert result.exit_code == 0
    for word in ("first", "ok", "gated", "flaky", "failed", "first.json", "ms"):
        assert word in result.stdout
    folder = (workplace / "out" / "job").resolve()
    assert f"Open {folder / 'index.html'}\n" in result.stdout
    assert json.loads((folder / "first.json").read_text()) == {"sources": ["orders"]}


def test_errors_are_shown_as_text_whatever_they_hold(voyant, generators):
    result = voyant("run", "orders.csv", "--out", "out")
    assert r"voyant: flaky failed: [red]no[/red] luck \x1b[31m" in result.stderr
    assert "\x1b" not in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("place", ["before", "after"])
def test_debug_shows_where(voyant, generators, place):
    arguments = ["run", "orders.csv", "--out", "out"]
    arguments.insert(0 if place == "before" else 2, "--debug")
    result = voyant(*arguments)
    assert "Traceback" in result.stderr
    assert "ValueError" in result.stderr


def test_run_can_answer_in_json_and_nothing_else(voyant, generators, workplace):
    result = voyant("run", "orders.csv", "--out", "out", "--json", "--skip", "flaky")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    gates = {"failed_gates", "unassessed_gates"}
    assert set(answer) == {"success", "folder", "page", "manifest"} | gates
    assert answer["success"] is True
    assert answer["page"].endswith("index.html")
    assert answer["manifest"] == manifest_in(workplace / "out")
    assert result.stderr == ""


def test_a_failed_core_generator_is_exit_code_one(voyant, own_registry):
    register("core", is_core=True)(lambda ctx: 1 / 0)
    register("later", order=200)(lambda ctx: {})
    result = voyant("run", "orders.csv", "--out", "out", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["success"], answer["page"]) == (False, None)
    assert answer["manifest"]["failed_core"] == "core"
    assert "voyant: core failed: division by zero" in result.stderr


def test_a_failed_extended_generator_is_exit_code_zero(voyant, generators):
    assert voyant("run", "orders.csv", "--out", "out").exit_code == 0


def test_what_was_promised_and_is_not_there_is_said(voyant, own_registry):
    register("liar")(lambda ctx: {"x": "nowhere.json"})
    result = voyant("run", "orders.csv", "--out", "out")
    assert "voyant: liar: 'nowhere.json' is outside the job's folder" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "order.csv"], "Did you mean 'orders.csv'?"),
        (["run"], "nothing to read"),
        (["run", "--warehouse", "duckdb:///nope.duckdb"], "nothing to read"),
        (["run", "orders.csv", "--warehouse", "duckdb:///x.duckdb"], "Both paths"),
        (["run", "orders.csv", "--only", "frist"], "Did you mean 'first'?"),
        (["run", "orders.csv", "--skip", "nobody"], "no generator 'nobody'"),
        (["run", "orders.csv", "--table", "x"], "--table orders="),
        (["run", "orders.csv", "--table", "orders=orders.csv"], "--table other_name"),
        (["run", "orders.csv", "--kpi", "SELECT 1"], "--kpi"),
        (["run", "orders.csv", "--config", "nope.toml"], "no configuration file"),
        (["run", "orders.csv", "--job-id", "../x"], "'../x'"),
        (["run", "orders.csv", "--tenant", ".."], "'..'"),
        (["run", "orders.csv", "--as-of", "soon"], "'soon'"),
        (["run", "orders.csv", "--out", "orders.csv"], "orders.csv"),
        (["run", "--nonsense"], "--nonsense"),
        (["nonsense"], "nonsense"),
        (["plan", "--only", "nobody"], "nobody"),
        (["plan", "--config", "nope.toml"], "nope.toml"),
        (["config", "show", "--config", "nope.toml"], "nope.toml"),
        (["verify"], "folder"),
        (["verify", "nope"], "no folder 'nope'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_is_exit_code_two_and_a_paragraph(voyant, generators, arguments, said):
    result = voyant(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_another_tenants_folder_is_exit_code_two(voyant, generators):
    run = ("run", "orders.csv", "--out", "out", "--job-id", "job", "--tenant")
    assert voyant(*run, "acme").exit_code == 0
    result = voyant(*run, "globex")
    assert result.exit_code == 2
    assert "another tenant" in result.stderr


def test_the_file_and_the_options_add_up(voyant, own_registry, workplace):
    seen = {}
    register("look")(lambda ctx: seen.update(ctx) or {})
    (workplace / "shop.toml").write_text(
        'tenant_id = "acme"\n[[kpis]]\nname = "a"\nsql = "SELECT 1"\n'
    )
    run = ("run", "--config", "shop.toml", "--out", "out", "--table", "t=orders.csv")
    result = voyant(*run, "--kpi", "b=SELECT 2", "--as-of", "2014-01-01")
    assert result.exit_code == 0
    assert seen["tenant_id"] == "acme"
    assert [kpi["name"] for kpi in seen["kpis"]] == ["a", "b"]
    assert seen["sources"] == {"t": "orders.csv"}
    assert seen["as_of"] == "2014-01-01"


def test_a_warehouse_that_is_there_needs_no_path(voyant, own_registry, workplace):
    seen = {}
    register("look")(lambda ctx: seen.update(ctx) or {})
    (workplace / "shop.duckdb").write_bytes(b"")
    result = voyant("run", "--warehouse", "duckdb:///shop.duckdb", "--out", "out")
    assert result.exit_code == 0
    assert seen["warehouse_url"] == "duckdb:///shop.duckdb"
    assert seen["sources"] == {}


def test_generators_are_listed_in_order(voyant, generators):
    result = voyant("generators")
    assert result.exit_code == 0
    places = [result.stdout.index(name) for name in ("first", "gated", "flaky")]
    assert places == sorted(places)
    assert "Do little, when allowed." in result.stdout
    listed = json.loads(voyant("generators", "--json").stdout)["generators"]
    assert [entry["name"] for entry in listed] == ["first", "gated", "flaky"]
    assert listed[1]["feature_flag"] == "enable_gated"


def test_the_plan_takes_the_files_of_a_run(voyant, generators, workplace):
    result = voyant("plan", "orders.csv")
    assert result.exit_code == 0, result.output
    assert "Tables: orders" in result.output
    assert voyant("plan", "nope.csv").exit_code == 2
    assert list(workplace.iterdir()) == [workplace / "orders.csv"]


def test_the_plan_says_what_is_off_and_why(voyant, generators, monkeypatch):
    monkeypatch.setenv("VOYANT_ENABLE_GATED", "0")
    result = voyant("plan", "--skip", "flaky")
    assert result.exit_code == 0
    assert "enable_gated is off (VOYANT_ENABLE_GATED)" in result.stdout
    assert "not asked for in this run" in result.stdout
    steps = json.loads(voyant("plan", "--skip", "flaky", "--json").stdout)
    assert [(step["name"], step["runs"]) for step in steps] == [
        ("first", True),
        ("gated", False),
        ("flaky", False),
    ]
    assert steps[1]["gate"]["source"] == "VOYANT_ENABLE_GATED"


def test_settings_are_shown_with_who_set_them_and_without_secrets(voyant, workplace, monkeypatch):
    (workplace / "voyant.toml").write_text('tenant_id = "acme"\n')
    monkeypatch.setenv("VOYANT_WAREHOUSE_URL", "postgresql://ann:hunter2@db/shop?key=hunter2")
    monkeypatch.setenv("VOYANT_TABLES", '{"t": "https://ann:hunter2@x/y.csv"}')
    answer = json.loads(voyant("config", "show", "--json").stdout)
    assert answer["tenant_id"] == {"value": "acme", "source": "voyant.toml"}
    assert answer["warehouse_url"]["source"] == "VOYANT_WAREHOUSE_URL"
    assert answer["threads"] == {"value": None, "source": "default"}
    table = voyant("config", "show")
    assert table.exit_code == 0
    assert "postgresql://ann:***@db/shop" in table.stdout
    assert "hunter2" not in table.stdout + json.dumps(answer)


def test_a_folder_is_verified(voyant, generators, workplace):
    voyant("run", "orders.csv", "--out", "out", "--job-id", "job")
    result = voyant("verify", "out/job")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "2 files" in result.stdout
    (workplace / "out/job/first.json").write_text("{}")
    (workplace / "out/job/index.html").unlink()
    (workplace / "out/job/[bold]x").write_text("")
    result = voyant("verify", "out/job")
    assert result.exit_code == 1
    for line in ("changed    first.json", "missing    index.html", "unlisted   [bold]x"):
        assert line in result.stdout
    answer = json.loads(voyant("verify", "out/job", "--json").stdout)
    assert answer["is_ok"] is False
    assert answer["missing"] == ["index.html"]


def test_an_unfinished_folder_is_not_ok(voyant, workplace):
    (workplace / "job").mkdir()
    result = voyant("verify", "job")
    assert result.exit_code == 1
    assert "did not finish" in result.stdout


def test_the_demo_runs_on_the_flights(voyant, own_registry, workplace):
    seen = {}
    register("look")(lambda ctx: seen.update(ctx) or {})
    result = voyant("demo")
    assert result.exit_code == 0
    assert set(seen["sources"]) == {"flights", "weather", "planes", "airports", "airlines"}
    assert "on_time_fraction" in {kpi["name"] for kpi in seen["kpis"]}
    assert (workplace / "voyant-demo" / "nycflights13" / "manifest.json").is_file()
    assert voyant("demo", "--out", "elsewhere", "--json").exit_code == 0
    assert (workplace / "elsewhere" / "nycflights13").is_dir()


def test_a_wide_name_does_not_lose_its_end(voyant, own_registry, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    register("a" * 100)(lambda ctx: {"x": ctx.write_text("表" * 60 + ".txt", "")})
    result = voyant("run", "orders.csv", "--out", "out")
    assert result.exit_code == 0
    assert result.stdout.count("a" * 5) >= 5
    assert result.stdout.count("表") == 60


def test_plugins_of_a_folder_are_listed_with_what_is_wrong(voyant, tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "absent.py").write_text("import nothing_there")
    shown = subprocess.run(
        [sys.executable, "-m", "voyant", "generators"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"VOYANT_PLUGIN_PATH": str(folder)},
    ).stdout
    assert "Plugin absent" in shown
    assert "Install 'nothing_there'" in shown
    assert json.loads(voyant("generators", "--no-plugins", "--json").stdout)["plugins"] == []
