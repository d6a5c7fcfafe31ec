"""One S3 server for the tests of this folder, a bucket for each, and an environment for clients."""

from __future__ import annotations

import itertools
import os

import pytest

from tests.objects.s3server import KEY, SECRET, serving_s3

_numbers = itertools.count()


@pytest.fixture(scope="session")
def s3_server():
    with serving_s3() as server:
        yield server


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The server, with an environment in which clients find it and their credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return s3_server


@pytest.fixture
def bucket(s3):
    """The name of an empty bucket."""
    name = f"voyant-{next(_numbers)}"
    s3.make_bucket(name)
    return name
