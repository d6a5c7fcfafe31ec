from __future__ import annotations

import importlib
import inspect
import sys
import threading
import types

import pytest

from voyant.core import plugin_registry as module
from voyant.core.errors import RegistrationError
from voyant.core.plugin_registry import (
    BUILTIN_GENERATORS,
    GeneratorContext,
    PluginRegistry,
    clear_registry,
    default_registry,
    get_generator,
    list_generators,
    load_builtin_generators,
    register,
    run_generators,
)


def names(registry: PluginRegistry) -> list[str]:
    return [definition.name for definition in registry.snapshot()]


def nothing(ctx):
    """Do nothing."""
    return {}


def without():
    return {}


def other(ctx):
    return {}


def test_register_has_the_specifications_signature() -> None:
    parameters = list(inspect.signature(register).parameters.values())
    assert [(p.name, p.default) for p in parameters[:5]] == [
        ("name", inspect.Parameter.empty),
        ("is_core", False),
        ("feature_flag", None),
        ("order", 100),
        ("description", ""),
    ]
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters[5:])
    assert list(inspect.signature(run_generators).parameters) == ["context", "settings"]
    assert inspect.signature(run_generators).parameters["settings"].default is None


def test_register_takes_its_parameters_by_position(registry) -> None:
    assert registry.register("mine", True, "enable_mine", 7, "Mine.")(nothing) is nothing
    definition = registry.get("mine")
    assert definition is not None
    assert definition.handler is nothing
    assert definition.is_core is True
    assert (definition.feature_flag, definition.order) == ("enable_mine", 7)
    assert definition.description == "Mine."


def test_the_metadata_is_listed_in_order(registry) -> None:
    registry.register("b", order=2)(nothing)
    registry.register("a", True, "enable_a", 1, "A.")(other)
    first, second = registry.describe()
    assert first.pop("source").startswith(f"{__name__}.other (")
    assert first == {
        "name": "a",
        "is_core": True,
        "feature_flag": "enable_a",
        "order": 1,
        "description": "A.",
        "requires": [],
        "produces": [],
        "timeout_seconds": None,
        "isolation": "none",
        "memory_limit_bytes": None,
        "plugin": None,
        "distribution": None,
        "version": None,
    }
    assert (second["name"], second["description"]) == ("b", "Do nothing.")


def test_a_list_is_the_callers_own(registry) -> None:
    registry.register("mine")(nothing)
    registry.describe()[0]["name"] = "changed"
    registry.describe().clear()
    assert names(registry) == ["mine"]


@pytest.mark.parametrize(
    "attempt",
    [
        lambda r: r.register("Bad Name")(nothing),
        lambda r: r.register("mine", order="first")(nothing),
        lambda r: r.register("mine")(without),
        lambda r: r.register("mine")(None),
        lambda r: r.register(nothing),
        lambda r: r.register("taken")(other),
        lambda r: r.register("taken", order=1)(nothing),
    ],
)
def test_a_refused_registration_changes_nothing(registry, attempt) -> None:
    registry.register("taken")(nothing)
    before = registry.snapshot()
    with pytest.raises(RegistrationError):
        attempt(registry)
    assert registry.snapshot() is before


def test_a_taken_name_names_both_places(registry) -> None:
    registry.register("mine")(nothing)
    with pytest.raises(RegistrationError, match=r"\.nothing \(.*\.other \(.*replace=True"):
        registry.register("mine")(other)


def test_other_parameters_for_the_same_function_are_an_error(registry) -> None:
    registry.register("mine")(nothing)
    with pytest.raises(RegistrationError, match="already registered, with other parameters"):
        registry.register("mine", order=1)(nothing)


def test_the_same_again_is_harmless(registry) -> None:
    registry.register("mine", order=3)(nothing)
    before = registry.snapshot()
    registry.register("mine", order=3)(nothing)
    assert registry.snapshot() is before


def test_replace_takes_a_name_over(registry) -> None:
    registry.register("mine")(nothing)
    registry.register("mine", order=1, replace=True)(other)
    assert registry.get("mine").handler is other
    assert names(registry) == ["mine"]


def test_one_function_under_two_names(registry) -> None:
    registry.register("a")(registry.register("b")(nothing))
    assert sorted(names(registry)) == ["a", "b"]


def test_an_unknown_generator_is_none(registry) -> None:
    assert registry.get("nobody") is None


