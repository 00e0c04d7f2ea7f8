"""Insights as an application, whatever hosts it: pages, API, health and metrics on one port."""

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Response

from services.insights.app import build_app
from services.insights.ports import (
    AlertDesk,
    Loading,
    ReadinessChecks,
    Records,
    Redetections,
    RulesInForce,
    Simulations,
)
from services.wiring import doctor
from services.wiring.version import program_version
from shared.clock import now_us
from shared.privacy.keys import Keys
from shared.settings import Settings
from shared.store.client import Store
from shared.store.migrate import plan, read_migrations
from shared.telemetry import EXPOSITION_TYPE, exposition

_OPENINGS: Final = b"parcours openings"
"""What the key that signs openings is derived for."""


def build_insights(
    settings: Settings,
    store: Store,
    *,
    rules: RulesInForce,
    loading: Loading,
    examine: Callable[[], Iterable[doctor.Part]],
    redetections: Redetections,
    records: Records,
    keys: Keys,
    simulations: Simulations,
    checks: ReadinessChecks | None = None,
    alerts: AlertDesk | None = None,
) -> FastAPI:
    """The application; `examine` looks at every part of the platform, `checks` are quick and are part of readiness."""
    app = build_app(
        store=store,
        rules=rules,
        loading=loading,
        doctor=lambda: doctor.report(examine()),
        migrations=lambda: list_migrations(store),
        redetections=redetections,
        simulations=simulations,
        alerts=alerts,
        settings=settings,
        clock=now_us,
        version=program_version(),
        checks=checks,
        records=records,
        opening_key=hmac.digest(keys.routing, _OPENINGS, "sha256"),
    )

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(exposition(), headers={"Content-Type": EXPOSITION_TYPE})

    return app


def list_migrations(store: Store) -> Sequence[Mapping[str, Any]]:
    """All migrations in order, each `applied` or `planned`. Raises `StoreError`."""
    planned = {migration.name for migration in plan(store)}
    return [
        {"name": migration.name, "status": "planned" if migration.name in planned else "applied"}
        for migration in read_migrations()
    ]
