"""Trying other settings of a rule on the past, by API: begin, look, end. The result is the figure `what-if`."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.requests import Request

from services.insights.api.models import NOT_FOUND, PROBLEMS
from services.insights.api.parameters import filters_with
from services.insights.context import Context
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import SimulationRun, Simulations
from services.insights.problems import Problem
from services.insights.scenarios import OPTIONS, read_scenario
from shared.detection.what_if import SimulationRefused
from shared.journey.instants import to_text


class SimulationState(BaseModel):
    """A simulation as it stands. `state`: `running`, `finished`, `failed` (`why`) or `cancelled`; `done` of `total` steps.

    One person in `one_in` was looked at; `people` (each counted once for each service) have `events` in all.
    """

    name: str
    state: str
    why: str
    done: int
    total: int
    one_in: int
    people: int
    events: int
    computed_at: str | None


_OPTIONS: Final = {
    "parameters": [
        {
            "name": name,
            "in": "query",
            "required": False,
            "schema": {"type": "string"},
            "description": "The rule's setting, in the units of the rule file (`enabled`: 0 or 1); as in force if left out.",
        }
        for name in OPTIONS
    ]
}


def routes(context: Context) -> APIRouter:
    """`/api/v1/simulations`, `/api/v1/simulations/NAME`"""
    router = APIRouter(prefix="/api/v1", tags=["simulations"], responses={**PROBLEMS, **NOT_FOUND})

    @router.post("/simulations", response_model=SimulationState, status_code=202, openapi_extra=_OPTIONS)
    def begin(request: Request, filters: Annotated[Filters, Depends(filters_with(*OPTIONS))]) -> dict[str, Any]:
        """Try other settings of `rule` on the events of a period, in the background; nothing is written anywhere.

        Once finished, the figure `what-if` with the same parameters holds the result.
        """
        query, in_force = request.query_params, context.rules().document
        scenario = read_scenario(filters, {name: query[name] for name in OPTIONS if name in query}, in_force)
        simulations = simulations_of(context)
        try:
            name = simulations.start(scenario, in_force)
        except SimulationRefused:
            raise Problem(409, "simulation-refused", REFUSED) from None
        return _state(_found(simulations, name))

    @router.get("/simulations/{name}", response_model=SimulationState)
    def look(name: str) -> dict[str, Any]:
        """How a simulation stands."""
        return _state(_found(simulations_of(context), name))

    @router.delete("/simulations/{name}", response_model=SimulationState)
    def end(name: str) -> dict[str, Any]:
        """End a simulation under way; nothing of it is kept."""
        simulations = simulations_of(context)
        _found(simulations, name)
        simulations.cancel(name)
        return _state(_found(simulations, name))

    return router


REFUSED: Final = N_(
    "Another simulation is under way: only one is made at a time. Wait until it is finished, or end it."
)


def simulations_of(context: Context) -> Simulations:
    """The simulations of the host. Raises `Problem` 503 where it offers none."""
    if context.simulations is None:
        raise Problem(503, "no-simulations", N_("Settings cannot be tried on this platform."))
    return context.simulations


def _found(simulations: Simulations, name: str) -> SimulationRun:
    run = simulations.find(name)
    if run is None:
        raise Problem(404, "no-simulation", N_("No simulation of this name is known."))
    return run


def _state(run: SimulationRun) -> dict[str, Any]:
    names = ("name", "state", "why", "done", "total", "one_in", "people", "events")
    computed = to_text(run.computed_us) if run.computed_us else None
    return {name: getattr(run, name) for name in names} | {"computed_at": computed}
