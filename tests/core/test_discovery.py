"""Which plugins are there, and what became of loading each?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from voyant.core.discovery import API_VERSION, PluginPolicy, find_plugins
from voyant.core.plugin_registry import PluginRegistry, default_registry

GOOD = """
from voyant.core import plugin_registry
def generate(ctx):
    "Make a thing."
    return {"thing": "/thing"}
"""


@pytest.fixture(autouse=True)
def _own_modules(tmp_path: Path) -> Iterator[None]:
    """Forget the modules of the test's own folder, and no others: half a library is none."""
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def install(folder: Path, name: str, code: str, *, reference: str, declared: str = "") -> None:
    """Lay out what pip leaves of a package: a module and its metadata."""
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    info = folder / f"{name}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    lines = f"[voyant.generators]\n{name} = {reference}\n"
    if declared:
        lines += f"[voyant.generators.declared]\n{name} = {declared}\n"
    (info / "entry_points.txt").write_text(lines)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


CHOSEN = SimpleNamespace(plugins=True, plugin_path=" ", plugins_allow=[], plugins_deny=[])


def loaded(**policy: Any) -> tuple[PluginRegistry, dict[str, Any]]:
    registry = PluginRegistry(with_plugins=True)
    registry.register("kpi")(lambda ctx: {})
    plugins = registry.load_plugins(SimpleNamespace(**vars(CHOSEN) | policy))
    return registry, {plugin.origin.plugin: plugin for plugin in plugins}


def test_a_generator_behind_an_entry_point_is_registered_under_its_name(packages: Path) -> None:
    install(packages, "good", GOOD, reference="good:generate")
    registry, plugins = loaded()
    definition = registry.get("good")
    assert definition is not None
    assert definition.description == "Make a thing."
    assert str(definition.origin) == "good 1.2"
    assert (plugins["good"].status, plugins["good"].generators) == ("loaded", ("good",))


@pytest.mark.parametrize(
    ("code", "reference"),
    [
        ("def add(registry):\n    registry.register('made', order=5)(lambda ctx: {})", "made:add"),
        (
            """class Maker:
    def register(self, registry):
        registry.register('made', order=5)(lambda ctx: {})
maker = Maker()""",
            "made:maker",
        ),
    ],
)
def test_functions_of_a_registry_and_objects_that_register(
    packages: Path, code: str, reference: str
) -> None:
    install(packages, "made", code, reference=reference)
    registry, plugins = loaded()
    assert plugins["made"].generators == ("made",)
    definition = registry.get("made")
    assert definition is not None
    assert definition.order == 5


@pytest.mark.parametrize(
    ("code", "reference", "said", "remedy"),
    [
        (
            "import nothing_there",
            "bad",
            "No module named 'nothing_there'",
            "Install 'nothing_there'",
        ),
        ("import sys; sys.exit(3)", "bad", "SystemExit: 3", "plugins_deny"),
        ("def f(): pass", "bad:f", "cannot be called with one argument", "def generate(ctx)"),
        ("def f(a, b): pass", "bad:f", "cannot be called with one argument", "def generate(ctx)"),
        ("x = 3", "bad:x", "registers nothing", "Name a module"),
        ("x = 3", "bad:y", "has no attribute 'y'", "plugins_deny"),
        ("x = 3", "bad", "registered no generator", "@register"),
        ("VOYANT_API = 99", "bad", "needs version 99", "made for this Voyant"),
        ("VOYANT_API = 99\ndef f(ctx): pass", "bad:f", "needs version 99", "made for this Voyant"),
        ("raise BaseException('odd')", "bad", "BaseException: odd", "plugins_deny"),
        (
            "def f(registry):\n    registry.register('kpi')(lambda ctx: {})",
            "bad:f",
            "kpi",
            "replace",
        ),
    ],
)
def test_a_broken_plugin_is_reported_and_everything_else_is_there(
    packages: Path, code: str, reference: str, said: str, remedy: str
) -> None:
    install(packages, "bad", code, reference=reference)
    install(packages, "good", GOOD, reference="good:generate")
    registry, plugins = loaded()
    assert plugins["bad"].status == "failed"
    assert said in plugins["bad"].error
    assert remedy in plugins["bad"].remedy
    assert [found.name for found in registry.snapshot()] == ["kpi", "good"]


