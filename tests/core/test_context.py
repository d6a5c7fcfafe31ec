from __future__ import annotations

import json
import logging
import threading
from collections import UserDict
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import pytest

from voyant.core import context as module
from voyant.core.context import GeneratorContext
from voyant.core.errors import ConfigurationError, ContextError


class Writer:
    """The least a writer must do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: dict[str, object] = {}

    def write_bytes(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return str(self.folder / name)

    def write_json(self, name: str, value: object) -> str:
        return self.write_bytes(name, json.dumps(value).encode())

    def note(self, name: str, value: object) -> None:
        self.notes[name] = value


FULL = {
    "job_id": "job_123",
    "tenant_id": "acme",
    "artifacts_root": "out",
    "tables": ["orders"],
    "kpis": [{"name": "revenue", "sql": "SELECT 1"}],
    "flags": {"enable_charts": False},
}


@pytest.mark.parametrize("make", [dict, UserDict, MappingProxyType, GeneratorContext])
def test_any_mapping_becomes_a_dict_with_the_six_keys(make) -> None:
    ctx = GeneratorContext(make(FULL))
    assert isinstance(ctx, dict)
    assert ctx == FULL
    assert f"{ctx['artifacts_root']}/{ctx['job_id']}" == "out/job_123"
    assert (ctx.job_id, ctx.tenant_id, ctx.artifacts_root) == ("job_123", "acme", Path("out"))
    assert ctx.kpis == FULL["kpis"]
    assert ctx.flags == {"enable_charts": False}


def test_what_is_changed_here_is_not_changed_for_the_caller() -> None:
    given = json.loads(json.dumps(FULL))
    ctx = GeneratorContext(given)
    ctx["tables"].append("lines")
    ctx["kpis"][0]["sql"] = "SELECT 2"
    ctx["flags"].clear()
    ctx["new"] = 1
    assert given == FULL


def test_a_missing_key_is_legal_until_it_is_used() -> None:
    ctx = GeneratorContext({"job": "x"})
    assert ctx.get("job_id") is None
    assert "job_id" not in ctx
    with pytest.raises(
        ContextError, match=r"no 'job_id'.*Pass it to run_generators.*'job_id'|'job'"
    ):
        _ = ctx["job_id"]
    with pytest.raises(KeyError):
        _ = ctx.job_id
    assert ctx.flags == {}


def test_what_the_caller_left_out_comes_from_the_settings(monkeypatch) -> None:
    monkeypatch.setenv("VOYANT_ARTIFACTS_ROOT", "elsewhere")
    ctx = GeneratorContext({}, settings=SimpleNamespace(tenant_id="theirs", kpis=[{"name": "a"}]))
    assert ctx.tenant_id == "theirs"
    assert ctx.kpis == [{"name": "a"}]
    assert ctx.artifacts_root == Path("elsewhere")
    assert ctx.setting("query_max_rows") == 1_000


def test_an_empty_list_of_kpis_is_an_answer() -> None:
    ctx = GeneratorContext({"kpis": []}, settings=SimpleNamespace(kpis=[{"name": "a"}]))
    assert ctx.kpis == []


def test_a_falsy_settings_object_is_still_one() -> None:
    class Empty(UserDict):
        tenant_id = "theirs"

    assert GeneratorContext({}, settings=Empty()).tenant_id == "theirs"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2013-12-31", datetime(2013, 12, 31, tzinfo=UTC)),
        (date(2013, 12, 31), datetime(2013, 12, 31, tzinfo=UTC)),
        ("2013-12-31T10:00:00+02:00", datetime(2013, 12, 31, 8, tzinfo=UTC)),
        (datetime(2013, 12, 31, 5), datetime(2013, 12, 31, 5, tzinfo=UTC)),  # noqa: DTZ001 - naive on purpose
        (
            datetime(2013, 12, 31, 5, tzinfo=timezone(timedelta(hours=5))),
            datetime(2013, 12, 31, tzinfo=UTC),
        ),
    ],
)
def test_as_of_has_a_time_zone(given: object, expected: datetime) -> None:
    ctx = GeneratorContext({"as_of": given})
    assert ctx.as_of == expected
    assert ctx.as_of.tzinfo is not None


def test_as_of_is_one_moment_by_default() -> None:
    ctx = GeneratorContext({})
    before = datetime.now(UTC)
    assert abs(ctx.as_of - before) < timedelta(minutes=1)
    assert ctx.as_of == ctx.as_of


def test_as_of_must_be_a_time() -> None:
    with pytest.raises(ConfigurationError, match=r"as_of is 'yesterday'.*ISO 8601"):
        _ = GeneratorContext({"as_of": "yesterday"}).as_of


def test_artifacts_are_written_and_read(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    ctx = GeneratorContext({}, services={"writer": writer})
    assert ctx.folder == tmp_path
    path = ctx.write_json("x.json", {"é": 1})
    assert ctx.write_text("x.md", "é").endswith("x.md")
    assert (tmp_path / "x.md").read_bytes() == "é".encode()
    assert ctx.write_bytes("x.bin", b"\0").endswith("x.bin")
    ctx.note("seconds", 1.5)
    assert writer.notes == {"seconds": 1.5}
    ctx.artifacts = {"profile": path}
    assert ctx.read_json("profile") == {"é": 1}
    with pytest.raises(ContextError, match=r"'profil'.*Did you mean 'profile'"):
        ctx.read_json("profil")


def test_the_engine_answers_for_the_tables() -> None:
    class Engine:
        def tables(self):
            return ("a", "b")

        def summarize(self, table):
            return f"summary of {table}"

        def query(self, sql):
            return f"result of {sql}"

    ctx = GeneratorContext({}, services={"engine": Engine()})
    assert ctx.tables == ("a", "b")
    assert ctx.summary("a") == "summary of a"
    assert ctx.query("SELECT 1") == "result of SELECT 1"


class Service:
    opened: list[object]

    def __init__(self, ctx: object) -> None:
        type(self).opened.append(ctx)
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def providers(monkeypatch) -> type[Service]:
    Service.opened = []
    monkeypatch.setattr(module, "open_for_test", Service, raising=False)
    names = {"engine": f"{module.__name__}:open_for_test", "writer": "json:dumps"}
    monkeypatch.setattr(module, "_PROVIDERS", names)
    return Service


def test_a_service_is_opened_once_on_first_use_and_closed(providers) -> None:
    ctx = GeneratorContext({})
    assert providers.opened == []
    assert ctx.opened("engine") is None
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(ctx.engine)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert providers.opened == [ctx]
    assert len(set(map(id, found))) == 1
    engine = found[0]
    assert isinstance(engine, Service)
    assert ctx.opened("engine") is engine
    ctx.close()
    assert engine.is_closed
    ctx.close()
    assert ctx.engine is not engine


def test_a_service_that_was_given_is_not_closed(providers) -> None:
    given = Service(None)
    ctx = GeneratorContext(GeneratorContext({}, services={"engine": given}))
    assert ctx.opened("engine") is given
    assert ctx.engine is given
    ctx.close()
    assert not given.is_closed


def test_a_service_that_cannot_be_closed_is_logged(providers, monkeypatch, caplog) -> None:
    def fail(self) -> None:
        raise RuntimeError("stuck")

    monkeypatch.setattr(Service, "close", fail)
    ctx = GeneratorContext({})
    _ = ctx.engine
    with caplog.at_level(logging.ERROR, "voyant"):
        ctx.close()
    assert "'engine' could not be closed" in caplog.text
    assert "stuck" in caplog.text


def test_a_context_of_a_context_keeps_its_settings() -> None:
    first = GeneratorContext({"job_id": "a"}, settings=SimpleNamespace(tenant_id="theirs"))
    assert GeneratorContext(first).tenant_id == "theirs"
    assert GeneratorContext(first, settings=SimpleNamespace(tenant_id="x")).tenant_id == "x"
