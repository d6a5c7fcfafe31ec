from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import functools
import logging
import os
import subprocess
import sys
import threading
from collections import UserDict
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import pytest

from voyant.core.context import GeneratorContext
from voyant.core.definition import PluginOrigin
from voyant.core.errors import ConfigurationError
from voyant.core.pipeline import Observer
from voyant.core.plugin_registry import PluginRegistry

JOB = {"job_id": "job_1", "tenant_id": "acme"}


def one(registry: PluginRegistry, handler, **terms):
    """Run one generator and return its result."""
    registry.register("mine", **terms)(handler)
    result = registry.run(JOB)
    assert [r.name for r in result.results] == ["mine"]
    return result.results[0]


def raising(error: BaseException):
    def generate(ctx):
        raise error

    return generate


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class StrangeExit(BaseException):
    """Neither an Exception nor one of Python's own."""


FAILURES = {
    "message": (ValueError("it broke"), "it broke"),
    "no message": (ValueError(), "ValueError"),
    "blank message": (ValueError("  "), "ValueError"),
    "key": (KeyError("orders"), "KeyError: 'orders'"),
    "exit": (SystemExit(3), "SystemExit: 3"),
    "exit without code": (SystemExit(), "SystemExit"),
    "generator exit": (GeneratorExit(), "GeneratorExit"),
    "memory": (MemoryError(), "MemoryError"),
    "recursion": (RecursionError("deep"), "deep"),
    "cancelled": (asyncio.CancelledError(), "CancelledError"),
    "stop": (StopIteration(), "StopIteration"),
    "unspeakable": (UnspeakableError(), "UnspeakableError"),
    "strange": (StrangeExit("odd"), "odd"),
    "group": (BaseExceptionGroup("both", [SystemExit(1)]), "both (1 sub-exception)"),
    "half a character": (ValueError("\ud800"), "\\ud800"),
}


@pytest.mark.parametrize(("error", "message"), FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("is_core", [True, False], ids=["core", "extended"])
def test_whatever_is_raised_is_a_result(registry, error, message: str, is_core: bool) -> None:
    registry.register("mine", is_core=is_core, order=1)(raising(error))
    registry.register("next", order=2)(lambda ctx: {"next": "n"})
    result = registry.run(JOB)
    failed = result.results[0]
    assert (failed.success, failed.error, failed.artifacts) == (False, message, {})
    assert failed.duration_ms >= 0
    assert failed.traceback is not None
    assert type(error).__name__ in failed.traceback
    assert "in generate" in failed.traceback or isinstance(error, UnspeakableError)
    if is_core:
        assert (result.success, result.failed_core) == (False, "mine")
        assert result.skipped == {"next": "core generator 'mine' failed before it"}
        assert result.artifacts == {}
    else:
        assert (result.success, result.failed_core) == (True, None)
        assert result.artifacts == {"next": "n"}
        assert result.skipped == {}


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        BaseExceptionGroup("both", [ValueError(), KeyboardInterrupt()]),
        BaseExceptionGroup("deep", [BaseExceptionGroup("deeper", [KeyboardInterrupt()])]),
    ],
)
def test_ctrl_c_passes_and_the_context_is_closed(registry, error, monkeypatch) -> None:
    closed: list[object] = []
    monkeypatch.setattr(GeneratorContext, "close", lambda self: closed.append(self["job_id"]))
    registry.register("mine")(raising(error))
    with pytest.raises(KeyboardInterrupt):
        registry.run(JOB)
    assert closed == ["job_1"]


class Key(StrEnum):
    PAGE = "page"


