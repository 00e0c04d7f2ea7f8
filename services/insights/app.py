"""The application of insights: pages and API over one port, put together from small modules."""

from typing import Final

from fastapi import FastAPI

from services.insights.api import alerts as alerts_api
from services.insights.api import events, figures, frictions, journeys, operations
from services.insights.api import exports as exports_api
from services.insights.api import records as records_api
from services.insights.api import simulations as simulations_api
from services.insights.context import Context
from services.insights.errors import handle_errors
from services.insights.meters import InsightsMeters
from services.insights.pages import (
    alerts,
    alerts_deliveries,
    alerts_silences,
    annotations,
    apidocs,
    compare,
    data,
    exports,
    flows,
    funnel,
    improvements,
    journey,
    overview,
    points,
    register,
    statement,
    territories,
    what_if,
)
from services.insights.pages import frictions as friction_board
from services.insights.pages import map as journey_map
from services.insights.pages.rendering import Pages
from services.insights.ports import (
    AlertDesk,
    Clock,
    Doctor,
    Loading,
    Migrations,
    ReadinessChecks,
    Records,
    Redetections,
    RulesInForce,
    Simulations,
    Store,
)
from services.insights.security import SecurityHeaders, SmallBodies
from services.insights.static_files import static_routes
from shared.settings import Settings
from shared.telemetry.requests import NO_NATIVE_TELEMETRY, HttpTelemetry

_API: Final = (
    figures,
    frictions,
    events,
    journeys,
    simulations_api,
    records_api,
    alerts_api,
    exports_api,
    operations,
)
_PAGES: Final = (
    overview,
    friction_board,
    data,
    journey_map,
    flows,
    funnel,
    points,
    journey,
    annotations,
    register,
    what_if,
    compare,
    improvements,
    exports,
    apidocs,
    territories,
    statement,
)
_ALERT_PAGES: Final = (alerts_silences, alerts_deliveries, alerts)


def build_app(
    *,
    store: Store,
    rules: RulesInForce,
    loading: Loading,
    doctor: Doctor,
    migrations: Migrations,
    redetections: Redetections,
    settings: Settings,
    clock: Clock,
    version: str,
    records: Records,
    opening_key: bytes,
    checks: ReadinessChecks | None = None,
    simulations: Simulations | None = None,
    alerts: AlertDesk | None = None,
) -> FastAPI:
    """The pages and the API, reading through `store`. Opens nothing; asks nothing before the first request.

    `opening_key` signs for how long something may be opened once a purpose was stated; processes of one site share it.
    `checks` are what else than ClickHouse and loading must hold for readiness. Without `simulations` no settings can be tried, without
    `alerts` none are shown.
    """
    context = Context(
        store=store,
        rules=rules,
        loading=loading,
        doctor=doctor,
        migrations=migrations,
        redetections=redetections,
        settings=settings,
        clock=clock,
        version=version,
        checks=checks or {},
        records=records,
        opening_key=opening_key,
        simulations=simulations,
        alerts=alerts,
    )
    pages = Pages(context)
    app = FastAPI(
        title="Parcours",
        version=version,
        description="Friction points of citizens' journeys across channels.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url="/api/v1/openapi.json",
        # FastAPI's own documentation pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        telemetry=NO_NATIVE_TELEMETRY,
        # A redirect would repeat the Host that the request claims.
        redirect_slashes=False,
    )
    handle_errors(app, context, pages)
    app.add_middleware(SmallBodies)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(HttpTelemetry, observe=InsightsMeters().observe_request)
    _include_routes(app, context, pages)
    return app


def _include_routes(app: FastAPI, context: Context, pages: Pages) -> None:
    for module in _API:
        app.include_router(module.routes(context))
    app.include_router(operations.health_routes(context))
    for page in _PAGES:
        app.include_router(page.routes(context, pages))
    if context.alerts is not None:  # messages tell times by these clocks, too
        alert_pages = Pages(context, context.alerts.zone)
        for page in _ALERT_PAGES:
            app.include_router(page.routes(context, alert_pages))
    app.include_router(static_routes())
