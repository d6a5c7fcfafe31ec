"""The repository can be cloned anywhere: no machine's paths, no addresses, nothing forgotten."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]

# Written in pieces so that this file does not hold what it forbids. A URL path or a documentation
# example such as `/artifacts` is fine; the home of a user or the work tree of a machine is not.
MACHINE_PATH = re.compile(
    r"(?<![\w.~/-])(?:/" + r"(?:work|root|home|Users|farm)/[\w.-]+|[A-Z]:\\" + r"Users\\)"
)
REGISTRY_ADDRESS = re.compile(
    r"(?:files\.python"
    r"hosted\.org|pypi\.(?:org|python\.org)/(?:simple|packages)|registry\.npm"
    r"js\.org|registry\.yarn"
    r"pkg\.com|proxy\.go"
    r"lang\.org|deb\.deb"
    r"ian\.org|--(?:extra-)?index"
    r"-url|find-li"
    r"nks)"
)

# Modules whose distribution has another name.
DISTRIBUTIONS = {
    "_pytest": "pytest",
    "arro3": "arro3-core",
    "hamilton": "apache-hamilton",
    "ibis": "ibis-framework",
    "markdown_it": "markdown-it-py",
    "opentelemetry": "opentelemetry-sdk",
    "py4j": "pyspark",
    "stdnum": "python-stdnum",
    "vl_convert": "vl-convert-python",
    "xdist": "pytest-xdist",
    "yaml": "pyyaml",
}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file git would put into a clone (and new ones it would add)."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return tuple(path for path in paths if path.is_file())


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(*extras: str) -> dict[str, Requirement]:
    """Direct requirements by canonical name: the base ones and those of the extras."""
    optional = project()["optional-dependencies"]
    lines = [*project()["dependencies"], *(line for extra in extras for line in optional[extra])]
    found: dict[str, Requirement] = {}
    for parsed in (Requirement(line) for line in lines):
        if parsed.name == "voyant":  # an extra made of others: `voyant[mcp,service]`
            found.update(requirements(*parsed.extras))
        else:
            found[str(canonicalize_name(parsed.name))] = parsed
    return found


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {str(canonicalize_name(name)): version for name, version in pairs}


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8")


def test_git_lists_the_files() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in tracked()}
    assert {"pyproject.toml", "voyant/demo/data/flights.parquet", ".ci/run"} <= names


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY_ADDRESS], ids=["path", "address"])
def test_no_file_carries_a_machine_path_or_a_registry_address(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in tracked()
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if (match := pattern.search(line))
    ]
    assert not found


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATH, "see /" + "home/ada/voyant/x.py"),
        (MACHINE_PATH, 'open("/' + 'root/data.csv")'),
        (REGISTRY_ADDRESS, "url = https://files.python" + "hosted.org/packages/x.whl"),
        (REGISTRY_ADDRESS, "--index" + "-url https://mirror.example/simple"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_every_test_like_file_is_collected() -> None:
    """pytest takes `test_*.py` under tests; anything else that defines tests is never run."""
    forgotten = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix == ".py"
        and not path.is_relative_to(ROOT / "tests" / "plugins")
        and re.search(r"^(?:async )?def test_|^class Test", text_of(path), re.MULTILINE)
        and not (path.name.startswith("test_") and path.is_relative_to(ROOT / "tests"))
    ]
    assert not forgotten


def test_test_files_define_tests() -> None:
    empty = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if not re.search(
            r"def test_|^class Test|^Test\w+ = |\.TestCase$", text_of(path), re.MULTILINE
        )
    ]
    assert not empty


def test_a_constraint_is_a_name_and_a_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    odd = [
        line
        for line in lines
        if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!]*", line)
    ]
    assert not odd
    assert len(pins()) > 20


def test_every_direct_dependency_is_pinned_inside_its_range() -> None:
    pinned = pins()
    for name, requirement in requirements(*project()["optional-dependencies"]).items():
        assert name in pinned, f"{name} has no pin: run `make pins`"
        assert requirement.specifier.contains(Version(pinned[name])), requirement


def test_every_transitive_dependency_is_pinned() -> None:
    pinned = pins()
    queue = [(name, tuple(r.extras)) for name, r in requirements("dev").items()]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while queue:
        name, extras = queue.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        assert name in pinned, f"{name} has no pin: run `make pins`"
        for line in metadata.requires(name) or []:
            needed = Requirement(line)
            marker = needed.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                queue.append((str(canonicalize_name(needed.name)), tuple(needed.extras)))
    assert len(seen) > len(requirements("dev"))


def imported_by(folder: str) -> set[str]:
    """Top-level names of other people's modules imported anywhere under a folder."""
    names: set[str] = set()
    for path in tracked():
        if path.suffix != ".py" or not path.is_relative_to(ROOT / folder):
            continue
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(str(node.module).partition(".")[0])
    ours = {
        "voyant",
        "tests",
        "benchmarks",
        "scripts",
        *(p.stem for p in (ROOT / folder).iterdir()),
        *(p.name for p in (ROOT / folder).glob("plugins/*/*/src/*")),
    }
    return names - sys.stdlib_module_names - ours


# What only some commands, an observer or the fixtures for pytest need; see test_imports.py.
EXTRAS = ("aws", "mcp", "otel", "postgres", "prometheus", "s3", "service", "spark", "testing")


@pytest.mark.parametrize(
    ("folder", "extras"),
    [("voyant", EXTRAS), ("tests", ("dev",)), ("scripts", ("dev",)), ("benchmarks", ("bench",))],
)
def test_everything_imported_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    declared = set(requirements(*extras))
    needed = {canonicalize_name(DISTRIBUTIONS.get(name, name)) for name in imported_by(folder)}
    assert needed <= declared


def test_the_base_install_stays_small() -> None:
    assert not {"pandas", "numpy", "pyarrow", "ibis-framework", "playwright"} & set(requirements())


@pytest.mark.parametrize(
    "target", ["demo", "test", "floor", "check", "bench", "docs", "pins", "clean", "help"]
)
def test_make_knows_the_target(target: str) -> None:
    command = ["make", "--dry-run", "--always-make", target]
    # A test run under make inherits its flags; this one must not.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    environment.pop("MFLAGS", None)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "Nothing to be done" not in done.stdout


def test_the_floor_that_is_tested_is_the_floor_that_is_declared() -> None:
    (floor,) = re.findall(r"^FLOOR := (\S+)$", text_of(ROOT / "Makefile"), re.MULTILINE)
    assert f">={floor}" in str(requirements()["duckdb"].specifier)


def test_the_package_ships_its_data() -> None:
    assert (ROOT / "voyant" / "py.typed").is_file()
    assert (ROOT / "voyant" / "demo" / "data" / "PROVENANCE.md").is_file()
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_git_ignores_no_part_of_the_package() -> None:
    sources = [
        str(path.relative_to(ROOT))
        for folder in ("voyant", "tests", "scripts")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        cwd=ROOT,
        input="\n".join(sources),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == []
