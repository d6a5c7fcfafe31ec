"""`docker compose up`: valid by the published schema, hardened, and the switches go through."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from compose_spec import PyCompose

from tests.deploy.files import COMPOSE, ROOT, compose, environment
from voyant.core.config import Settings
from voyant.core.gates import Gates
from voyant.core.lookup import SettingsLookup
from voyant.core.plugin_registry import default_registry

SCHEMA = ROOT / "node_modules" / "dclint" / "schemas" / "compose.schema.json"
OURS = ("secrets", "api", "worker", "agents", "single")


def schema() -> dict[str, Any]:
    """Return the Compose Specification's own schema, as a linter on npm brings it."""
    if not SCHEMA.is_file():
        said = "the schema is missing: npm install --no-save --ignore-scripts axe-core@4 dclint@3"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(said)
    return json.loads(SCHEMA.read_text())


def test_the_file_follows_the_published_schema() -> None:
    validator = jsonschema.Draft7Validator(schema())
    faults = [f"{it.json_path}: {it.message}" for it in validator.iter_errors(compose())]
    assert faults == []


def test_the_schema_would_refuse_a_mistake() -> None:
    wrong = compose()
    wrong["services"]["api"]["read_onyl"] = True
    assert not jsonschema.Draft7Validator(schema()).is_valid(wrong)


def test_a_second_reader_of_the_specification_takes_it_and_finds_every_reference() -> None:
    read = PyCompose.from_json(json.dumps(compose()))
    read.validate()
    assert set(read.service_names()) == {*OURS, "database"}
    broken = compose()
    broken["services"]["api"]["networks"] = ["nowhere"]
    with pytest.raises(ValueError, match="nowhere"):
        PyCompose.from_json(json.dumps(broken)).validate()


def test_a_linter_of_security_finds_nothing_worse_than_tags_without_digests() -> None:
    linter = Path(sys.executable).with_name("compose-lint")
    done = subprocess.run(
        [linter, "--format", "json", COMPOSE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rules = set(re.findall(r"CL-\d{4}", done.stdout))
    assert rules <= {"CL-0019"}


@pytest.mark.parametrize("name", [*OURS, "database"])
def test_each_container_is_hardened(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0].isdigit()
    assert service["user"] != "0:0"
    assert {"cpus", "memory", "pids"} == set(service["deploy"]["resources"]["limits"])
    assert "privileged" not in service


def test_only_the_loopback_of_this_machine_reaches_a_port() -> None:
    ports = [port for it in compose()["services"].values() for port in it.get("ports", []) if port]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "ports" not in compose()["services"]["database"]
    assert compose()["networks"]["inside"] == {"internal": True}


def test_there_is_no_password_in_the_file() -> None:
    services = compose()["services"]
    urls = [it["environment"].get("VOYANT_DATABASE_URL", "") for it in services.values()]
    assert "postgresql://voyant@database:5432/voyant" in urls
    assert not [url for url in urls if url.count(":") > 2]
    assert not any(
        "PASSWORD" in name and not name.endswith("_FILE")
        for it in services.values()
        for name in it["environment"]
    )


def test_the_secret_is_made_once_and_only_its_readers_can_read_it(tmp_path: Path) -> None:
    program = compose()["services"]["secrets"]["command"][0]
    assert 'pathlib.Path("/secrets")' in program
    program = program.replace('"/secrets"', repr(str(tmp_path)))
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program], check=True)
        kept = (tmp_path / "pgpass").read_text()
    host, port, database, user, password = kept.strip().split(":")
    assert (host, port, database, user) == ("database", "5432", "voyant", "voyant")
    assert (tmp_path / "postgres/password").read_text() == password
    assert len(password) >= 40
    assert (tmp_path / "pgpass").stat().st_mode & 0o777 == 0o600  # or libpq would not read it
    assert (tmp_path / "pgpass").read_text() == kept


def test_switches_go_through_from_the_shell_and_are_not_set_otherwise() -> None:
    flags = {
        it.feature_flag
        for it in default_registry.snapshot()
        if it.feature_flag and it.feature_flag in Settings.model_fields
    }
    assert "enable_charts" in flags
    for name in ("api", "worker", "single", "agents"):
        quiet = compose()["services"][name]["environment"]
        for flag in flags:
            variable = f"VOYANT_{flag.upper()}"
            assert variable not in quiet
            loud = compose(**{variable: "0"})["services"][name]["environment"]
            assert loud[variable] == "0"


def test_charts_are_off_where_the_shell_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = compose(VOYANT_ENABLE_CHARTS="0")["services"]["worker"]["environment"]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    decision = Gates(SettingsLookup(None), {}).decide("enable_charts")
    assert (decision.enabled, decision.source) == (False, "VOYANT_ENABLE_CHARTS")


@pytest.mark.parametrize("name", ["api", "worker", "single", "agents"])
def test_every_variable_is_a_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {**environment("run"), **compose()["services"][name]["environment"]}
    ours = {key: value for key, value in values.items() if key.startswith("VOYANT_")}
    for key, value in ours.items():
        assert key.removeprefix("VOYANT_").lower() in Settings.model_fields
        monkeypatch.setenv(key, value)
    assert Settings().artifacts_root == "/artifacts"


def test_volumes_are_where_the_image_says_that_it_writes() -> None:
    mounts = {
        mount.split(":")[1]
        for name in ("api", "worker", "single")
        for mount in compose()["services"][name]["volumes"]
    }
    assert mounts == {"/artifacts", "/state", "/secrets"}
