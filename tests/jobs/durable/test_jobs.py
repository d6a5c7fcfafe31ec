"""Jobs over real tables, through a real worker: what they may name, and where they end."""

from __future__ import annotations

import json
import os
import re
import signal
import sys

import pytest

from tests.jobs.durable.conftest import is_there, wait_until
from voyant.artifacts.verify import verify_folder
from voyant.core.config import load_settings
from voyant.core.errors import ConfigurationError
from voyant.jobs.durable.database import database_url
from voyant.jobs.durable.handover import settings_from, settings_to
from voyant.jobs.durable.model import JobSpec, JobState
from voyant.jobs.durable.places import upload_path
from voyant.jobs.durable.pool import start_workers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and /proc")

TABLES = ["witness", "profile", "kpi"]


def ended(queue, job):
    def look():
        found = queue.get(job.tenant_id, job.job_id)
        return found if found.state.is_final else None

    return wait_until(look, f"the end of {job.job_id}")


@pytest.fixture
def uploaded(settings):
    """Each tenant's own upload of one name, and an earlier state of one of them."""
    for tenant, name, rows in (
        ("acme", "orders", 3),
        ("other", "orders", 5),
        ("limited", "orders", 3),
        ("between", "orders", 3),
        ("between", "earlier", 5),
    ):
        path = upload_path(settings, tenant, f"{name}.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("id\n" + "".join(f"{row}\n" for row in range(rows)))


def test_jobs_end_as_they_should(queue, workers, settings, uploaded, plugin):
    workers.start("one")
    spec = JobSpec(
        sources={"orders": "upload:orders.csv"},
        kpis=[{"name": "rows", "sql": "SELECT count(*) FROM orders"}],
        only=["profile", "kpi"],
    )
    mine = queue.submit("acme", spec, requested_by="t")
    theirs = queue.submit("other", spec, requested_by="t")
    absent = queue.submit(
        "acme", JobSpec(sources={"x": "upload:nothing.csv"}, only=["profile"]), requested_by="t"
    )
    queue.set_limits("limited", max_rows=2)
    large = queue.submit(
        "limited",
        JobSpec(sources={"orders": "upload:orders.csv"}, only=["profile"]),
        requested_by="t",
    )
    queue.set_limits("between", max_rows=7)
    compared = [
        queue.submit(
            "between",
            JobSpec(
                sources={"orders": "upload:orders.csv"},
                reference={"orders": reference},
                only=["profile"],
            ),
            requested_by="t",
        )
        for reference in ("upload:earlier.csv", "before:id=2")
    ]
    queue.set_limits("slow", job_timeout_seconds=1.0)
    plugin.hold("steady_a")
    late = queue.submit("slow", JobSpec(only=["steady_a"]), requested_by="t")

    for job, rows in ((mine, 3), (theirs, 5)):
        done = ended(queue, job)
        assert done.state is JobState.SUCCEEDED, done.error
        folder = queue.folder(job.tenant_id, job.job_id)
        assert verify_folder(folder).is_ok
        kpis = json.loads((folder / "kpis.json").read_text())
        assert [kpi["value"] for kpi in kpis["kpis"]] == [rows]
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["tenant_id"] == job.tenant_id
        assert queue.usage(job.tenant_id).stored_bytes == sum(
            entry.stat().st_size
            for entry in folder.rglob("*")
            if entry.name[0] != "."
            if entry.is_file()
        )
    assert ended(queue, absent).state is JobState.FAILED
    assert "nothing.csv" in ended(queue, absent).error or "upload" in ended(queue, absent).error
    assert "3 rows together; the tenant may analyse 2" in ended(queue, large).error
    # A reference of five rows beside three of its table; the table's own rows count once.
    assert "8 rows together; the tenant may analyse 7" in ended(queue, compared[0]).error
    assert ended(queue, compared[1]).state is JobState.SUCCEEDED, ended(queue, compared[1]).error
    assert ended(queue, late).error == "It took longer than 1 seconds and was stopped."
    for job in (absent, large, late):
        assert not queue.folder(job.tenant_id, job.job_id).exists()
    secret = settings.database_url.get_secret_value()
    told = [str(dict(e.data)) for job in (mine, absent) for e in queue.events("acme", job.job_id)]
    assert not any(secret in text for text in told)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_pool_replaces_the_dead_and_stops_the_living(queue, settings, plugin, spec):
    pool = start_workers(settings, 2, name="pool")
    try:
        first = wait_until(lambda: pool.pids if len(pool.pids) == 2 else None)
        assert set(first) == {"pool-1", "pool-2"}
        os.kill(first["pool-1"], signal.SIGKILL)
        again = wait_until(
            lambda: (
                pool.pids if pool.pids.get("pool-1", first["pool-1"]) != first["pool-1"] else None
            )
        )
        assert again["pool-2"] == first["pool-2"]
        assert ended(queue, queue.submit("acme", spec, requested_by="t")).state is (
            JobState.SUCCEEDED
        )
    finally:
        pool.stop()
    assert not any(is_there(pid) for pid in again.values())
    assert all(not worker.is_alive for worker in queue.statistics().workers)


def test_settings_are_handed_over_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VOYANT_MAX_CHARTS", "2")
    given = load_settings(
        database_url="postgresql://ann:s3cret@db/x",
        threads=1,
        warehouses={"shop": "postgresql://voyant:pa55@db/shop"},
        s3_secret_access_key="k3y",
    )
    plain = json.loads(json.dumps(settings_to(given, with_database=True)))
    again = settings_from(plain)
    assert again == given
    assert again.source_of("max_charts") == "VOYANT_MAX_CHARTS"
    assert again.database_url.get_secret_value() == "postgresql://ann:s3cret@db/x"
    assert again.warehouses["shop"].get_secret_value() == "postgresql://voyant:pa55@db/shop"
    told = json.dumps(settings_to(given, with_database=False))
    assert "s3cret" not in told
    assert "pa55" in told, "what a job reads with"
    assert "k3y" in told
    assert not {"pa55", "s3cret", "k3y"} & set(re.findall(r"\w+", repr(given)))


def test_artifacts_of_the_service_are_on_a_file_system():
    with pytest.raises(ConfigurationError, match=r"cannot keep artifacts in 's3://lake/voyant'"):
        database_url(load_settings(artifacts_root="s3://lake/voyant"))
