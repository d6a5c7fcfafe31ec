"""Every route has a heading, and no heading is without a route."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.service.conftest import make_service

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "api.md"


@pytest.fixture
def document(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    service = make_service(tmp_path)
    yield service.client.get("/v1/openapi.json").json()
    service.queue.close()


def operations(document):
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_has_a_heading_and_no_other(document):
    headings = re.findall(r"^### `([A-Z]+ /[^`]*)`", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(operations(document))


def test_every_operation_is_described_with_all_its_answers(document):
    tags = {tag["name"] for tag in document["tags"]}
    found = operations(document)
    assert len({operation["operationId"] for operation in found.values()}) == len(found)
    for name, operation in found.items():
        assert set(operation["tags"]) <= tags, name
        assert operation["summary"], name
        assert operation["description"], name
        assert {"421", "414", "500", "503"} <= set(operation["responses"]), name
        if operation.get("security"):
            assert "401" in operation["responses"] or name == "GET /metrics", name
        for status, response in operation["responses"].items():
            assert response["description"], (name, status)
            if int(status) >= 400:
                media = response["content"]["application/problem+json"]
                assert media["schema"] == {"$ref": "#/components/schemas/ProblemDetails"}
                assert media["examples"], (name, status)


def test_every_field_of_every_shape_that_is_sent_is_described(document):
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in json.dumps(document)
    for name in ("JobSpec", "NewSchedule", "BaselineChoice", "SweepRequest", "ProblemDetails"):
        for field, shape in schemas[name]["properties"].items():
            assert shape.get("description") or shape.get("$ref") or "examples" in shape, (
                name,
                field,
            )


def test_references_in_the_document_lead_somewhere(document):
    schemas = document["components"]["schemas"]
    for reference in re.findall(r'"\$ref": ?"#/components/schemas/([^"]+)"', json.dumps(document)):
        assert reference in schemas
