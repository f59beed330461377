"""How the server is, as operators are told it."""

from __future__ import annotations

from tidings.delivery import health
from tidings.surfaces.personal.schemas.envelopes import Camel


class Check(Camel):
    ok: bool
    detail: str

    @classmethod
    def of(cls, check: health.Check) -> Check:
        return cls(ok=check.ok, detail=check.detail)


class Checks(Camel):
    stuck_jobs: Check
    queue_depth: Check
    rollup_freshness: Check
    recent_dead_jobs: Check


class Health(Camel):
    healthy: bool
    checks: Checks

    @classmethod
    def of(cls, found: health.Health) -> Health:
        checks = {name: Check.of(getattr(found, name)) for name in Checks.model_fields}
        return cls(healthy=found.healthy, checks=Checks(**checks))
