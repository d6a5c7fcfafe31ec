"""How does a test get a context: with a real engine and a real folder, or with canned answers?"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voyant.core.context import GeneratorContext

__all__ = ["FakeEngine", "job_context"]


@contextmanager
def job_context(
    folder: str | Path,
    sources: Mapping[str, object] | None = None,
    *,
    parameters: object | None = None,
    settings: object | None = None,
    services: Mapping[str, object] | None = None,
    **values: Any,  # noqa: ANN401 - a context's values
) -> Generator[GeneratorContext]:
    """Give a context as a run would, and close what it opened.

        with job_context(tmp_path, {"orders": "orders.csv"}) as ctx:
            artifacts = generate_my_artifact(ctx)

    Args:
        folder: Folder that the job's folder is made in.
        sources: Table name to path or data frame, opened by the real engine on first use.
        parameters: What the generator finds in `ctx.parameters`.
        settings: Any object with attributes; `Settings` for what it does not have.
        services: Given in place of the real ones: `{"engine": FakeEngine(...)}`.
        **values: Further keys of the context, `kpis=[...]`; `job_id` is `test` unless given.
    """
    given: dict[str, Any] = {"job_id": "test", "artifacts_root": str(folder), **values}
    if sources is not None:
        given["sources"] = dict(sources)
    ctx = GeneratorContext(given, settings=settings, services=services)
    ctx.parameters = parameters
    try:
        yield ctx
    finally:
        ctx.close()


class FakeEngine:
    """Answers an engine's questions with what it was told, and remembers what it was asked.

    >>> engine = FakeEngine(tables=("orders",), distinct_count=lambda table, columns: len(columns))
    >>> engine.tables(), engine.distinct_count("orders", ["id", "day"])
    (('orders',), 2)
    >>> engine.asked
    [('tables',), ('distinct_count', 'orders', ['id', 'day'])]
    """

    name = "fake 1"

    def __init__(self, **answers: object) -> None:
        """Take the answers.

        Args:
            **answers: For each method of `voyant.core.engine.Engine` that the generator uses, a
                function of its arguments, or for one whose answer is always the same, the answer.
        """
        self._answers = answers
        #: Each question, in order: the method's name and its positional arguments.
        self.asked: list[tuple[object, ...]] = []

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_") or method not in {*self._answers, "close", "interrupt"}:
            raise AttributeError(
                f"The fake engine was given no answer for {method!r}: FakeEngine({method}=...)."
            )
        answer = self._answers.get(method)

        def ask(*args: object, **named: object) -> object:
            self.asked.append((method, *args))
            return answer(*args, **named) if callable(answer) else answer

        return ask
