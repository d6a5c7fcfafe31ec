"""The awkward tables in a PostgreSQL database."""

from __future__ import annotations

import pytest

from tests.conformance.awkward import tables
from tests.conformance.warehouses import as_stored, load_all


@pytest.fixture(scope="session")
def awkward_database(postgres_server):
    """The URL of a PostgreSQL database of the awkward tables, and the tables as it has them."""
    stored = {name: as_stored(name, table) for name, table in tables().items()}
    database = postgres_server.new_database("awkward")
    with postgres_server.connect(database) as admin:
        load_all(admin, stored)
    return postgres_server.url(database), stored
