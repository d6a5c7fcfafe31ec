"""Artifacts in pieces: whole when small, else in pages and with an outline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import voyant
from tests.mcp.serving import orders
from voyant.artifacts.pointers import resolve_pointer
from voyant.core.errors import ArtifactError
from voyant.mcp.desk import NotFinishedError
from voyant.mcp.reading import read_artifact, read_manifest


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reading")
    return voyant.analyze(
        orders=str(orders(root)), out=root / "out", only=["profile", "narrative"]
    ).folder


def test_a_value_is_what_the_pointer_names(folder: Path) -> None:
    profile = json.loads((folder / "profile.json").read_text())
    found = read_artifact(folder, "profile.json", pointer="/tables/orders/row_count")
    assert json.loads(found.text) == 60
    found = read_artifact(folder, "profile.json", most=10**6)
    assert json.loads(found.text) == profile
    assert (found.next_offset, found.outline) == (None, [])


def test_what_does_not_fit_has_an_outline_that_leads_on(folder: Path) -> None:
    profile = json.loads((folder / "profile.json").read_text())
    found = read_artifact(folder, "profile.json", most=100)
    assert [it.pointer for it in found.outline] == [f"/{name}" for name in profile]
    members = {it.pointer: it for it in found.outline}
    assert (members["/tables"].type, members["/tables"].size) == ("object", 1)
    inner = read_artifact(folder, "profile.json", pointer="/tables/orders", most=100)
    for it in inner.outline:
        assert resolve_pointer(profile, it.pointer) is not ...


@given(most=st.integers(1, 5_000))
@settings(max_examples=30, deadline=None)
def test_pages_put_together_are_the_whole(folder: Path, most: int) -> None:
    whole = read_artifact(folder, "narrative.md", most=10**6).text
    text, offset, pages = "", 0, 0
    while offset is not None:
        page = read_artifact(folder, "narrative.md", offset=offset, most=most)
        assert page.total_characters == len(whole)
        text, offset, pages = text + page.text, page.next_offset, pages + 1
    assert text == whole
    assert pages == max(1, -(-len(whole) // most))


def test_an_offset_beyond_the_end_is_an_empty_page(folder: Path) -> None:
    page = read_artifact(folder, "narrative.md", offset=10**9)
    assert (page.text, page.next_offset) == ("", None)


def test_the_manifest_can_be_read_too(folder: Path) -> None:
    found = read_artifact(folder, "manifest.json", pointer="/job_id")
    assert json.loads(found.text) == read_manifest(folder).job_id


@pytest.mark.parametrize(
    ("path", "pointer", "said"),
    [
        ("../profile.json", "", "has no artifact"),
        ("/etc/passwd", "", "has no artifact"),
        (".voyant-job.json", "", "has no artifact"),
        ("profile.jsn", "", "Did you mean 'profile.json'?"),
        ("profile.json", "/tables/order", "names nothing"),
        ("profile.json", "tables", "does not begin with a slash"),
        ("narrative.md", "/a", "a JSON pointer names nothing in it"),
    ],
)
def test_what_cannot_be_read_is_said(folder: Path, path: str, pointer: str, said: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        read_artifact(folder, path, pointer=pointer)
    assert said in str(caught.value)


def test_a_link_in_an_artifacts_place_is_not_followed(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    copy.mkdir()
    for file in folder.iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (copy / "narrative.md").unlink()
    (copy / "narrative.md").symlink_to(secret)
    with pytest.raises(ArtifactError, match="no longer the file"):
        read_artifact(copy, "narrative.md")


def test_a_job_without_a_manifest_is_not_finished(tmp_path: Path) -> None:
    with pytest.raises(NotFinishedError, match="get_job"):
        read_artifact(tmp_path, "profile.json")
