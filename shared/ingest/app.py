"""The HTTP application of the ingest process: the gateways it is given, control, health and metrics."""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.ingest.control_routes import control_router
from shared.ingest.gateway import Gateway
from shared.ingest.openapi import describe
from shared.ingest.problem import problem_response, request_language
from shared.telemetry import EXPOSITION_TYPE, exposition
from shared.telemetry.requests import NO_NATIVE_TELEMETRY, HttpTelemetry

_log = logging.getLogger(__name__)
_REASON_OF_STATUS: Final = {404: "not_found", 405: "method_not_allowed"}


def build_ingest_app(
    gateway: Gateway,
    routers: Sequence[APIRouter],
    *,
    control: bool = True,
    metrics_text: Callable[[], bytes] = exposition,
) -> FastAPI:
    """The application; its lifespan starts and stops the gateway.

    `routers` are the gateways' own, `control` adds the routes for control events; `metrics_text` gives the process' metrics in Prometheus' text format.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await gateway.start()
        try:
            yield
        finally:
            await gateway.stop()

    def observe_request(route: str, status: int, seconds: float) -> None:
        gateway.meters.observe_request(route, status, seconds)

    app = FastAPI(
        title="Parcours ingest",
        summary="Where channel systems send the events of citizens' journeys",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=NO_NATIVE_TELEMETRY,
    )
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _internal_problem)
    for router in routers:
        app.include_router(router)
    if control:
        app.include_router(control_router(gateway))
    app.include_router(_operations_router(gateway, metrics_text))
    describe(app)
    app.add_middleware(HttpTelemetry, observe=observe_request)
    return app


def _operations_router(gateway: Gateway, metrics_text: Callable[[], bytes]) -> APIRouter:
    router = APIRouter(tags=["operations"], include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    @router.get("/readyz")
    async def readyz(request: Request) -> Response:
        checks = gateway.readiness()
        if all(checks.values()):
            return Response(msgspec.json.encode({"ready": True, "checks": checks}), media_type="application/json")
        reason = "low_space" if not checks["free_space"] else "not_ready"
        if not checks["log_writable"]:
            reason = "log_unavailable"
        return problem_response(
            503,
            reason,
            request_language(request),
            headers={"Retry-After": "1"},
            extension={"ready": False, "checks": checks},
        )

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(metrics_text(), headers={"Content-Type": EXPOSITION_TYPE})

    return router


async def _http_problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    reason = _REASON_OF_STATUS.get(status, "http_error")
    return problem_response(status, reason, request_language(request), headers=headers)


async def _internal_problem(request: Request, error: Exception) -> Response:
    """A defect: its text is never shown, since it may quote what a citizen sent."""
    _log.error("a request failed unexpectedly", exc_info=error)
    return problem_response(500, "internal", request_language(request))