class TextPath:
    def __fspath__(self) -> str:
        return "from/fspath"


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ({}, {}),
        ({"a": "x"}, {"a": "x"}),
        ({"a": Path("x") / "y"}, {"a": os.path.join("x", "y")}),  # noqa: PTH118 - the oracle
        (MappingProxyType({"a": "x"}), {"a": "x"}),
        (UserDict({"a": "x"}), {"a": "x"}),
        ({Key.PAGE: Key.PAGE}, {"page": "page"}),
        ({"a": TextPath()}, {"a": "from/fspath"}),
    ],
)
def test_mappings_of_text_to_paths_are_artifacts(registry, returned, expected) -> None:
    result = one(registry, lambda ctx: returned)
    assert (result.success, result.error, result.artifacts) == (True, None, expected)
    assert all(type(k) is str and type(v) is str for k, v in result.artifacts.items())


class Weird(UserDict):
    def items(self):
        raise OSError("the mapping went away")


class Triples(UserDict):
    def items(self):
        return [(1, 2, 3)]


class BytesPath:
    def __fspath__(self) -> bytes:
        return b"x"


class NoRepr:
    def __repr__(self) -> str:
        raise RuntimeError("no picture")


def yielding(ctx):
    yield "a"


async def yielding_later(ctx):
    yield "a"


@pytest.mark.parametrize(
    ("returned", "match"),
    [
        (None, "returned NoneType, not a mapping"),
        ("x.json", "returned str, not a mapping"),
        ([("a", "x")], "returned list, not a mapping"),
        ({"": "x"}, "artifact key ''"),
        ({1: "x"}, "artifact key 1"),
        ({None: "x"}, "artifact key None"),
        ({"a": ""}, "'' for the artifact 'a'"),
        ({"a": None}, "None for the artifact 'a'"),
        ({"a": 1}, "1 for the artifact 'a'"),
        ({"a": b"x"}, "b'x' for the artifact 'a'"),
        ({"a": BytesPath()}, "b'x' for the artifact 'a'"),
        ({"ok": "x", "a": ["x"]}, "for the artifact 'a'"),
        (Weird(), "the mapping went away"),
        (Triples(), "too many values"),
        ({"a": NoRepr()}, "no picture"),
    ],
)
def test_anything_else_is_a_failure(registry, returned, match: str) -> None:
    result = one(registry, lambda ctx: returned)
    assert not result.success
    assert match in str(result.error)
    assert result.artifacts == {}


@pytest.mark.parametrize("handler", [yielding, yielding_later])
def test_a_python_generator_is_a_failure(registry, handler) -> None:
    assert "not a mapping" in str(one(registry, handler).error)


def test_an_artifact_key_belongs_to_who_made_it_first(registry) -> None:
    registry.register("first", order=1)(lambda ctx: {"page": "1"})
    registry.register("second", order=2)(lambda ctx: {"own": "2", "page": "2"})
    registry.register("third", order=3)(lambda ctx: {"own": "3"})
    result = registry.run(JOB)
    assert result.artifacts == {"page": "1", "own": "3"}
    assert [r.success for r in result.results] == [True, False, True]
    assert "'page', which belongs to the generator 'first'" in str(result.results[1].error)


def test_a_declared_key_cannot_be_taken_by_who_runs_first(registry) -> None:
    registry.register("thief", order=1)(lambda ctx: {"page": "1"})
    registry.register("second_thief", order=2, produces=("page",))(lambda ctx: {"other": "1"})
    registry.register("owner", order=3, is_core=True, produces=("page",))(lambda ctx: {"page": "3"})
    registry.register("off", order=4, feature_flag="enable_off", produces=("x",))(lambda ctx: {})
    registry.register("free", order=5)(lambda ctx: {"x": "5"})
    registry._definitions["second_thief"] = dataclasses.replace(
        registry._definitions["second_thief"], origin=PluginOrigin(plugin="p")
    )
    result = registry.run({**JOB, "flags": {"enable_off": False}})
    assert result.artifacts == {"other": "1", "page": "3", "x": "5"}
    assert "'page', which belongs to the generator 'owner'" in str(result.results[0].error)