def test_a_run_works_on_a_snapshot(registry) -> None:
    def grow(ctx):
        registry.register("late", order=999, replace=True)(nothing)
        registry.register("second", order=2, replace=True)(grow)
        return {}

    registry.register("first", order=1)(grow)
    registry.register("second", order=2)(nothing)
    assert [r.name for r in registry.run({}).results] == ["first", "second"]
    assert names(registry) == ["first", "second", "late"]


def test_a_generator_may_clear_the_registry_it_runs_in(registry) -> None:
    registry.register("first", order=1)(lambda ctx: registry.clear() or {})
    registry.register("second", order=2)(nothing)
    assert len(registry.run({}).results) == 2
    assert names(registry) == []


# ------------------------------------------------------------------------------------- built-ins


@pytest.fixture
def builtin_modules(monkeypatch, tmp_path):
    """Make a package of two built-ins that register into whatever registry is handed over."""
    package = tmp_path / "made_builtins"
    package.mkdir()
    (package / "__init__.py").write_text("registry = None\n", encoding="utf-8")
    for order, name in enumerate(("alpha", "beta"), start=1):
        (package / f"{name}.py").write_text(
            f"import made_builtins\n"
            f"@made_builtins.registry.register({name!r}, order={order})\n"
            f"def generate(ctx):\n    return {{{name!r}: 'x'}}\n",
            encoding="utf-8",
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    built = PluginRegistry(["made_builtins.alpha", "made_builtins.beta"])
    made = importlib.import_module("made_builtins")
    monkeypatch.setattr(made, "registry", built)
    yield built
    for name in [name for name in sys.modules if name.startswith("made_builtins")]:
        del sys.modules[name]


def test_builtins_are_there_on_first_use(builtin_modules) -> None:
    assert "made_builtins.alpha" not in sys.modules
    assert names(builtin_modules) == ["alpha", "beta"]
    assert builtin_modules.run({}).artifacts == {"alpha": "x", "beta": "x"}


@pytest.mark.parametrize("use", [names, PluginRegistry.describe, lambda r: r.get("alpha")])
def test_each_use_loads_them(builtin_modules, use) -> None:
    assert use(builtin_modules)
    assert "made_builtins.beta" in sys.modules


def test_others_do_not_keep_builtins_away(builtin_modules) -> None:
    builtin_modules.register("mine", order=0)(nothing)
    assert names(builtin_modules) == ["mine", "alpha", "beta"]


def test_clearing_forgets_them_and_loading_brings_them_back(builtin_modules) -> None:
    assert len(names(builtin_modules)) == 2
    builtin_modules.clear()
    assert names(builtin_modules) == []
    builtin_modules.register("mine", order=0)(nothing)
    assert names(builtin_modules) == ["mine"]
    builtin_modules.load_builtins()
    assert names(builtin_modules) == ["mine", "alpha", "beta"]
    builtin_modules.load_builtins()
    assert names(builtin_modules) == ["mine", "alpha", "beta"]


def test_importing_one_does_not_list_it_after_clearing(builtin_modules) -> None:
    builtin_modules.clear()
    importlib.import_module("made_builtins.alpha")
    assert names(builtin_modules) == []
    builtin_modules.load_builtins()
    assert names(builtin_modules) == ["alpha", "beta"]


@pytest.mark.parametrize("is_imported", [True, False])
def test_a_builtins_name_is_taken_from_the_start(builtin_modules, is_imported: bool) -> None:
    if is_imported:
        importlib.import_module("made_builtins.alpha")
    with pytest.raises(RegistrationError, match=r"called 'alpha'.*made_builtins\.alpha"):
        builtin_modules.register("alpha")(nothing)
    builtin_modules.register("alpha", replace=True)(nothing)
    builtin_modules.register("alpha")(nothing)
    assert builtin_modules.get("alpha").handler is nothing
    builtin_modules.load_builtins()
    assert builtin_modules.get("alpha").handler is nothing
    builtin_modules.clear()
    builtin_modules.load_builtins()
    assert builtin_modules.get("alpha").handler is not nothing


def test_a_builtins_name_is_free_after_clearing(builtin_modules) -> None:
    builtin_modules.clear()
    builtin_modules.register("alpha")(nothing)
    assert builtin_modules.get("alpha").handler is nothing


def test_a_builtin_that_cannot_be_imported_is_loud(builtin_modules) -> None:
    broken = PluginRegistry(["made_builtins.gamma"])
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="gamma"):
            broken.snapshot()


