"""Random sequences of registrations, failures and flags, against a model that is a few dicts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from voyant.core.errors import RegistrationError
from voyant.core.plugin_registry import PluginRegistry

NAMES = ("a", "b", "c", "d")
#: One flag of our own that follows another, that other one, and one of a stranger.
FLAGS = ("enable_drift", "enable_quality", "enable_strange")
JOB = {"job_id": "j", "tenant_id": "t"}


async def later(value):
    return value


def without():
    return {}


def _raise(error: BaseException):
    raise error


#: What a generator may do, and whether that counts as success. Each returns a key of its own.
BEHAVIOURS = {
    "nothing": (lambda name: {}, True),
    "artifact": (lambda name: {name: "x"}, True),
    "path": (lambda name: {name: Path("x")}, True),
    "async": (lambda name: later({name: "x"}), True),
    "raise": (lambda name: _raise(ValueError("broken")), False),
    "silent": (lambda name: _raise(ValueError()), False),
    "exit": (lambda name: _raise(SystemExit(0)), False),
    "generator exit": (lambda name: _raise(GeneratorExit()), False),
    "memory": (lambda name: _raise(MemoryError()), False),
    "async raise": (lambda name: later(None), False),
    "none": (lambda name: None, False),
    "key": (lambda name: {name: "x", 1: "y"}, False),
    "path missing": (lambda name: {name: ""}, False),
}
#: Succeeds for the first that does it in a run, fails for the others.
SHARED = "shared key"


@dataclass
class Known:
    """What the model knows of a registered generator."""

    handler: object
    is_core: bool
    flag: str | None
    order: int
    behaviour: str
    arrival: int


def make_handler(name: str, behaviour: str):
    def generate(ctx):
        if behaviour == SHARED:
            return {"shared": "x"}
        return BEHAVIOURS[behaviour][0](name)

    return generate


class RegistryMachine(RuleBasedStateMachine):
    """`self.known` is the model; `self.registry` is what is tested."""

    @initialize()
    def start(self) -> None:
        self.registry = PluginRegistry()
        self.known: dict[str, Known] = {}
        self.arrivals = 0

    @rule(
        name=st.sampled_from(NAMES),
        is_core=st.booleans(),
        flag=st.none() | st.sampled_from(FLAGS),
        order=st.integers(-2, 2),
        behaviour=st.sampled_from([*BEHAVIOURS, SHARED]),
        replace=st.booleans(),
    )
    def register(self, name, is_core, flag, order, behaviour, replace) -> None:
        handler = make_handler(name, behaviour)
        decorate = self.registry.register(name, is_core, flag, order, replace=replace)
        if name in self.known and not replace:
            with pytest.raises(RegistrationError, match=f"Two generators are called '{name}'"):
                decorate(handler)
            return
        assert decorate(handler) is handler
        if name not in self.known:
            self.arrivals += 1
        arrival = self.known[name].arrival if name in self.known else self.arrivals
        self.known[name] = Known(handler, is_core, flag, order, behaviour, arrival)

    @rule(name=st.sampled_from(NAMES), is_changed=st.booleans())
    def register_again(self, name: str, is_changed: bool) -> None:
        known = self.known.get(name)
        if known is None:
            return
        order = known.order + is_changed
        decorate = self.registry.register(name, known.is_core, known.flag, order)
        if is_changed:
            with pytest.raises(RegistrationError, match="other parameters"):
                decorate(known.handler)
        else:
            decorate(known.handler)

    @rule(
        name=st.sampled_from(["", "A", "1", "a b", None, 3]),
        order=st.sampled_from([1, "1", 1.5, None]),
    )
    def register_nonsense(self, name, order) -> None:
        with pytest.raises(RegistrationError):
            self.registry.register(name, order=order)(lambda ctx: {})

    @rule(name=st.sampled_from(NAMES))
    def register_what_cannot_be_called(self, name: str) -> None:
        with pytest.raises(RegistrationError):
            self.registry.register(name, replace=True)(without)

    @rule()
    def clear(self) -> None:
        self.registry.clear()
        self.known = {}

    @rule()
    def load_builtins(self) -> None:
        self.registry.load_builtins()  # it has none, so nothing changes

    @invariant()
    def lists_what_the_model_knows(self) -> None:
        if not hasattr(self, "known"):
            return
        listed = [(e["name"], e["is_core"], e["feature_flag"], e["order"]) for e in self.listed()]
        assert listed == [(n, k.is_core, k.flag, k.order) for n, k in self.in_order()]
        for name in NAMES:
            definition = self.registry.get(name)
            expected = self.known[name].handler if name in self.known else None
            assert (definition.handler if definition else None) is expected

    def listed(self):
        return self.registry.describe()

    def in_order(self) -> list[tuple[str, Known]]:
        return sorted(self.known.items(), key=lambda item: (item[1].order, item[1].arrival))

    @rule(
        given=st.dictionaries(st.sampled_from(FLAGS), st.booleans()),
        environment=st.dictionaries(st.sampled_from(FLAGS), st.booleans()),
        dotenv=st.dictionaries(st.sampled_from(FLAGS), st.booleans()),
        file=st.dictionaries(st.sampled_from(FLAGS), st.booleans()),
        run=st.dictionaries(st.sampled_from(FLAGS), st.booleans()),
    )
    def run(self, given, environment, dotenv, file, run) -> None:
        sources = (given, environment, dotenv, file)
        before = Path.cwd()
        with TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                self.write_files(dotenv, file)
                words = {f"VOYANT_{f.upper()}": str(v).lower() for f, v in environment.items()}
                with patch.dict(os.environ, words):
                    result = self.registry.run({**JOB, "flags": run}, SimpleNamespace(**given))
            finally:
                os.chdir(before)
        self.check(result, sources, run)

    @staticmethod
    def write_files(dotenv: dict[str, bool], file: dict[str, bool]) -> None:
        lines = [f"VOYANT_{flag.upper()}={int(value)}" for flag, value in dotenv.items()]
        Path(".env").write_text("\n".join(lines), encoding="utf-8")
        own = [f"{f} = {str(v).lower()}" for f, v in file.items() if f != "enable_strange"]
        other = [f"{f} = {str(v).lower()}" for f, v in file.items() if f == "enable_strange"]
        Path("voyant.toml").write_text("\n".join([*own, "[flags]", *other]), encoding="utf-8")

    @staticmethod
    def is_on(flag: str | None, sources, run) -> bool:
        if flag is None:
            return True
        said = [source[flag] for source in sources if flag in source]
        follows = flag == "enable_drift" and not said
        if follows:
            said = [source["enable_quality"] for source in sources if "enable_quality" in source]
        word = run.get(flag, run.get("enable_quality", True) if follows else True)
        return (said[0] if said else True) and word

    def check(self, result, sources, run) -> None:
        artifacts: dict[str, str] = {}
        failed_core = None
        ran: list[tuple[str, bool]] = []
        skipped: list[str] = []
        for name, known in self.in_order():
            if failed_core is not None or not self.is_on(known.flag, sources, run):
                skipped.append(name)
                continue
            if known.behaviour == SHARED:
                success, own = "shared" not in artifacts, "shared"
            else:
                success, own = BEHAVIOURS[known.behaviour][1], name
            ran.append((name, success))
            if success and known.behaviour != "nothing":
                artifacts[own] = "x"
            if not success and known.is_core:
                failed_core = name
        assert [(r.name, r.success) for r in result.results] == ran
        assert list(result.skipped) == skipped
        assert all(result.skipped.values())
        assert result.artifacts == artifacts
        assert result.failed_core == failed_core
        assert result.success is (failed_core is None)
        assert {r.name for r in result.results} | set(result.skipped) == set(self.known)
        for outcome in result.results:
            assert bool(outcome.error) is not outcome.success
            assert bool(outcome.traceback) is not outcome.success
            assert outcome.success or not outcome.artifacts


TestRegistry = RegistryMachine.TestCase
