"""What becomes of options for a generator whose plugin is not loaded?"""

from __future__ import annotations

import json

import pytest

from voyant.core.plugin_registry import clear_registry, default_registry, load_builtin_generators

PLUGIN = """
from voyant.core.plugin_registry import register

@register("forecast")
def forecast(ctx):
    return {"forecast": ctx.write_text("forecast.txt", f"{ctx.tables}")}
"""


@pytest.fixture
def plugin(workplace, monkeypatch):
    """The file of a plugin, `pkg`, whose generator `forecast` has options; not loaded yet."""
    file = workplace / "plugins" / "pkg.py"
    file.parent.mkdir()
    file.write_text(PLUGIN)
    (workplace / "voyant.toml").write_text("[generators.forecast]\norder = 65\nhorizon = 3\n")
    monkeypatch.setenv("VOYANT_PLUGIN_PATH", "plugins")
    monkeypatch.setattr(default_registry, "_plugins_are_due", True)
    yield file
    clear_registry()
    load_builtin_generators()


#: What keeps the plugin out: options, environment, the file's text, and how the log says it.
WAYS = {
    "option": (["--no-plugins"], {}, PLUGIN, "plugins are switched off"),
    "variable": ([], {"VOYANT_PLUGINS": "0"}, PLUGIN, "plugins are switched off"),
    "denied": ([], {"VOYANT_PLUGINS_DENY": "pkg"}, PLUGIN, "not loaded: pkg (denied)"),
    "broken": ([], {}, "import nothing_there", "not loaded: pkg (failed)"),
    "incompatible": ([], {}, f"VOYANT_API = 99\n{PLUGIN}", "not loaded: pkg (failed)"),
}


@pytest.fixture(params=WAYS)
def kept_out(request, plugin, monkeypatch):
    options, variables, text, said = WAYS[request.param]
    plugin.write_text(text)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return options, said


def warning_in(caplog):
    """The one line that is about options."""
    (line,) = [text for text in caplog.messages if text.startswith("Setting ")]
    return line


def test_a_run_goes_on_and_the_log_says_what_is_ignored(voyant, kept_out, caplog, workplace):
    options, said = kept_out
    result = voyant("run", "orders.csv", "--out", "out", "--json", "--only", "profile", *options)
    assert result.exit_code == 0, result.output
    manifest = json.loads(result.stdout)["manifest"]
    assert manifest["success"] is True
    assert "forecast" not in [entry["name"] for entry in manifest["generators"]]
    line = warning_in(caplog)
    assert line.startswith(
        "Setting 'generators.forecast' (from voyant.toml) is ignored: there is no generator"
    )
    assert said in line


@pytest.mark.parametrize("command", ["plan", "generators"])
def test_the_other_commands_answer_too(command, voyant, kept_out, caplog):
    options, said = kept_out
    result = voyant(command, *options)
    assert result.exit_code == 0, result.output
    assert "profile" in result.stdout
    assert said in warning_in(caplog)


def test_what_to_do_about_a_broken_plugin_is_shown(voyant, plugin):
    plugin.write_text("import nothing_there")
    result = voyant("generators")
    assert result.exit_code == 0, result.output
    assert "failed: ModuleNotFoundError" in result.stdout
    assert "Install 'nothing_there', or uninstall the plugin." in result.stdout


def test_variables_are_ignored_as_the_file_is(voyant, plugin, workplace, caplog, monkeypatch):
    (workplace / "voyant.toml").unlink()
    monkeypatch.setenv("VOYANT_GENERATORS__FORECAST__ENABLED", "0")
    assert voyant("plan", "--no-plugins").exit_code == 0
    assert "VOYANT_GENERATORS__FORECAST" in warning_in(caplog)


def test_it_is_said_once(voyant, plugin, caplog):
    for _ in range(2):
        assert voyant("plan", "--no-plugins").exit_code == 0
    warning_in(caplog)


def test_an_unknown_generator_is_an_error_where_every_plugin_is_loaded(voyant, plugin, workplace):
    (workplace / "voyant.toml").write_text("[generators.forcast]\norder = 65\n")
    result = voyant("plan")
    assert result.exit_code == 2
    assert "there is no generator 'forcast' (from voyant.toml)" in result.stderr
    assert "Did you mean 'forecast'?" in result.stderr


def test_options_of_what_is_there_are_checked_all_the_same(voyant, plugin, workplace):
    (workplace / "voyant.toml").write_text("[generators.charts]\nordr = 65\n")
    result = voyant("plan", "--no-plugins")
    assert result.exit_code == 2
    assert "Did you mean 'order'?" in result.stderr
