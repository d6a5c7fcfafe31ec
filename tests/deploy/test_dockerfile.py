"""The image: linted, and what it must be whatever a linter thinks."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deploy.files import DOCKERFILE, ROOT, environment, instructions, of

COPIED = ("constraints.txt", "pyproject.toml", "README.md", "LICENSE", "voyant")
HADOLINT = Path(sys.executable).with_name("hadolint")


def lint(dockerfile: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HADOLINT, "--failure-threshold", "info", dockerfile],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_linter_finds_nothing() -> None:
    done = lint(DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_would_find_something(tmp_path: Path) -> None:
    worse = tmp_path / "Dockerfile"
    worse.write_text(DOCKERFILE.read_text().replace("slim-bookworm", "latest") + "\nUSER root\n")
    assert "DL3002" in lint(worse).stdout


def test_the_last_stage_runs_as_a_numbered_user_and_builds_nothing() -> None:
    assert of("run", "USER") == ["10001:10001"]
    assert of("run", "STOPSIGNAL") == ["SIGTERM"]
    commands = " ".join(of("run", "RUN"))
    assert "apt-get" not in commands
    assert "pip install" not in commands
    assert "pip uninstall" in commands
    assert of("run", "COPY") == ["--from=build /opt/voyant /opt/voyant"]
    assert [it for it in instructions() if it.keyword == "ADD"] == []


def test_every_install_is_held_to_the_pinned_versions() -> None:
    commands = [part for line in of("build", "RUN") for part in line.split("&&")]
    installs = [it for it in commands if " install " in it]
    assert len(installs) == 2
    assert all("--constraint constraints.txt" in it for it in installs)
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    assert any(line.startswith("hatchling==") for line in pins)


def test_only_what_is_a_volume_or_scratch_is_written() -> None:
    values = environment("run")
    places = [value.removeprefix("sqlite:///") for value in values.values() if "/" in value]
    written = [place for place in places if not place.startswith(("/opt/voyant/bin", "/tmp"))]
    assert written == ["/artifacts", "/state/service.sqlite"]
    assert of("run", "VOLUME") == ['["/artifacts", "/state"]']


def test_the_extras_of_the_image_are_extras_of_the_package() -> None:
    command = next(it for it in of("build", "RUN") if "$1[" in it)
    named = command.split("$1[")[1].split("]")[0].split(",")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(named) <= set(extras["optional-dependencies"])
    assert {"service", "mcp", "postgres"} <= set(named)


@pytest.mark.parametrize("name", COPIED)
def test_what_is_copied_is_let_through_and_is_there(name: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert f"!{name}" in ignored
    assert (ROOT / name).exists()
    assert any(name in line for line in of("build", "COPY"))