def test_who_fails_gives_up_what_it_declared(registry) -> None:
    registry.register("best", order=1, produces=("page",))(raising(ValueError("no")))
    registry.register("fallback", order=2)(lambda ctx: {"page": "2"})
    assert registry.run(JOB).artifacts == {"page": "2"}


async def asynchronous(ctx):
    await asyncio.sleep(0)
    return {"a": "x"}


async def never_done(ctx):
    await asyncio.sleep(1000)


def test_an_async_generator_is_cancelled_at_its_deadline(registry) -> None:
    before = set(threading.enumerate())
    error = str(one(registry, never_done, timeout_seconds=0.2).error)
    assert "was stopped at its time limit of 0.2 s" in error
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive(), thread.name


def test_one_that_shields_itself_goes_on(registry) -> None:
    release = threading.Event()

    async def stubborn(ctx):
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)
        return {}

    error = str(one(registry, stubborn, timeout_seconds=0.1).error)
    release.set()
    assert "goes on in the background" in error


@pytest.mark.parametrize("terms", [{}, {"timeout_seconds": 60}])
def test_a_generator_that_runs_itself_does_not_go_on_for_ever(registry, terms) -> None:
    calls = []

    def generate(ctx):
        calls.append(1)
        inner = registry.run(ctx)
        assert inner.results[0].error is None, inner.results[0].error
        return {}

    error = str(one(registry, generate, **terms).error)
    assert "8 runs are going on inside of one another" in error
    assert len(calls) == 8


def test_a_generator_may_run_others(registry) -> None:
    inner = PluginRegistry()
    inner.register("inner")(lambda ctx: {"a": ctx.job_id})
    assert one(registry, lambda ctx: inner.run(ctx).artifacts).artifacts == {"a": "job_1"}


class AsyncObject:
    async def __call__(self, ctx):  # noqa: ARG002 - takes it, as a generator must
        return {"a": "x"}


@pytest.mark.parametrize("handler", [asynchronous, AsyncObject(), functools.partial(asynchronous)])
def test_async_generators_are_awaited(registry, handler) -> None:
    assert one(registry, handler).artifacts == {"a": "x"}


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def test_async_generators_run_where_a_loop_already_runs(registry) -> None:
    async def generate(ctx):
        await asyncio.sleep(0)
        return {"a": variable.get()}

    async def fail(ctx):
        raise LookupError("lost")

    registry.register("mine")(generate)
    registry.register("failing")(fail)

    async def main():
        variable.set("seen")
        return registry.run(JOB)

    result = asyncio.run(main())
    assert result.artifacts == {"a": "seen"}
    assert result.results[1].error == "lost"


def test_handlers_of_every_kind_run(registry) -> None:
    class Counter:
        def __init__(self) -> None:
            self.calls = 0

        def generate(self, ctx):  # noqa: ARG002 - the same
            self.calls += 1
            return {"method": "m"}

    class Artifacts(dict):
        def __init__(self, ctx) -> None:
            super().__init__({"class": ctx["job_id"]})

    counter = Counter()
    registry.register("method")(counter.generate)
    registry.register("a_class")(Artifacts)
    registry.register("builtin")(dict)  # the context itself: lists are no paths
    result = registry.run(JOB | {"tables": []})
    assert counter.calls == 1
    assert result.artifacts == {"method": "m", "class": "job_1"}
    assert "for the artifact 'tables'" in str(result.results[2].error)


def test_the_callers_context_is_not_changed(registry) -> None:
    def spoil(ctx):
        ctx["tables"].append("more")
        ctx["kpis"][0].clear()
        ctx.clear()
        return {}

    given = {**JOB, "tables": ["orders"], "kpis": [{"name": "a"}], "flags": {}}
    registry.register("mine")(spoil)
    assert registry.run(given).success
    assert given == {**JOB, "tables": ["orders"], "kpis": [{"name": "a"}], "flags": {}}


