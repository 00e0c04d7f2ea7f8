"""`parcours redetect`: detect the past again under the rules in force."""

import time
from collections.abc import Callable
from typing import Final, Literal

import click
from msgspec import Struct

from services.commands.progress import stderr_progress
from services.commands.report import read_as
from services.commands.site import Site
from shared.client.http_client import ServiceClient
from shared.client.progress import Progress
from shared.errors import ParcoursError

REDETECTIONS_PATH: Final = "/api/v1/redetections"
POLL_S: Final = 0.5
MAX_STANDSTILL_S: Final = 300.0


class RunState(Struct, frozen=True):
    """The answer of `/api/v1/redetections/{run}`: journeys `done` of `total`; `problem` says why it failed."""

    state: Literal["running", "finished", "failed"]
    done: int = 0
    total: int = 0
    problem: str = ""


@click.command(
    "redetect",
    short_help="Detect the past again.",
    epilog="""\b
Examples:
  parcours redetect
  parcours redetect --service housing-benefit""",
)
@click.option("--service", help="Only the journeys of this procedure.")
@click.pass_obj
def redetect_command(site: Site, service: str | None) -> None:
    """Detect the whole past again under the rules in force, and replace the friction points.

    Needed when rules have changed, or events came too late. Ctrl-C leaves the run going on in the platform.
    """
    with site.analytics() as analytics:
        body = {} if service is None else {"service": service}
        run = read_as(dict[str, str], analytics.json("POST", REDETECTIONS_PATH, body))["run"]
        state = follow_run(analytics, run, stderr_progress(), time.sleep)
    click.echo(f"Detected again: {state.done:,} journeys (run {run}).")


def follow_run(
    analytics: ServiceClient,
    run: str,
    progress: Progress,
    sleep: Callable[[float], None],
    standstill_s: float = MAX_STANDSTILL_S,
) -> RunState:
    """Shows a run until it is finished. Raises `ParcoursError` when it fails, or nothing moves for `standstill_s`."""
    shown_total, done, still_s = -1, -1, 0.0
    while True:
        state = read_as(RunState, analytics.json("GET", f"{REDETECTIONS_PATH}/{run}"))
        if state.total != shown_total:
            shown_total = state.total
            progress.begin("Detecting again", state.total, "journeys")
        progress.advance(state.done)
        if state.state != "running":
            break
        still_s = 0.0 if state.done != done else still_s + POLL_S
        done = state.done
        if still_s > standstill_s:
            raise ParcoursError(f"run {run} has not moved for {standstill_s:.0f} s; `parcours doctor` says more")
        sleep(POLL_S)
    progress.end()
    if state.state == "failed":
        raise ParcoursError(f"run {run} failed: {state.problem or 'the log of the platform says why'}")
    return state
