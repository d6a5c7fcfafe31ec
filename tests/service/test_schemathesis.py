"""Everything the OpenAPI document allows, and much it does not: no 5xx, nothing undocumented."""

from __future__ import annotations

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.service.conftest import make_service
from tests.service.test_auth import NEEDS

#: For each operation.
EXAMPLES = {GenerationMode.POSITIVE: 25, GenerationMode.NEGATIVE: 12}
#: They take nothing that could be wrong.
TAKE_NOTHING = {"GET /healthz", "GET /readyz"}
ROUTES = sorted(
    [*(" ".join(route) for route in NEEDS), "GET /healthz", "GET /metrics", "GET /readyz"]
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A service with a job that has finished, a table and a schedule, and its document."""
    root = tmp_path_factory.mktemp("schemathesis")
    service = make_service(root, tenant_max_queued=50)
    job = service.finish()
    waiting = service.submit()
    service.ask(
        "POST",
        "/v1/schedules",
        json={
            "name": "nightly",
            "cron": "0 3 * * *",
            "spec": {"sources": {"orders": "upload:orders.csv"}},
        },
    )
    yield service, job, waiting
    service.queue.close()


@pytest.fixture(scope="module")
def document(asked):
    """The document, asked for over ASGI, with ids that there are among its examples."""
    service, job, waiting = asked
    service.queue.cancel("acme", waiting.job_id)  # a stream of events that ends
    raw = service.client.get("/v1/openapi.json").json()
    names = {
        "job_id": [job.job_id, waiting.job_id],
        "schedule_id": [s.schedule_id for s in service.queue.schedules("acme")],
        "name": ["orders.csv"],
        "path": ["profile.json", "kpis.json"],
    }
    for methods in raw["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["examples"] = {
                        str(n): {"value": value} for n, value in enumerate(names[parameter["name"]])
                    }
    loaded = schemathesis.openapi.from_dict(raw)
    loaded.app = service.client.app
    return loaded


def is_a_wait(wait_seconds: object) -> bool:
    """Say whether the service would wait so long; what it refuses is left as it is."""
    try:
        return 0.02 < float(str(wait_seconds)) <= 60
    except ValueError:
        return False


def operations(document) -> dict[str, object]:
    found = [result.ok() for result in document.get_all_operations()]
    return {f"{operation.method.upper()} {operation.path}": operation for operation in found}


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        pytest.param(name, mode, id=f"{name}, {mode.value}")
        for name in ROUTES
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or name not in TAKE_NOTHING
    ],
)
def test_nothing_is_answered_that_is_not_documented(asked, document, name, mode):
    service, _, _ = asked
    headers = {"Authorization": f"Bearer {service.key()}", "Host": "localhost"}

    @hypothesis.given(case=operations(document)[name].as_strategy(mode))
    @hypothesis.settings(
        max_examples=EXAMPLES[mode],
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case) -> None:
        if name.endswith("/events"):  # of a job that waits for ever there is no end
            for job in service.queue.list("acme", limit=500).jobs:
                service.queue.cancel("acme", job.job_id)
        if case.query and is_a_wait(case.query.get("wait_seconds")):
            case.query["wait_seconds"] = 0.02
        response = case.call(base_url="http://localhost", headers=headers)
        case.validate_response(response, checks=CHECKS)

    ask()


def test_every_operation_is_asked(document):
    assert sorted(operations(document)) == ROUTES