@pytest.mark.parametrize("use", [names, lambda r: r.load_builtins() or names(r)])
def test_loading_while_another_thread_imports_does_not_deadlock(
    builtin_modules, use, tmp_path, monkeypatch
) -> None:
    """One thread holds a module's import lock and wants the registry, the other the reverse."""
    importing, listing = threading.Event(), threading.Event()
    made = sys.modules["made_builtins"]
    monkeypatch.setattr(made, "importing", importing, raising=False)
    monkeypatch.setattr(made, "listing", listing, raising=False)
    path = tmp_path / "made_builtins" / "alpha.py"
    path.write_text(
        "import made_builtins\nmade_builtins.importing.set()\nmade_builtins.listing.wait(5)\n"
        + path.read_text(encoding="utf-8"),
        encoding="utf-8",
    )
    found: list[list[str]] = []

    def list_them() -> None:
        importing.wait(5)
        threading.Timer(0.05, listing.set).start()
        found.append(use(builtin_modules))

    threads = [
        threading.Thread(
            target=importlib.import_module, args=("made_builtins.alpha",), daemon=True
        ),
        threading.Thread(target=list_them, daemon=True),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [["alpha", "beta"]]


def test_threads_that_register_list_and_run_at_once(registry) -> None:
    """Every registration arrives once; every list and run sees a state that once was."""
    workers, each = 8, 50
    problems: list[str] = []
    start = threading.Barrier(workers + 2)

    def add(worker: int) -> None:
        start.wait()
        for number in range(each):
            registry.register(f"g{worker}_{number}", order=number)(nothing)

    def watch() -> None:
        start.wait()
        seen = 0
        while seen < workers * each and not problems:
            orders = [definition.order for definition in registry.snapshot()]
            if orders != sorted(orders) or len(orders) < seen:
                problems.append(f"{len(orders)} after {seen}")
            seen = len(orders)
            result = registry.run({})
            if len(result.results) < seen or not result.success:
                problems.append("a run lost a generator")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=add, args=(n,), daemon=True) for n in range(workers)]
        threads += [threading.Thread(target=watch, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert not problems
    assert len(names(registry)) == workers * each


def test_of_threads_that_want_one_name_one_gets_it(registry) -> None:
    start = threading.Barrier(8)
    won: list[object] = []
    lost: list[RegistrationError] = []

    def claim() -> None:
        def generate(ctx):
            return {}

        start.wait()
        try:
            won.append(registry.register("mine")(generate))
        except RegistrationError as error:
            lost.append(error)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(lost) == 7
    assert registry.get("mine").handler is won[0]


# ----------------------------------------------------------------------------- the default registry


def test_the_functions_speak_to_one_registry() -> None:
    clear_registry()
    assert list_generators() == []
    register("mine")(nothing)
    assert [entry["name"] for entry in list_generators()] == ["mine"]
    assert get_generator("mine") is default_registry.get("mine")
    assert get_generator("nobody") is None
    assert [r.name for r in run_generators({}).results] == ["mine"]


SPECIFIED = {
    "profile": (10, True, None),
    "kpi": (20, True, None),
    "sufficiency": (30, True, None),
    "quality": (40, False, "enable_quality"),
    "drift": (50, False, "enable_drift"),
    "charts": (60, False, "enable_charts"),
    "narrative": (70, False, "enable_narrative"),
}


def test_the_builtins_are_as_specified() -> None:
    clear_registry()
    load_builtin_generators()
    listed = {
        entry["name"]: (entry["order"], entry["is_core"], entry["feature_flag"])
        for entry in list_generators()
    }
    specified = {name: terms for name, terms in SPECIFIED.items() if name in BUILTIN_GENERATORS}
    assert {name: listed[name] for name in specified} == specified
    assert list(listed) == list(BUILTIN_GENERATORS)
    assert all(entry["description"] for entry in list_generators())


def test_the_builtins_run_in_the_order_they_are_named() -> None:
    assert [name for name in SPECIFIED if name in BUILTIN_GENERATORS] == [
        name for name in BUILTIN_GENERATORS if name in SPECIFIED
    ]


def test_everything_the_specification_names_is_importable() -> None:
    for name in [
        "register",
        "list_generators",
        "get_generator",
        "run_generators",
        "clear_registry",
        "GeneratorContext",
        "ArtifactResult",
        "GeneratorDefinition",
        "GeneratorResult",
        "PipelineResult",
    ]:
        assert name in module.__all__
    assert issubclass(GeneratorContext, dict)
    assert isinstance(module, types.ModuleType)
