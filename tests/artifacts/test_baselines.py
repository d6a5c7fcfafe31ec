"""Baselines are found again under any table name, and stay in their tenant's folder."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyant.artifacts.baselines import BaselineArtifact, BaselineStore, TableBaseline
from voyant.core.errors import FolderError, UnsafeNameError

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


def profile(rows=1):
    return TableBaseline(row_count=rows, event_column=None, newest_event=None, columns={})


def saved(store, *tables, rows=1):
    profiles = BaselineArtifact(tables={table: profile(rows) for table in tables})
    return store.save("job", MOMENT, profiles, tables)


HARD = ["orders", "Orders", "../../etc/passwd", "a/b", "", "😀", "x" * 300, "con", "a.b"]


def test_tables_of_any_name_have_a_file_of_their_own_in_the_folder(tmp_path):
    store = BaselineStore(tmp_path, "acme")
    assert saved(store, *HARD) == HARD
    assert {b.table for b in store.all()} == set(HARD)
    names = [path.name for path in store.folder.iterdir()]
    assert len({name.lower() for name in names}) == len(HARD)
    assert max(map(len, names)) < 100
    assert sorted(tmp_path.iterdir()) == [tmp_path / ".voyant"]
    for table in HARD:
        assert store.load(table).table == table


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_two_tables_never_share_a_file(left, right):
    store = BaselineStore("root", "acme")
    assert (store._path(left) == store._path(right)) == (left == right)
    assert store._path(left).parent == store.folder


def test_a_tenant_cannot_leave_the_root(tmp_path):
    with pytest.raises(UnsafeNameError):
        BaselineStore(tmp_path, "../other")


def test_nothing_there_is_no_baseline(tmp_path):
    store = BaselineStore(tmp_path, "acme")
    assert (store.load("t"), store.all(), store.clear()) == (None, [], [])


def test_clearing_one_keeps_the_others(tmp_path):
    store = BaselineStore(tmp_path, "acme")
    saved(store, "a", "b")
    assert store.clear(["a", "zzz"]) == ["a"]
    assert [b.table for b in store.all()] == ["b"]
    store.clear()
    assert store.all() == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"table": "a"}', "\x00"])
def test_a_spoiled_file_is_said_with_what_to_do(tmp_path, content):
    store = BaselineStore(tmp_path, "acme")
    saved(store, "a")
    store._path("a").write_text(content)
    with pytest.raises(FolderError, match="voyant baseline clear"):
        store.load("a")


def test_a_write_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    store = BaselineStore(tmp_path, "acme")
    saved(store, "a", rows=1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("voyant.artifacts.store.os.fsync", full)
    with pytest.raises(FolderError, match="No space left"):
        saved(store, "a", rows=2)
    assert store.load("a").profile.row_count == 1
    assert len(list(store.folder.iterdir())) == 1


def test_only_a_finished_job_can_be_set(tmp_path):
    store = BaselineStore(tmp_path, "acme")
    (tmp_path / "half").mkdir()
    with pytest.raises(FolderError, match="no finished job 'half'"):
        store.set_from_job("half", MOMENT)
    with pytest.raises(UnsafeNameError):
        store.set_from_job("../half", MOMENT)