def test_a_generator_sees_earlier_artifacts_but_cannot_change_them(registry) -> None:
    def meddle(ctx):
        assert dict(ctx.artifacts) == {"first": "f"}
        ctx.artifacts["first"] = "mine"

    registry.register("first", order=1)(lambda ctx: {"first": "f"})
    registry.register("second", order=2)(meddle)
    result = registry.run(JOB)
    assert result.artifacts == {"first": "f"}
    assert "does not support item assignment" in str(result.results[1].error)


def test_order_then_registration(registry) -> None:
    ran: list[str] = []
    for name, order in [("c", 100), ("a", 100), ("z", -1), ("b", 100), ("y", 10)]:
        registry.register(name, order=order)(lambda ctx, name=name: ran.append(name) or {})
    registry.run(JOB)
    assert ran == ["z", "y", "c", "a", "b"]


def test_skipped_says_why_for_each(registry) -> None:
    registry.register("off", feature_flag="enable_off", order=1)(lambda ctx: {})
    registry.register("unwanted", order=2)(lambda ctx: {})
    registry.register("breaks", is_core=True, order=3)(raising(ValueError("x")))
    registry.register("late_off", feature_flag="enable_off", order=4)(lambda ctx: {})
    registry.register("late", order=5)(lambda ctx: {})
    result = registry.run(JOB, SimpleNamespace(enable_off=False), skip=["unwanted"])
    assert result.skipped == {
        "off": "enable_off is off (settings)",
        "unwanted": "not asked for in this run",
        "late_off": "enable_off is off (settings)",
        "late": "core generator 'breaks' failed before it",
    }
    assert [r.name for r in result.results] == ["breaks"]
    assert set(result.gates) == {"off", "late_off"}
    assert result.gates["off"].source == "settings"


def test_only_and_skip(registry) -> None:
    for name in "abc":
        registry.register(name)(lambda ctx: {})

    def ran(**choice) -> list[str]:
        return [r.name for r in registry.run(JOB, **choice).results]

    assert ran(only=["c", "a"]) == ["a", "c"]
    assert ran(skip=["b"]) == ["a", "c"]
    assert ran(only=["a", "b"], skip=["b"]) == ["a"]
    for choice in ({"only": ["x"]}, {"skip": ["x"]}):
        with pytest.raises(ConfigurationError, match=r"no generator 'x'\. Known: a, b, c"):
            registry.run(JOB, **choice)


def test_an_unclear_flag_stops_the_run_before_anything_ran(registry, monkeypatch) -> None:
    ran: list[int] = []
    registry.register("first", order=1)(lambda ctx: ran.append(1) or {})
    registry.register("second", order=2, feature_flag="enable_second")(lambda ctx: {})
    monkeypatch.setenv("VOYANT_ENABLE_SECOND", "perhaps")
    with pytest.raises(ConfigurationError, match="enable_second"):
        registry.run(JOB)
    assert ran == []


def test_one_log_line_per_generator_with_job_and_tenant(registry, caplog) -> None:
    registry.register("good", order=1)(lambda ctx: {})
    registry.register("bad", order=2)(raising(ValueError("two\nlines")))
    registry.register("off", order=3, feature_flag="enable_off")(lambda ctx: {})
    with caplog.at_level(logging.INFO, "voyant"):
        registry.run({"job_id": "j\n1", "tenant_id": "acme"}, SimpleNamespace(enable_off=0))
    assert {record.name for record in caplog.records} == {"voyant.pipeline"}
    good, bad, off = [record.getMessage() for record in caplog.records]
    assert good.startswith("good ok in ")
    assert bad.startswith("bad failed in ")
    assert bad.endswith(": two lines job=j 1 tenant=acme")
    assert off == "off skipped: enable_off is off (settings) job=j 1 tenant=acme"
    assert [r.levelname for r in caplog.records] == ["INFO", "ERROR", "INFO"]
    assert "ValueError" in caplog.records[1].voyant_traceback


