"""Every way in which a folder can differ from its manifest is found."""

from __future__ import annotations

import json

import pytest

from voyant.artifacts.verify import verify_folder
from voyant.core.errors import FolderError
from voyant.core.plugin_registry import PluginRegistry
from voyant.jobs.request import JobRequest
from voyant.jobs.runner import run_job


@pytest.fixture
def folder(tmp_path):
    registry = PluginRegistry()

    @registry.register("some")
    def some(ctx):
        return {
            "a": ctx.write_text("a.txt", "aaa"),
            "b": ctx.write_text("charts/b.svg", "<svg/>"),
            "again": ctx.folder / "a.txt",
        }

    return run_job(JobRequest(artifacts_root=tmp_path, job_id="job"), registry=registry).folder


def test_an_untouched_folder_is_ok(folder):
    found = verify_folder(folder)
    assert found.is_ok
    assert found.unchanged == ("a.txt", "charts/b.svg")
    assert found.manifest is not None


def test_a_changed_byte_is_found_though_the_size_is_the_same(folder):
    (folder / "a.txt").write_text("aab")
    found = verify_folder(folder)
    assert not found.is_ok
    assert (found.changed, found.unchanged) == (("a.txt",), ("charts/b.svg",))


def test_a_missing_file_is_found(folder):
    (folder / "charts" / "b.svg").unlink()
    assert verify_folder(folder).missing == ("charts/b.svg",)


@pytest.mark.parametrize("name", ["more.txt", "charts/more.svg", ".hidden", "new/x"])
def test_a_file_that_is_not_listed_is_found(folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    found = verify_folder(folder)
    assert not found.is_ok
    assert found.unlisted == (name,)


def test_a_link_with_the_same_content_is_a_change(folder, tmp_path):
    (tmp_path / "copy").write_text("aaa")
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(tmp_path / "copy")
    assert verify_folder(folder).changed == ("a.txt",)


def test_a_linked_folder_is_a_change(folder, tmp_path):
    (folder / "charts").rename(tmp_path / "charts")
    (folder / "charts").symlink_to(tmp_path / "charts")
    found = verify_folder(folder)
    assert found.changed == ("charts/b.svg",)
    assert found.unlisted == ("charts",)


def test_a_folder_in_place_of_a_file_is_a_change(folder):
    (folder / "a.txt").unlink()
    (folder / "a.txt").mkdir()
    assert verify_folder(folder).changed == ("a.txt",)


def test_an_unfinished_job_has_no_manifest(folder):
    (folder / "manifest.json").unlink()
    found = verify_folder(folder)
    assert not found.is_ok
    assert "did not finish" in found.problem


@pytest.mark.parametrize("text", ["", "{}", "[]", "nope", '{"artifacts": []}'])
def test_a_manifest_of_another_shape_is_none(folder, text):
    (folder / "manifest.json").write_text(text)
    found = verify_folder(folder)
    assert not found.is_ok
    assert "not a manifest" in found.problem


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "a/../../x", ".voyant-job.json"])
def test_a_manifest_that_points_outside_is_refused(folder, path):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["artifacts"][0]["path"] = path
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert "not a manifest" in verify_folder(folder).problem


def test_json_that_breaks_its_schema_is_found_even_if_the_manifest_agrees(tmp_path):
    registry = PluginRegistry()
    registry.register("profile")(
        lambda ctx: {"p": ctx.write_json("profile.json", {"tables": {"t": {}}})}
    )
    job = run_job(JobRequest(artifacts_root=tmp_path, job_id="job"), registry=registry)
    found = verify_folder(job.folder)
    assert (found.is_ok, found.changed) == (False, ())
    assert "/tables/t/" in found.invalid["profile.json"]


def test_no_folder_is_an_error(tmp_path):
    with pytest.raises(FolderError, match="no folder"):
        verify_folder(tmp_path / "nope")
