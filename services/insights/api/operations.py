"""What the command line and operators ask: freshness, recount, migrations, detecting the past again; health."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from services.insights import queries
from services.insights.api.models import (
    NOT_FOUND,
    PROBLEMS,
    Freshness,
    RedetectionRequest,
    RedetectionStarted,
    RulesDocument,
)
from services.insights.context import Context
from services.insights.figures.summaries import loaded_streams
from services.insights.language import N_
from services.insights.problems import Problem
from shared.errors import StoreError
from shared.journey.instants import to_text
from shared.log.port import JOURNEY_EVENTS

MAX_READY_LAG_RECORDS = 10_000
"""Further behind, the figures are too old to be called ready."""


def routes(context: Context) -> APIRouter:
    """`/api/v1/freshness`, `/rules`, `/doctor`, `/migrations`, `/redetections`"""
    router = APIRouter(prefix="/api/v1", tags=["operations"], responses=PROBLEMS)

    @router.get("/freshness", response_model=Freshness)
    def freshness() -> dict[str, Any]:
        """How far each stream is loaded, and what still waits in the log."""
        lag = dict(context.loading.lag())
        streams = {
            name: {"log_id": each["log_id"], "next_offsets": each["next_offsets"], "at": to_text(each["at_us"])}
            for name, each in loaded_streams(context.store).items()
        }
        return {
            "streams": streams,
            "lag": lag,
            "events_lag": _events_lag(lag),
            "loader_alive": context.loading.alive(),
        }

    @router.get("/rules", response_model=RulesDocument)
    def rules() -> dict[str, Any]:
        """The settings of the rules in force, complete, and their version."""
        book = context.rules()
        return {"version": book.version, "document": book.document}

    @router.get("/doctor")
    def doctor() -> dict[str, Any]:
        """Recount the aggregates from the rows and check every part: what is wrong, and what to do."""
        return dict(context.doctor())

    @router.get("/migrations")
    def migrations() -> list[dict[str, Any]]:
        """The store's migrations in order, applied or planned."""
        return [dict(each) for each in context.migrations()]

    @router.post("/redetections", response_model=RedetectionStarted, status_code=202)
    def redetect(wanted: RedetectionRequest | None = None) -> dict[str, Any]:
        """Detect the past again under the rules in force and replace the points, in the background."""
        return {"run": context.redetections.start(wanted.service if wanted else None)}

    @router.get("/redetections/{run}", responses=NOT_FOUND)
    def redetection(run: str) -> dict[str, Any]:
        """How a run stands."""
        state = context.redetections.state(run)
        if state is None:
            raise Problem(404, "no-redetection", N_("No run of this name is known."))
        return dict(state)

    return router


def health_routes(context: Context) -> APIRouter:
    """`/healthz`, `/readyz`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    def healthz() -> dict[str, Any]:
        """The process answers."""
        return {"status": "ok"}

    @router.get("/readyz")
    def readyz(request: Request) -> JSONResponse:
        """A real query answers, the loader runs, what waits in the log is bounded, and the host's own checks hold."""
        del request
        checks = {"clickhouse": _clickhouse(context), "loader": _loader(context), "lag": _lag(context)}
        checks |= {name: check() for name, check in context.checks.items()}
        ready = all(text == "ok" for text in checks.values())
        return JSONResponse({"ready": ready, "checks": checks}, status_code=200 if ready else 503)

    return router


def _events_lag(lag: dict[str, int]) -> int | None:
    found = [records for stream, records in lag.items() if stream.startswith(JOURNEY_EVENTS)]
    return sum(found) if found else None


def _clickhouse(context: Context) -> str:
    question = queries.alive()
    try:
        context.store.query(question.sql, question.parameters)
    except StoreError as error:
        return str(error)
    return "ok"


def _loader(context: Context) -> str:
    return "ok" if context.loading.alive() else "The loader has stopped; the log of this process says why"


def _lag(context: Context) -> str:
    behind = {stream: records for stream, records in context.loading.lag().items() if records > MAX_READY_LAG_RECORDS}
    return "ok" if not behind else "Loading is behind: " + ", ".join(f"{name} {each}" for name, each in behind.items())