def test_a_job_that_cannot_be_named_is_still_logged(registry, caplog) -> None:
    registry.register("mine")(lambda ctx: {})
    with caplog.at_level(logging.INFO, "voyant"):
        assert registry.run({"job_id": UnspeakableError()}).success
    assert caplog.messages[0].endswith("job= tenant=-")


class Recorder(Observer):
    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def run_started(self, plan, context) -> None:
        self.events.append(("started", len(plan.steps), context["job_id"]))

    def generator_started(self, definition) -> None:
        self.events.append(("start", definition.name))

    def generator_finished(self, definition, result) -> None:
        self.events.append(("finish", definition.name, result.success))

    def generator_skipped(self, definition, reason) -> None:
        self.events.append(("skip", definition.name, reason))

    def run_finished(self, result) -> None:
        self.events.append(("finished", result.success))


class Broken(Observer):
    def generator_started(self, definition) -> None:  # noqa: ARG002 - as inherited
        raise RuntimeError("observer broke")

    def generator_finished(self, definition, result) -> None:  # noqa: ARG002 - as inherited
        raise SystemExit("observer left")


def test_observers_are_told_and_cannot_break_the_run(registry, caplog) -> None:
    registry.register("good", order=1)(lambda ctx: {})
    registry.register("bad", order=2, is_core=True)(raising(ValueError()))
    registry.register("late", order=3)(lambda ctx: {})
    recorder = Recorder()
    result = registry.run(JOB, observers=[Broken(), Observer(), recorder])
    assert recorder.events == [
        ("started", 3, "job_1"),
        ("start", "good"),
        ("finish", "good", True),
        ("start", "bad"),
        ("finish", "bad", False),
        ("skip", "late", "core generator 'bad' failed before it"),
        ("finished", False),
    ]
    assert len(result.results) == 2
    assert "observer broke" in caplog.text
    assert "observer left" in caplog.text


def test_the_jobs_folder_is_there_when_a_generator_opens_a_file(registry, tmp_path: Path) -> None:
    def generate(ctx):
        path = f"{ctx['artifacts_root']}/{ctx['job_id']}/x.txt"
        Path(path).write_text("x", encoding="utf-8")
        return {"x": path}

    registry.register("mine")(generate)
    result = registry.run({**JOB, "artifacts_root": str(tmp_path / "out")})
    assert result.results[0].error is None
    assert (tmp_path / "out" / "job_1" / "x.txt").is_file()


def test_ctrl_c_really_pressed_ends_the_run() -> None:
    script = """
import os, signal, time
from voyant.core.plugin_registry import PluginRegistry
registry = PluginRegistry()
def generate(ctx):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(30)
registry.register("mine")(generate)
try:
    registry.run({"job_id": "j"})
except KeyboardInterrupt:
    print("passed")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=25
    )
    assert done.stdout.strip() == "passed"


def test_a_generator_is_told_what_became_of_those_before_it():
    registry, seen = PluginRegistry(), []
    registry.register("works", order=1, description="Works.")(lambda ctx: {"a": "a.json"})
    registry.register("breaks", order=2, description="Breaks.")(raising(ValueError("it broke")))
    registry.register("gated", order=3, description="Gated.", feature_flag="enable_x")(lambda _: {})
    registry.register("last", order=4)(lambda ctx: seen.extend(ctx.steps) or {})
    registry.register("after", order=5)(lambda _: {})
    registry.run({**JOB, "flags": {"enable_x": False}})
    assert [(step.name, step.description, step.status) for step in seen] == [
        ("works", "Works.", "ok"),
        ("breaks", "Breaks.", "failed"),
        ("gated", "Gated.", "skipped"),
    ]
    assert [step.artifacts for step in seen] == [("a.json",), (), ()]
    assert [step.reason for step in seen] == ["", "it broke", "enable_x is off (run flags)"]
    assert [step.gate and step.gate.flag for step in seen] == [None, None, "enable_x"]
    with pytest.raises(AttributeError):
        seen[0].status = "failed"
