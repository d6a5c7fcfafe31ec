"""The image's own steps, taken out of the Dockerfile and taken here: build, start, a job, stop.

There is no container engine where the tests run. What a container adds is left out: another base
system, the user, the mounts. What the file says is done as it says it, in a folder that stands for
the file system: its commands, its variables, its entry point, its health check, its stop signal.
Some minutes long, so it is run where `CI` is set, or where VOYANT_TEST_IMAGE is.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import httpx
import pytest

from tests.deploy.files import ROOT, environment, of
from tests.mcp.serving import free_port

pytestmark = pytest.mark.skipif(
    not (os.environ.get("CI") or os.environ.get("VOYANT_TEST_IMAGE")),
    reason="takes minutes; set VOYANT_TEST_IMAGE=1",
)

PLACES = ("/src", "/wheels", "/opt/voyant", "/artifacts", "/state", "/tmp")
_PLACE = re.compile(rf"(?<![\w.])({'|'.join(PLACES)})(?![\w-])")
#: What a machine says about where packages come from; nothing else of its environment is passed on.
PASSED_ON = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "SSL_CERT", "UV_")


class Image:
    """A folder that stands for the image's file system."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for place in PLACES:
            Path(f"{root}{place}").mkdir(parents=True)
        base = root / "base"
        venv.create(base, with_pip=True)
        subprocess.run(
            [base / "bin/python", "-m", "pip", "install", "--quiet", "--upgrade", "pip"],
            check=True,
            timeout=300,
        )

    def here(self, text: str) -> str:
        """Name the image's places by where they are now."""
        return _PLACE.sub(rf"{self.root}\1", text)

    def variables(self, stage: str, **more: str) -> dict[str, str]:
        """Return the variables of a stage, and those that say where packages come from."""
        passed = {k: v for k, v in os.environ.items() if k.startswith(PASSED_ON)}
        own = {name: self.here(value) for name, value in environment(stage).items()}
        path = f"{self.root}/base/bin:/usr/local/bin:/usr/bin:/bin"
        own["PATH"] = own.get("PATH", "$PATH").replace("$PATH", path)
        return {**passed, **own, **more}

    def build(self) -> None:
        """Take the steps of the stage `build`."""
        for line in of("build", "COPY"):
            *sources, target = shlex.split(line)
            for name in sources:
                copy(
                    ROOT / name,
                    Path(f"{self.root}/src") / target / (name if target == "./" else ""),
                )
        for command in of("build", "RUN"):
            subprocess.run(
                ["sh", "-ec", self.here(command)],
                cwd=f"{self.root}/src",
                env=self.variables("build"),
                check=True,
                timeout=900,
            )

    def files(self) -> set[str]:
        """List all files but those where the image says that it writes."""
        written = tuple(f"{self.root}{place}/" for place in ("/artifacts", "/state", "/tmp"))
        found = (str(it) for it in self.root.rglob("*"))
        return {it for it in found if not it.startswith(written)}


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(
            source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
        )
    else:
        shutil.copy(source, target)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    made = Image(tmp_path_factory.mktemp("image"))
    made.build()
    return made


def test_the_environment_is_pinned_and_can_install_nothing(image: Image) -> None:
    python = f"{image.root}/opt/voyant/bin/python"
    assert subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode
    listed = subprocess.run(
        [f"{image.root}/base/bin/python", "-m", "pip", "--python", python, "list", "--format=json"],
        capture_output=True,
        check=True,
        timeout=120,
    )
    found = {
        it["name"].lower().replace("_", "-"): it["version"] for it in json.loads(listed.stdout)
    }
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.lower().replace("_", "-").split("==") for line in lines if "==" in line)
    assert {"fastapi", "mcp", "psycopg"} <= set(found)
    assert not {"hatchling", "pip", "setuptools", "wheel"} & set(found)
    unpinned = {name: version for name, version in found.items() if pins.get(name) != version}
    assert set(unpinned) == {"voyant"}


def test_it_starts_does_a_job_without_charts_and_stops(image: Image) -> None:
    port = str(free_port())
    entry = json.loads(of("run", "ENTRYPOINT")[0])
    said: list[str] = [*entry, *json.loads(of("run", "CMD")[0])]
    command = [{"8080": port, "0.0.0.0": "127.0.0.1"}.get(it, it) for it in said]
    variables = image.variables("run", VOYANT_ENABLE_CHARTS="0", VOYANT_WORKERS="1")
    program = shutil.which(command[0], path=variables["PATH"])
    assert program is not None
    assert program == f"{image.root}/opt/voyant/bin/voyant"
    before = image.files()
    log = Path(f"{image.root}/tmp/log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, *command[1:]],
            env=variables,
            cwd=f"{image.root}{of('run', 'WORKDIR')[0]}",
            stdout=out,
            stderr=out,
        )
        try:
            wait_until_healthy(process, variables, port, log)
            manifest = do_a_job(
                program, variables, f"http://127.0.0.1:{port}", f"{image.root}/state"
            )
            process.send_signal(getattr(signal, of("run", "STOPSIGNAL")[0]))
            assert process.wait(60) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()
    charts = next(it for it in manifest["generators"] if it["name"] == "charts")
    assert charts["status"] == "skipped"
    assert "VOYANT_ENABLE_CHARTS" in charts["reason"]
    made = [it["path"] for it in manifest["artifacts"]]
    assert "index.html" in made
    assert not [it for it in made if it.startswith("charts")]
    assert Path(f"{image.root}/state/service.sqlite").is_file()
    assert list(Path(f"{image.root}/artifacts").rglob("manifest.json"))
    assert image.files() == before


def wait_until_healthy(
    process: subprocess.Popen[bytes], variables: dict[str, str], port: str, log: Path
) -> None:
    """Ask as the image's health check does."""
    check = json.loads(of("run", "HEALTHCHECK")[0].split("CMD ", 1)[1])
    check = [it.replace("8080", port) for it in check]
    for _ in range(120):
        assert process.poll() is None, log.read_text()
        done = subprocess.run(check, env=variables, capture_output=True, check=False, timeout=30)
        if done.returncode == 0:
            return
        time.sleep(0.5)
    raise AssertionError(log.read_text())


def do_a_job(program: str, variables: dict[str, str], address: str, folder: str) -> dict:
    made = subprocess.run(
        [program, "keys", "create", "--tenant", "acme", "--role", "admin"],
        env=variables,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    with httpx.Client(base_url=address, headers=headers, timeout=60) as api:
        rows = "".join(f"{row},{row * 2}\n" for row in range(50))
        assert api.put("/v1/tables/orders.csv", content=f"id,amount\n{rows}").status_code == 201
        spec = {"sources": {"orders": "upload:orders.csv"}}
        job = api.post("/v1/jobs", json=spec).raise_for_status().json()
        while job["state"] in {"queued", "running"}:
            time.sleep(0.2)
            job = api.get(f"/v1/jobs/{job['job_id']}").json()
        assert job["state"] == "succeeded", job
        return api.get(f"/v1/jobs/{job['job_id']}/artifacts").raise_for_status().json()


def test_the_python_that_runs_the_tests_is_not_the_images(image: Image) -> None:
    assert not sys.executable.startswith(str(image.root))
