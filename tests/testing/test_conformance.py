"""Our own generators keep the laws, and for each law a generator that breaks it is caught."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from voyant.core.plugin_registry import BUILTIN_GENERATORS, PluginRegistry, default_registry
from voyant.testing import AWKWARD_TABLES, Report, check_generator
from voyant.testing.conformance import LAWS


def handler_of(name):
    importlib.import_module(f"voyant.generators.{name}")
    return next(d.handler for d in default_registry.snapshot() if d.name == name)


@pytest.mark.parametrize("name", BUILTIN_GENERATORS)
def test_our_generators_keep_the_laws(name):
    # 300 columns cost seconds of the engine's time, the same ones for every generator.
    tables = [table for table in AWKWARD_TABLES if name == "profile" or table != "wide"]
    report = check_generator(handler_of(name), tables=tables)
    assert report.ok, str(report)
    assert set(report.errors) <= {"no tables"}  # an empty warehouse is a mistake, and said to be
    assert len(report.jobs) == len(tables) + 3


def good(ctx):
    """Count the rows of each table."""
    counts = {name: ctx.summary(name).row_count for name in ctx.tables}
    return {"counts": ctx.write_json("counts.json", counts)}


def check(generator, **options):
    return check_generator(generator, tables=["one_row"], **options)


def test_a_good_generator_keeps_all_laws():
    report = check_generator(good, tables=["empty", "orders"])
    assert report.ok, str(report)
    assert set(report.errors) == {"no tables"}
    assert str(report) == "Kept all laws in 5 jobs."


async def patient(ctx):
    return good(ctx)


def test_an_async_generator_is_waited_for():
    assert check(patient).ok


def no_arguments():
    return {}


def crashes(ctx):
    return {}["x"]


def exits(ctx):
    sys.exit(0)


def says_nothing(ctx):
    raise ValueError


def returns_a_list(ctx):
    return [ctx.write_json("a.json", 1)]


def returns_a_number(ctx):
    return {"a": 7}


def returns_a_nameless_one(ctx):
    return {"": ctx.write_json("a.json", 1)}


def has_no_file(ctx):
    return {"a": ctx.folder / "gone.json"}


def gives_the_input(ctx):
    return {"a": __file__}


def writes_nan(ctx):
    return {"a": ctx.write_text("a.json", '{"x": NaN}')}


def writes_half(ctx):
    return {"a": ctx.write_text("a.json", '{"x": ')}


def page_of(body):
    def generate(ctx):
        return {"page": ctx.write_text("a.html", f"<!doctype html><body>{body}")}

    return generate


def forgets_to_escape(ctx):
    names = [column.name for table in ctx.tables for column in ctx.engine.columns(table)]
    return {"page": ctx.write_text("a.html", "".join(f"<p>{name}</p>" for name in names))}


def varies(ctx):
    return {"a": ctx.write_json("a.json", time.perf_counter_ns())}


def varies_in_keys(ctx):
    return {f"a{time.perf_counter_ns()}": ctx.write_json("a.json", 1)}


def changes_the_context(ctx):
    ctx["flags"] = {"x": False}
    return {}


def changes_a_list_in_the_context(ctx):
    ctx["tables"].append("x")
    return {}


def writes_beside(ctx):
    Path("here.txt").write_text("x")
    return {}


def writes_into_the_root(ctx):
    (ctx.folder.parent / "x.txt").write_text("x")
    return {}


def writes_with_a_descriptor(ctx):
    os.close(os.open("x.txt", os.O_CREAT | os.O_WRONLY))
    Path("x.txt").unlink()
    return {}


def moves(ctx):
    os.chdir("/")
    return {}


def sets_a_variable(ctx):
    os.environ["X_VOYANT_TEST"] = str(time.perf_counter_ns())
    return {}


def logs_everything(ctx):
    logging.getLogger().setLevel(1 + logging.getLogger().level)
    return {}


def silences_warnings(ctx):
    warnings.simplefilter("always")
    return {}


def leaves_a_thread(ctx):
    threading.Thread(target=time.sleep, args=(0.5,)).start()
    return {}


def prints(ctx):
    print("working ...")  # noqa: T201 - what is to be caught
    return {}


def prints_from_c(ctx):
    os.write(1, b"working ...")
    return {}


def needs_a_tenant(ctx):
    return {"a": ctx.write_json("a.json", {"tenant": dict.__getitem__(ctx, "tenant_id")})}


BREAKERS = [
    ("signature", no_arguments),
    ("completes", crashes),
    ("completes", exits),
    ("message", says_nothing),
    ("returns", returns_a_list),
    ("returns", returns_a_number),
    ("returns", returns_a_nameless_one),
    ("files", has_no_file),
    ("files", gives_the_input),
    ("json", writes_nan),
    ("json", writes_half),
    ("page", page_of('<script src="https://cdn.example/x.js"></script>')),
    ("page", page_of('<img src="//cdn.example/x.png">')),
    ("page", page_of('<a href="javascript:x()">x</a>')),
    ("page", page_of('<p onclick="x()">x</p>')),
    ("page", page_of("<style>p { background: url(https://cdn.example/x) }</style>")),
    ("page", page_of('<link rel="stylesheet" href="style.css">')),
    ("page", page_of('<iframe srcdoc="x"></iframe>')),
    ("same bytes", varies),
    ("same bytes", varies_in_keys),
    ("context", changes_the_context),
    ("context", changes_a_list_in_the_context),
    ("folder", writes_beside),
    ("folder", writes_into_the_root),
    ("folder", writes_with_a_descriptor),
    ("state", moves),
    ("state", sets_a_variable),
    ("state", logs_everything),
    ("state", silences_warnings),
    ("state", leaves_a_thread),
    ("quiet", prints),
    ("quiet", prints_from_c),
    ("optional keys", needs_a_tenant),
]


@pytest.fixture
def _as_it_was(monkeypatch):
    level = logging.root.level
    monkeypatch.setenv("X_VOYANT_TEST", "")
    with warnings.catch_warnings():
        yield
    logging.root.setLevel(level)


@pytest.mark.usefixtures("_as_it_was")
@pytest.mark.parametrize(("law", "generator"), BREAKERS)
def test_who_breaks_a_law_is_caught(law, generator):
    report = check(generator)
    assert not report.ok
    others = {"completes"} if law == "message" else set()
    assert {breach.law for breach in report.broken} <= {law} | others
    assert law in {breach.law for breach in report.broken}
    assert law in str(report)


def test_a_page_that_forgets_to_escape_is_caught():
    hostile = next(name for name in AWKWARD_TABLES if "<" in name)
    report = check_generator(forgets_to_escape, tables=[hostile])
    assert any("not escaped" in breach.message for breach in report.broken)


def test_a_page_that_is_whole_in_itself_is_fine():
    body = '<a href="#x">x</a><a href="profile.html">p</a><img src="data:image/png;base64,AA==">'
    assert check(page_of(body + "<svg xmlns='http://www.w3.org/2000/svg'></svg>")).ok


def test_one_that_takes_too_long_ends_the_check():
    done = threading.Event()
    report = check(lambda ctx: done.wait() and {}, timeout_seconds=0.05)
    done.set()
    assert [(breach.law, breach.job) for breach in report.broken] == [("time", "one_row")]


def test_every_law_has_somebody_who_breaks_it():
    assert {law for law, _ in BREAKERS} | {"time"} == set(LAWS)


def test_errors_can_be_allowed():
    report = check(crashes, allowed_errors=(KeyError,))
    assert report.ok
    assert report.errors["one_row"] == "'x'"


@dataclass
class Parameters:
    limit: int = 3


def test_registered_parameters_are_found(monkeypatch):
    registry = PluginRegistry()
    monkeypatch.setattr("voyant.testing.conformance.default_registry", registry)
    seen = []

    @registry.register("limited", parameters=Parameters)
    def limited(ctx):
        seen.append(ctx.parameters)
        return {}

    assert check(limited).ok
    assert set(map(str, seen)) == {"Parameters(limit=3)"}
    seen.clear()
    assert check(limited, parameters=Parameters(limit=9)).ok
    assert {given.limit for given in seen} == {9}


def test_earlier_generators_can_run_before_it():
    def copies(ctx):
        return {"copy": ctx.write_json("copy.json", ctx.read_json("counts"))}

    assert check(copies, before=[good]).ok
    assert not check(copies, allowed_errors=()).ok


def test_scratch_files_elsewhere_are_fine(tmp_path, monkeypatch):
    import tempfile

    def scratches(ctx):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x")
        return {"a": ctx.write_json("a.json", json.loads("[1]"))}

    assert check(scratches).ok


def test_where_it_stood_before_is_where_it_stands_after():
    before = Path.cwd()
    check(moves)
    assert Path.cwd() == before


def test_a_report_says_the_same_breach_once():
    report = check_generator(prints, tables=["one_row", "empty"])
    assert len(report.broken) > 2
    assert str(report).count("working") == 1
    assert isinstance(report, Report)
