"""`/v1/generators`, `/v1/plan`, `/v1/tenant`: what can be run, what would be, and for whom?"""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool

from voyant.core.config import Settings
from voyant.core.plugin_registry import default_registry
from voyant.jobs.durable.limits import TenantLimits
from voyant.jobs.durable.model import JobSpec, TenantUsage
from voyant.jobs.durable.queue import DatabaseQueue
from voyant.service.auth import Viewer
from voyant.service.parameters import Queue, ServiceSettings
from voyant.service.specs import check_spec, plan_spec
from voyant.service.views import (
    GeneratorList,
    GeneratorView,
    PlanView,
    StepView,
    TenantView,
    UsageView,
)
from voyant.service.wire import ServiceRoute, describe_problems

__all__ = ["list_generators", "router"]

router = APIRouter(prefix="/v1", route_class=ServiceRoute)


@router.get("/generators", tags=["generators"], responses=describe_problems())
async def get_generators(caller: Viewer, settings: ServiceSettings) -> GeneratorList:
    """List the generators, in the order they run, and who switched which off."""
    del caller
    return GeneratorList(generators=await run_in_threadpool(list_generators, settings))


@router.post(
    "/plan",
    tags=["generators"],
    responses=describe_problems("source-not-allowed", has_body=True),
)
async def plan_job(caller: Viewer, settings: ServiceSettings, spec: JobSpec) -> PlanView:
    """Say what a job would run, without running it."""
    await run_in_threadpool(check_spec, settings, caller.tenant_id, spec)
    plan = await run_in_threadpool(plan_spec, settings, spec)
    return PlanView(steps=[StepView.of(step) for step in plan.steps])


@router.get("/tenant", tags=["tenant"], responses=describe_problems())
async def get_tenant(caller: Viewer, queue: Queue) -> TenantView:
    """Say whose key this is, what the tenant uses, and what it may."""
    usage, limits = await run_in_threadpool(_usage, queue, caller.tenant_id)
    return TenantView(
        tenant_id=caller.tenant_id,
        key_id=caller.key_id,
        role=caller.role,
        usage=UsageView.of(usage),
        limits=asdict(limits),
    )


def list_generators(settings: Settings) -> list[GeneratorView]:
    """Describe the registered generators as the operator's switches leave them."""
    default_registry.load_plugins(settings)
    return [
        GeneratorView(
            name=step.definition.name,
            description=step.definition.description,
            order=step.definition.order,
            is_core=step.definition.is_core,
            feature_flag=step.definition.feature_flag,
            enabled=not step.skip_reason,
            reason=step.skip_reason or None,
            plugin=None if step.definition.origin is None else step.definition.origin.plugin,
        )
        for step in default_registry.plan({}, settings).steps
    ]


def _usage(queue: DatabaseQueue, tenant_id: str) -> tuple[TenantUsage, TenantLimits]:
    return queue.usage(tenant_id), queue.limits(tenant_id)
