"""What does the registry cost per generator, to register and to run, beside pluggy and Hamilton?

All contenders do nothing a thousand times; what is left is their own overhead. They take turns in
one child process, so that its imports do not weigh on the other cases' memory figures.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Goal, Options, Report, Row, summarise

STEPS = 1_000


def microseconds_per_step(action: Callable[[], object]) -> float:
    """Time one call of something that takes STEPS steps."""
    gc.collect()
    gc.disable()
    started = time.perf_counter()
    action()
    taken = time.perf_counter() - started
    gc.enable()
    return taken / STEPS * 1e6


def bare_loop() -> tuple[float, float]:
    """Give the cost of a list of functions, called with a clock around each and a try."""

    def make(number: int) -> Callable[[dict[str, object]], dict[str, str]]:
        def step(context: dict[str, object]) -> dict[str, str]:
            del context
            return {}

        step.__name__ = f"step_{number}"
        return step

    functions = [make(number) for number in range(STEPS)]
    registered: list[Callable[[dict[str, object]], dict[str, str]]] = []
    context: dict[str, object] = {}

    def fill() -> None:
        for function in functions:
            registered.append(function)  # noqa: PERF402 -- one at a time is what is timed

    def loop() -> None:
        results: list[tuple[float, dict[str, str] | None]] = []
        for function in registered:
            started = time.perf_counter()
            try:
                outcome = function(context)
            except Exception:  # noqa: BLE001 -- as an isolating loop would
                outcome = None
            results.append((time.perf_counter() - started, outcome))

    return microseconds_per_step(fill), microseconds_per_step(loop)


def voyant() -> tuple[float, float]:
    """Register and run no-op generators."""
    from voyant.core.plugin_registry import (
        GeneratorContext,
        clear_registry,
        register,
        run_generators,
    )

    def make() -> Callable[[GeneratorContext], dict[str, str]]:
        def step(context: GeneratorContext) -> dict[str, str]:
            """Do nothing."""
            del context
            return {}

        return step

    clear_registry()
    steps = [(f"step_{number}", make()) for number in range(STEPS)]

    def fill() -> None:
        for name, step in steps:
            register(name)(step)

    registering = microseconds_per_step(fill)
    with tempfile.TemporaryDirectory() as folder:
        context = {
            "job_id": "bench",
            "tenant_id": "bench",
            "artifacts_root": folder,
            "tables": [],
            "kpis": [],
            "flags": {},
        }
        outcome: list[object] = []
        running = microseconds_per_step(lambda: outcome.append(run_generators(context)))
    results = getattr(outcome[0], "results", [])
    if len(results) != STEPS or not all(result.success for result in results):
        raise RuntimeError(f"{len(results)} of {STEPS} generators ran.")
    return registering, running


def pluggy() -> tuple[float, float]:
    """Register plugins with one hook each, and call the hook."""
    import pluggy as library

    specification = library.HookspecMarker("bench")
    implementation = library.HookimplMarker("bench")

    class Specification:
        @specification
        def step(self, context: dict[str, object]) -> dict[str, str]:  # type: ignore[empty-body]  # a hook specification has no body
            """Do nothing."""

    class Plugin:
        @implementation
        def step(self, context: dict[str, object]) -> dict[str, str]:
            del context
            return {}

    manager = library.PluginManager("bench")
    manager.add_hookspecs(Specification)
    plugins = [Plugin() for _ in range(STEPS)]

    def fill() -> None:
        for plugin in plugins:
            manager.register(plugin)

    registering = microseconds_per_step(fill)
    return registering, microseconds_per_step(lambda: manager.hook.step(context={}))


def hamilton() -> tuple[float, float]:
    """Build a driver of independent nodes, and execute them all."""
    from hamilton import ad_hoc_utils, base, driver  # pyright: ignore[reportMissingImports]

    def make(number: int) -> Callable[[], dict]:  # type: ignore[type-arg]  # Hamilton reads the annotation
        def step() -> dict:  # type: ignore[type-arg]  # the same
            return {}

        step.__name__ = f"step_{number}"
        return step

    functions = [make(number) for number in range(STEPS)]
    names = [function.__name__ for function in functions]
    built: list[Any] = []

    def build() -> None:
        module = ad_hoc_utils.create_temporary_module(*functions)
        adapter = base.DefaultAdapter()
        built.append(driver.Builder().with_modules(module).with_adapters(adapter).build())

    registering = microseconds_per_step(build)
    return registering, microseconds_per_step(lambda: built[0].execute(names))


CONTENDERS: dict[str, Callable[[], tuple[float, float]]] = {
    "bare loop": bare_loop,
    "voyant": voyant,
    "pluggy": pluggy,
    "Hamilton": hamilton,
}


def measure(runs: int) -> dict[str, list[tuple[float, float]]]:
    """Let the contenders take turns; the first round is a warm-up."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTENDERS}
    for number in range(runs + 1):
        for name, contender in CONTENDERS.items():
            figures = contender()
            if number:
                taken[name].append(figures)
    return taken


def run(options: Options) -> list[Report]:
    """Measure in a child process and report registering and running apart."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), str(options.runs)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    taken: dict[str, list[list[float]]] = json.loads(done.stdout)

    def rows(which: int) -> list[Row]:
        return [summarise(name, [one[which] for one in runs]) for name, runs in taken.items()]

    registering, running = rows(0), rows(1)
    loop, ours = running[0], running[1]
    return [
        Report(
            case=f"registry: run {STEPS:,} no-op steps",
            unit="microseconds per step",
            rows=running,
            goals=[
                Goal(
                    text="microseconds over a bare loop", measured=ours.value - loop.value, limit=5
                )
            ],
        ),
        Report(
            case=f"registry: register {STEPS:,} steps",
            unit="microseconds per step",
            rows=registering,
            goals=[
                Goal(text="microseconds to register one", measured=registering[1].value, limit=10)
            ],
        ),
    ]


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