def test_a_plugin_that_fails_half_way_leaves_nothing_registered(packages: Path) -> None:
    code = """def f(registry):
    registry.register('half')(lambda ctx: {})
    raise ValueError('late')"""
    install(packages, "half", code, reference="half:f")
    registry, plugins = loaded()
    assert plugins["half"].status == "failed"
    assert registry.get("half") is None


def test_what_is_declared_is_known_without_an_import(packages: Path) -> None:
    code = "raise RuntimeError('imported')"
    install(packages, "told", code, reference="told:f", declared=f"order_75.core.api_{API_VERSION}")
    install(packages, "ancient", code, reference="ancient:f", declared="api_0")
    install(packages, "garbled", code, reference="garbled:f", declared="ordr_7")
    found = {p.origin.plugin: p for p in find_plugins(PluginPolicy(deny=["told"]))}
    told = found["told"]
    assert (told.status, told.order, told.is_core) == ("denied", 75, True)
    assert "needs version 0" in found["ancient"].error
    assert "'ordr_7'" in found["garbled"].error


def test_a_generator_that_is_registered_for_its_package_gets_what_that_declares(
    packages: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(packages, "bare", GOOD, reference="bare:generate", declared="order_75.core.api_1")
    install(packages, "part", GOOD, reference="part:generate", declared="order_5")
    registry, _ = loaded()
    terms = {d.name: (d.order, d.is_core) for d in registry.snapshot()}
    assert terms == {"part": (5, False), "bare": (75, True), "kpi": (100, False)}
    assert caplog.text == ""


@pytest.mark.parametrize("name", ["bare", "other"])
def test_a_generator_that_registers_itself_counts_more_than_what_is_declared(
    name: str, packages: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = f"def add(registry):\n    registry.register({name!r}, order=6)(lambda ctx: {{}})"
    install(packages, "bare", code, reference="bare:add", declared="order_75.core")
    registry, plugins = loaded()
    definition = registry.get(name)
    assert definition is not None
    assert (definition.order, definition.is_core) == (6, False)
    assert plugins["bare"].status == "loaded"
    assert [record.getMessage() for record in caplog.records] == [
        f"Plugin bare declares {said}, but its generator {name!r} registered itself with {done}, "
        "which is what counts. Change one of them."
        for said, done in (("order=75", "order=6"), ("is_core=True", "is_core=False"))
    ]


def test_what_is_declared_is_compared_with_the_generator_of_that_name(
    packages: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = """def add(registry):
    registry.register("one", order=7)(lambda ctx: {})
    registry.register("bare", order=75)(lambda ctx: {})"""
    install(packages, "bare", code, reference="bare:add", declared="order_75.extended")
    several = code.replace('"one"', '"two"').replace('"bare"', '"three"')
    install(packages, "many", several, reference="many:add", declared="order_3")
    _, plugins = loaded()
    assert {plugin.status for plugin in plugins.values()} == {"loaded"}
    assert caplog.text == ""


def test_allow_deny_and_off(packages: Path) -> None:
    for name in ("one", "two"):
        install(packages, name, GOOD, reference=f"{name}:generate")
    assert loaded(plugins=False)[1] == {}
    by_deny = loaded(plugins_deny=["one"])[1]
    assert (by_deny["one"].status, by_deny["two"].status) == ("denied", "loaded")
    by_allow = loaded(plugins_allow=["one"])[1]
    assert (by_allow["one"].status, by_allow["two"].status) == ("loaded", "denied")


def test_files_of_a_folder_are_plugins(tmp_path: Path) -> None:
    code = (
        "from voyant.core.plugin_registry import default_registry\n"
        "def add(registry):\n    pass\n"
        "import sys\n"
    )
    (tmp_path / "quits.py").write_text("raise SystemExit")
    (tmp_path / "_private.py").write_text("raise SystemExit")
    (tmp_path / "empty.py").write_text(code)
    _, plugins = loaded(plugin_path=str(tmp_path))
    assert {name: p.status for name, p in plugins.items()} == {"quits": "failed", "empty": "failed"}
    assert "registered no generator" in plugins["empty"].error


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    _, plugins = loaded(plugin_path=str(tmp_path / "gone"))
    assert "There is no folder" in plugins["gone"].error


def test_two_plugins_of_one_name(packages: Path, tmp_path: Path) -> None:
    install(packages, "twin", GOOD, reference="twin:generate")
    other = tmp_path / "files"
    other.mkdir()
    (other / "twin.py").write_text(GOOD)
    registry = PluginRegistry(with_plugins=True)
    settings = SimpleNamespace(
        plugins=True, plugin_path=str(other), plugins_allow=[], plugins_deny=[]
    )
    statuses = sorted(p.status for p in registry.load_plugins(settings))
    assert statuses == ["failed", "loaded"]


def test_plugins_are_loaded_once_and_not_after_clear(packages: Path) -> None:
    install(packages, "good", GOOD, reference="good:generate")
    registry, _ = loaded()
    assert registry.load_plugins(SimpleNamespace(plugins=False))[0].origin.plugin == "good"
    registry.clear()
    assert registry.snapshot() == ()
    assert registry.load_plugins(None) == ()


def test_a_plugin_that_another_one_imports_is_loaded_too(packages: Path) -> None:
    register = "from voyant.core.plugin_registry import default_registry as registry\n"
    code = register + "@registry.register('{0}')\ndef {0}(ctx):\n    return {{}}\n"
    install(packages, "aaa", "import zzz\n" + code.format("aaa"), reference="aaa")
    install(packages, "zzz", code.format("zzz"), reference="zzz")
    default_registry.clear()
    default_registry._plugins_are_due = True
    try:
        found = {plugin.origin.plugin: plugin for plugin in default_registry.load_plugins(CHOSEN)}
        definitions = {found.name: found for found in default_registry.snapshot()}
    finally:
        default_registry.clear()
        default_registry.load_builtins()
    assert found["zzz"].status == "loaded", found["zzz"].error
    assert found["zzz"].generators == ("zzz",)
    assert {name: str(found.origin) for name, found in definitions.items()} == {
        "aaa": "aaa 1.2",
        "zzz": "zzz 1.2",
    }


def test_a_plugin_cannot_clear_the_registry(packages: Path) -> None:
    code = "def add(registry):\n    registry.register('mine')(print)\n    registry.clear()\n"
    install(packages, "clearing", code, reference="clearing:add")
    registry, found = loaded()
    assert (found["clearing"].status, found["clearing"].error) == (
        "failed",
        "A plugin cannot clear the registry.",
    )
    assert [definition.name for definition in registry.snapshot()] == ["kpi"]


def test_what_another_thread_registers_meanwhile_is_not_the_plugins(packages: Path) -> None:
    """Neither its origin, nor lost when the plugin fails."""
    code = """
import threading
def add(registry):
    registry.register("mine")(lambda ctx: {})
    other = threading.Thread(target=lambda: registry.register("by_hand")(lambda ctx: {}))
    other.start()
    other.join()
    raise ValueError("no luck")
"""
    install(packages, "unlucky", code, reference="unlucky:add")
    registry, found = loaded()
    assert found["unlucky"].status == "failed"
    assert {d.name: d.origin for d in registry.snapshot()} == {"kpi": None, "by_hand": None}
