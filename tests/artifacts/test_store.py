"""A job's files are whole or not there, in a folder that belongs to one tenant and one run."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from voyant.artifacts.base import Artifact
from voyant.artifacts.store import JOURNAL_NAME, MARKER_NAME, ArtifactStore, open_store
from voyant.core.context import GeneratorContext
from voyant.core.errors import ArtifactError, FolderError, UnsafeNameError


@pytest.fixture
def store(tmp_path):
    opened = ArtifactStore(tmp_path, job_id="job", tenant_id="acme")
    yield opened
    opened.close()


def files(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != JOURNAL_NAME
    )


def another(root, tenant="acme"):
    return ArtifactStore(root, job_id="job", tenant_id=tenant)


def test_the_files_of_generators_that_are_to_run_are_theirs(tmp_path):
    store = ArtifactStore(tmp_path, job_id="job", tenant_id="acme")
    store.expected = {"profile", "charts"}
    store.generator = "mine"
    for name in ("profile.json", "Profile.HTML", "charts/mine.svg"):
        with pytest.raises(ArtifactError, match="is the file of the generator"):
            store.write_bytes(name, b"")
    store.write_bytes("kpis.json", b"{}")  # nobody else will make it
    store.generator = "profile"
    store.write_bytes("profile.json", b"{}")
    assert dict(store.written) == {"kpis.json": "mine", "profile.json": "profile"}
    store.close()


def test_nothing_is_made_before_it_is_needed(tmp_path):
    ArtifactStore(tmp_path / "root", job_id="job", tenant_id="acme")
    assert not (tmp_path / "root").exists()


def test_the_folder_says_whose_it_is(store, tmp_path):
    assert store.folder == tmp_path.resolve() / "job"
    marker = json.loads((store.folder / MARKER_NAME).read_bytes())
    assert marker == {"tenant_id": "acme", "job_id": "job"}


def test_bytes_are_written_and_their_path_returned(store):
    path = store.write_bytes("charts/x.svg", b"<svg/>")
    assert Path(path) == store.folder / "charts" / "x.svg"
    assert Path(path).read_bytes() == b"<svg/>"
    assert files(store.folder) == [MARKER_NAME, "charts/x.svg"]


def test_json_is_indented_ends_with_a_newline_and_is_utf8(store):
    path = store.write_json("x.json", {"a": [1, "é"], "b": None})
    expected = '{\n  "a": [\n    1,\n    "é"\n  ],\n  "b": null\n}\n'
    assert Path(path).read_bytes() == expected.encode()


class Letter(Artifact):
    text: str


def test_models_are_written_like_plain_values(store):
    path = store.write_json("x.json", Letter(text="é"))
    assert Path(path).read_text("utf-8") == ('{\n  "schema_version": "1.0",\n  "text": "é"\n}\n')


@pytest.mark.parametrize(
    "value", [{"t": "a\ud800b"}, Letter.model_construct(text="a\ud800b")], ids=["plain", "model"]
)
def test_lone_surrogates_become_replacement_characters(store, value):
    written = json.loads(Path(store.write_json("x.json", value)).read_bytes())
    assert written.get("t", written.get("text")) == "a\ufffdb"


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"x": {1, 2}}, object()])
def test_what_json_cannot_hold_is_refused_and_leaves_nothing(store, value):
    _ = store.folder
    with pytest.raises(ArtifactError, match=r"x\.json"):
        store.write_json("x.json", value)
    assert files(store.folder) == [MARKER_NAME]


@pytest.mark.parametrize("name", ["../x", "/etc/x", ".voyant-job.json", "a/../../x", "x\0"])
def test_names_that_leave_the_folder_are_refused(store, name, tmp_path):
    with pytest.raises(UnsafeNameError):
        store.write_bytes(name, b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["manifest.json", "MANIFEST.JSON"])
def test_the_manifest_is_not_for_generators(store, name):
    with pytest.raises(ArtifactError, match="manifest"):
        store.write_bytes(name, b"{}")


@pytest.mark.parametrize(("job", "tenant"), [("../x", "acme"), ("job", ".."), ("", "acme")])
def test_unsafe_jobs_and_tenants_are_refused(tmp_path, job, tenant):
    with pytest.raises(UnsafeNameError):
        ArtifactStore(tmp_path, job_id=job, tenant_id=tenant)


def test_it_remembers_which_generator_wrote_what(store):
    store.generator = "profile"
    store.write_bytes("a.txt", b"1")
    store.write_bytes("a.txt", b"2")
    store.generator = "kpi"
    store.write_bytes("b.txt", b"3")
    with pytest.raises(ArtifactError, match="'profile'"):
        store.write_bytes("a.txt", b"4")
    assert store.written == {"a.txt": "profile", "b.txt": "kpi"}
    assert (store.folder / "a.txt").read_bytes() == b"2"


def test_notes_belong_to_the_generator_and_are_plain(store):
    store.generator = "kpi"
    store.note("query_ms", {"revenue": 1.5})
    assert store.notes == {"kpi": {"query_ms": {"revenue": 1.5}}}
    with pytest.raises(ArtifactError):
        store.note("query_ms", float("nan"))


def test_a_failure_while_writing_leaves_the_old_file_and_no_other(store, monkeypatch):
    path = Path(store.write_bytes("a.txt", b"old"))

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FolderError, match="No space left") as caught:
        store.write_bytes("a.txt", b"new")
    assert caught.value.errno == errno.ENOSPC
    assert "Free some space" in caught.value.remedy
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert files(store.folder) == [MARKER_NAME, "a.txt"]


def test_ctrl_c_while_writing_leaves_no_temporary_file(store, monkeypatch):
    _ = store.folder

    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.write_bytes("a.txt", b"new")
    assert files(store.folder) == [MARKER_NAME]


def test_all_is_on_the_disk_before_the_manifest_says_so(store, monkeypatch):
    folder = store.folder
    steps = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor):
        place = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append("a folder" if place.is_dir() else "content")
        synced.add(place)
        fsync(descriptor)

    def note_rename(path, to):
        steps.append(to.name)
        return replace(path, to)

    synced = set()
    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_rename)
    store.write_bytes("a.txt", b"x")
    store.write_bytes("deep/er/b.txt", b"x")
    assert steps == ["content", "a.txt", "content", "b.txt"]
    steps.clear()
    store.write_manifest(Artifact())
    assert steps == [*["a folder"] * 3, "content", "manifest.json", "a folder"]
    assert {folder, folder / "deep", folder / "deep" / "er"} <= synced


def test_a_folder_that_is_gone_does_not_keep_the_manifest_out(store):
    store.write_bytes("deep/a.txt", b"x")
    (store.folder / "deep" / "a.txt").unlink()
    (store.folder / "deep").rmdir()
    assert Path(store.write_manifest(Artifact())).is_file()


def test_a_root_that_is_a_file_is_a_folder_error(tmp_path):
    (tmp_path / "root").write_text("x")
    with pytest.raises(FolderError, match="root"):
        _ = ArtifactStore(tmp_path / "root", job_id="job", tenant_id="acme").folder


def test_a_job_folder_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "job").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderError, match="link"):
        _ = another(tmp_path / "root").folder
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_linked_folder_inside_is_refused(store, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (store.folder / "charts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderError, match="link"):
        store.write_bytes("charts/x.svg", b"")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_marker_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "job").mkdir()
    (tmp_path / "victim").write_text("")
    (tmp_path / "job" / MARKER_NAME).symlink_to(tmp_path / "victim")
    with pytest.raises(FolderError):
        _ = another(tmp_path).folder
    assert (tmp_path / "victim").read_text() == ""


def test_a_link_in_place_of_a_file_is_replaced_not_followed(store, tmp_path):
    (tmp_path / "victim").write_text("mine")
    (store.folder / "a.txt").symlink_to(tmp_path / "victim")
    store.write_bytes("a.txt", b"new")
    assert (tmp_path / "victim").read_text() == "mine"
    assert not (store.folder / "a.txt").is_symlink()


def test_another_tenants_folder_is_refused_and_kept(store, tmp_path):
    store.write_bytes("a.txt", b"x")
    store.close()
    with pytest.raises(FolderError, match="another tenant"):
        _ = another(tmp_path, "globex").folder
    assert files(tmp_path / "job") == [MARKER_NAME, "a.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="no advisory locks")
def test_a_folder_in_use_is_refused_until_the_run_ends(store, tmp_path):
    _ = store.folder
    with pytest.raises(FolderError, match="Another run"):
        _ = another(tmp_path).folder
    store.close()
    second = another(tmp_path)
    assert second.folder.is_dir()
    second.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no advisory locks")
def test_a_killed_run_does_not_keep_its_folder(tmp_path):
    script = (
        "import os, sys\n"
        "from voyant.artifacts.store import ArtifactStore\n"
        "ArtifactStore(sys.argv[1], job_id='job', tenant_id='acme').write_bytes('a.txt', b'x')\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    second = another(tmp_path)
    assert files(second.folder) == [MARKER_NAME]
    second.close()


def test_what_an_unfinished_run_wrote_is_removed_by_the_next(tmp_path):
    (tmp_path / "victim").write_text("mine")
    first = another(tmp_path)
    for name in ("a.txt", "charts/b.svg"):
        first.write_bytes(name, b"x")
    (first.folder / "notes.txt").write_text("mine")
    with (first.folder / JOURNAL_NAME).open("a") as file:
        file.write("../victim\n.voyant-job.json\n\nhalf a li")
    first.close()
    second = another(tmp_path)
    assert files(second.folder) == [MARKER_NAME, "notes.txt"]
    assert not (second.folder / JOURNAL_NAME).exists()
    assert (tmp_path / "victim").read_text() == "mine"
    second.close()


def leave_a_finished_run(root, listed):
    first = another(root)
    for name in ("a.txt", "charts/b.svg"):
        first.write_bytes(name, b"x")
    folder = first.folder
    first.close()
    (folder / "notes.txt").write_text("mine")
    (folder / ".voyant-0123.tmp").write_text("half")
    (folder / JOURNAL_NAME).unlink()
    (folder / "manifest.json").write_text(json.dumps({"artifacts": listed}))
    return folder


def test_running_again_removes_the_manifest_and_what_it_lists(tmp_path):
    (tmp_path / "victim").write_text("mine")
    folder = leave_a_finished_run(
        tmp_path,
        [{"path": "a.txt"}, {"path": "charts/b.svg"}, {"path": "../victim"}, {"path": 7}, "x"],
    )
    second = another(tmp_path)
    assert second.folder == folder
    assert files(folder) == [MARKER_NAME, "notes.txt"]
    assert (tmp_path / "victim").read_text() == "mine"
    second.close()


def test_running_again_does_not_follow_links(tmp_path):
    folder = leave_a_finished_run(tmp_path, [{"path": "out/victim"}])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "victim").write_text("mine")
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    second = another(tmp_path)
    _ = second.folder
    assert (tmp_path / "elsewhere" / "victim").read_text() == "mine"
    second.close()


@pytest.mark.parametrize("text", ["", "not json", "[1]", '{"artifacts": 3}', "[" * 100_000])
def test_a_broken_manifest_is_removed_alone(tmp_path, text):
    folder = leave_a_finished_run(tmp_path, [])
    (folder / "manifest.json").write_text(text)
    second = another(tmp_path)
    _ = second.folder
    assert files(folder) == [MARKER_NAME, "a.txt", "charts/b.svg", "notes.txt"]
    second.close()


def test_a_context_opens_its_own_store_and_closes_it(tmp_path):
    values = {"artifacts_root": str(tmp_path), "job_id": "job", "tenant_id": "acme"}
    context = GeneratorContext(values)
    assert context.write_text("a.txt", "é") == str(tmp_path.resolve() / "job" / "a.txt")
    context.note("a", 1)
    context.close()
    opened = open_store(GeneratorContext(values))
    assert opened.folder == tmp_path.resolve() / "job"
    opened.close()
