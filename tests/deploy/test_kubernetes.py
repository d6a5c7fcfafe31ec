"""The manifests: valid by the cluster's schemas, hardened, every reference leads somewhere."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import kubernetes_validate
import pytest

from tests.deploy.files import KUBERNETES, environment, manifests
from voyant.core.config import Settings

VERSIONS = ("1.29.0", kubernetes_validate.latest_version())
WORKLOADS = ("Deployment", "StatefulSet")


def named(kind: str, name: str) -> dict[str, Any]:
    return next(it for it in manifests() if (it["kind"], it["metadata"]["name"]) == (kind, name))


def workloads() -> list[dict[str, Any]]:
    return [it for it in manifests() if it["kind"] in WORKLOADS]


def pods() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(it, it["spec"]["template"]["spec"]) for it in workloads()]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_follows_its_schema(version: str) -> None:
    assert len(manifests()) > 10
    for it in manifests():
        kubernetes_validate.validate(it, version, strict=True)


def test_the_schemas_would_refuse_a_mistake() -> None:
    wrong = deepcopy(named("Deployment", "voyant-api"))
    wrong["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRoot"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_every_file_is_applied() -> None:
    files = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    listed = (KUBERNETES / "kustomization.yaml").read_text()
    assert files
    assert all(f"- {name}" in listed for name in files)
    assert {it["metadata"].get("namespace", "voyant") for it in manifests()} == {"voyant"}


def test_every_container_keeps_to_the_restricted_standard() -> None:
    space = named("Namespace", "voyant")
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for _, pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            limits, requests = container["resources"]["limits"], container["resources"]["requests"]
            assert {"cpu", "memory", "ephemeral-storage"} == set(limits)
            assert {"cpu", "memory"} == set(requests)


def test_what_is_written_is_mounted() -> None:
    for _, pod in pods():
        mounts = {it["mountPath"]: it["name"] for it in pod["containers"][0]["volumeMounts"]}
        assert set(mounts) == {"/artifacts", "/state", "/tmp"}
        assert set(mounts.values()) == {it["name"] for it in pod["volumes"]}
    assert environment("run")["VOYANT_ARTIFACTS_ROOT"] == "/artifacts"


def test_the_api_is_probed_where_it_answers() -> None:
    container = named("Deployment", "voyant-api")["spec"]["template"]["spec"]["containers"][0]
    ports = {it["name"]: it["containerPort"] for it in container["ports"]}
    paths = {
        kind: container[kind]["httpGet"]["path"]
        for kind in ("startupProbe", "readinessProbe", "livenessProbe")
        if container[kind]["httpGet"]["port"] in ports
    }
    assert paths == {
        "startupProbe": "/healthz",
        "readinessProbe": "/readyz",
        "livenessProbe": "/healthz",
    }
    assert ports == {"http": int(container["args"][container["args"].index("--port") + 1])}


def test_workers_have_names_that_stay() -> None:
    workers = [it for it in workloads() if it["kind"] == "StatefulSet"]
    assert [it["metadata"]["name"] for it in workers] == ["voyant-worker"]
    container = workers[0]["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["worker", "--name", "$(POD_NAME)"]
    variables = {it["name"]: it for it in container["env"]}
    assert variables["POD_NAME"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert named("Service", workers[0]["spec"]["serviceName"])["spec"]["clusterIP"] == "None"


def test_every_selector_finds_pods() -> None:
    labels = [it["spec"]["template"]["metadata"]["labels"] for it in workloads()]

    def finds(selector: dict[str, str]) -> bool:
        return any(selector.items() <= it.items() for it in labels)

    checked = 0
    for it in manifests():
        spec = it.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector") or {}
        wanted = selector.get("matchLabels", selector if it["kind"] == "Service" else {})
        assert finds(wanted), it["metadata"]["name"]
        checked += bool(wanted)
    assert checked >= 8


def test_every_reference_leads_somewhere() -> None:
    settings, claim = (
        named("ConfigMap", "voyant-settings"),
        named("PersistentVolumeClaim", "voyant-artifacts"),
    )
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for _, pod in pods():
        named("ServiceAccount", pod["serviceAccountName"])
        container = pod["containers"][0]
        assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
        secrets = [
            it["valueFrom"]["secretKeyRef"]
            for it in container["env"]
            if "secretKeyRef" in it.get("valueFrom", {})
        ]
        assert secrets == [{"name": "voyant-database", "key": "url"}]
    assert "create secret generic voyant-database" in (KUBERNETES / "settings.yaml").read_text()


def test_no_secret_stands_in_a_file_and_every_variable_is_a_setting() -> None:
    assert not [it for it in manifests() if it["kind"] == "Secret"]
    variables = set(named("ConfigMap", "voyant-settings")["data"])
    for _, pod in pods():
        variables |= {it["name"] for it in pod["containers"][0]["env"]} - {"POD_NAME"}
    assert {it.removeprefix("VOYANT_").lower() for it in variables} <= set(Settings.model_fields)


def test_each_workload_outlives_a_drained_node_and_nothing_is_open_by_default() -> None:
    budgets = {it["metadata"]["name"] for it in manifests() if it["kind"] == "PodDisruptionBudget"}
    assert budgets == {it["metadata"]["name"] for it in workloads()}
    nothing = named("NetworkPolicy", "voyant-nothing")["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
