"""Alerts by API: listed, told as they change, acted upon; silences, messages that were given up, tests of receivers."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.insights.alerts_choice import STATES, chosen, read_choice
from services.insights.alerts_desk import MAX_LETTER_CHARS, desk_of, found, silence_values, typed_problems
from services.insights.alerts_feed import AlertsFeed
from services.insights.alerts_state import read_state
from services.insights.api.alerts_models import (
    Acknowledgement,
    AlertDocument,
    AlertList,
    AlertWithHistory,
    Assignment,
    Comment,
    Deliveries,
    PreviewDocument,
    Resolution,
    SilenceBody,
    SilenceDocument,
    SilenceList,
    TrialDocument,
    alert_document,
    letter_document,
    receiver_document,
    silence_document,
    step_document,
    text_or_none,
)
from services.insights.api.bodies import body_of, described
from services.insights.api.models import NOT_FOUND, PROBLEMS
from services.insights.api.records import VersionQuery
from services.insights.context import Context
from services.insights.filters import only_known, read_instant
from services.insights.language import N_
from services.insights.problems import Problem
from shared.alerts.finding import SEVERITIES
from shared.errors import NotDelivered
from shared.registry.alert_silences import SilenceValues

_CHANGES: Final[dict[int | str, dict[str, Any]]] = {409: {"description": "Changed by somebody else meanwhile"}}
_ANSWERS: Final = {**NOT_FOUND, **_CHANGES}
_FULL_RETRY_S: Final = 10


def routes(context: Context) -> APIRouter:
    """`/api/v1/alerts`: the list, `/events`, `/silences`, `/deliveries`, and `/{alert}` with what people do"""
    router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"], responses=PROBLEMS)
    _listing(router, context)
    _events(router, context)
    _silences(router, context)
    _deliveries(router, context)
    _one(router, context)
    _actions(router, context)
    return router


def _listing(router: APIRouter, context: Context) -> None:
    @router.get("", openapi_extra=described(AlertList))
    def alerts(
        request: Request,
        state: Annotated[str | None, Query(description="One of: " + ", ".join(STATES) + ".")] = None,
        service: Annotated[str | None, Query(description="A service's name.")] = None,
        severity: Annotated[str | None, Query(description="This or a graver: " + ", ".join(SEVERITIES) + ".")] = None,
        territory: Annotated[str | None, Query(description="A path: itself and everything below it.")] = None,
        since: Annotated[str | None, Query(description="Resolved since then; a week if left out.")] = None,
    ) -> Any:
        """Alerts: those that are open, or as asked for; what asks for attention first."""
        del state, service, severity, territory, since  # declared for OpenAPI, read below
        choice, desk, now_us = read_choice(request.query_params), desk_of(context), context.clock()
        found_state = read_state(desk, now_us)
        listed = AlertList(
            alerts=[alert_document(each) for each in chosen(desk, choice, now_us)],
            changes=found_state.changes,
            watch=found_state.watch,
            looked=text_or_none(found_state.looked_us),
            data_through=text_or_none(found_state.through_us),
        )
        return _answer(listed)


def _events(router: APIRouter, context: Context) -> None:
    feeds: list[AlertsFeed] = []

    # Not in the description: OpenAPI has no words for an answer that does not end, and tools that try each route would wait.
    @router.get("/events", include_in_schema=False)
    async def events(request: Request) -> Response:
        """Tells, as server-sent events, when alerts change: `id` is the number of changes. Look at the list again then."""
        only_known(request.query_params, ("lang",))
        desk = desk_of(context)
        if not feeds:
            stop = getattr(request.app.state, "stop", None)
            feeds.append(AlertsFeed(lambda: read_state(desk, context.clock()), stop.is_set if stop else lambda: False))
        if feeds[0].full():
            detail = N_("Too many pages listen already. Ask for the list from time to time instead.")
            raise Problem(503, "too-many-listeners", detail, retry_after_s=_FULL_RETRY_S)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(feeds[0].listen(), media_type="text/event-stream", headers=headers)


def _silences(router: APIRouter, context: Context) -> None:
    read = Depends(body_of(SilenceBody))

    @router.get("/silences", openapi_extra=described(SilenceList))
    def silences(request: Request) -> Any:
        """Silences and maintenances in force now or later, the first to begin first."""
        only_known(request.query_params, ("lang",))
        return _answer(SilenceList([silence_document(each) for each in desk_of(context).silences()]))

    @router.post("/silences", status_code=201, openapi_extra=described(SilenceDocument, SilenceBody, 201))
    def silence(request: Request, given: Any = read) -> Any:
        """Set a silence or announce a maintenance."""
        only_known(request.query_params, ("lang",))
        with typed_problems():
            return _answer(silence_document(desk_of(context).silence(_values(given))))

    @router.post("/silences/preview", openapi_extra=described(PreviewDocument, SilenceBody))
    def preview(request: Request, given: Any = read) -> Any:
        """What this silence would hide; nothing is set."""
        only_known(request.query_params, ("lang",))
        with typed_problems():
            hidden = desk_of(context).preview(_values(given))
        return _answer(
            PreviewDocument(
                [alert_document(each) for each in hidden.open], [alert_document(each) for each in hidden.past]
            )
        )

    @router.delete("/silences/{silence}", status_code=204, responses=_ANSWERS)
    def end(request: Request, silence: str, version: VersionQuery) -> None:
        """End it now; one that has not begun is removed."""
        only_known(request.query_params, ("version", "lang"))
        with typed_problems():
            desk_of(context).end_silence(silence, version)


def _values(given: SilenceBody) -> SilenceValues:
    begin_us, until_us = read_instant("from", given.begin), read_instant("until", given.until)
    return silence_values(msgspec.structs.asdict(given), begin_us or 0, until_us or 0)


def _deliveries(router: APIRouter, context: Context) -> None:
    @router.get("/deliveries", openapi_extra=described(Deliveries))
    def deliveries(request: Request) -> Any:
        """Who is told of alerts and what waits for them; the messages that were given up, the latest first."""
        only_known(request.query_params, ("lang",))
        desk = desk_of(context)
        backlogs = {each.receiver: each for each in desk.backlogs()}
        receivers = [receiver_document(each, backlogs.get(each.name)) for each in desk.receivers()]
        return _answer(Deliveries(receivers, [letter_document(each) for each in desk.letters()]))

    @router.post("/deliveries/{delivery}/retry", status_code=204, responses=_ANSWERS)
    def retry(request: Request, delivery: str) -> None:
        """Try a message that was given up again."""
        only_known(request.query_params, ("lang",))
        if len(delivery) > MAX_LETTER_CHARS or "\0" in delivery:
            raise Problem(404, "no-delivery", N_("There is no message of this name (any more)."))
        with typed_problems():
            desk_of(context).retry(delivery)

    @router.post("/receivers/{receiver}/test", responses=NOT_FOUND, openapi_extra=described(TrialDocument))
    def test(request: Request, receiver: str) -> Any:
        """Send this receiver a message that is plainly a test, and wait for its answer."""
        only_known(request.query_params, ("lang",))
        desk = desk_of(context)
        if receiver not in {each.name for each in desk.receivers()}:
            raise Problem(404, "no-receiver", N_("The settings name no such receiver."))
        try:
            desk.send_test(receiver)
        except NotDelivered as error:
            return _answer(TrialDocument(delivered=False, why=str(error)))
        return _answer(TrialDocument(delivered=True, why=""))


def _one(router: APIRouter, context: Context) -> None:
    @router.get("/{alert}", responses=NOT_FOUND, openapi_extra=described(AlertWithHistory))
    def alert(request: Request, alert: str) -> Any:
        """One alert, and what happened to it."""
        only_known(request.query_params, ("lang",))
        desk = desk_of(context)
        sheet = found(desk, alert)
        steps = [step_document(each) for each in desk.history(alert)]
        return _answer(AlertWithHistory(alert=alert_document(sheet), history=steps))


def _actions(router: APIRouter, context: Context) -> None:
    kinds = (Acknowledgement, Assignment, Comment, Resolution)
    acknowledged, assigned, commented, resolved = (Depends(body_of(kind)) for kind in kinds)

    @router.post("/{alert}/acknowledge", responses=_ANSWERS, openapi_extra=described(AlertDocument, Acknowledgement))
    def acknowledge(request: Request, alert: str, given: Any = acknowledged) -> Any:
        """Take it on for a while: nobody is reminded until then."""
        only_known(request.query_params, ("lang",))
        desk = desk_of(context)
        found(desk, alert)
        until_us = read_instant("until", given.until)
        with typed_problems():
            return _answer(alert_document(desk.acknowledge(alert, given.version, given.by, until_us, given.text)))

    @router.post("/{alert}/assign", responses=_ANSWERS, openapi_extra=described(AlertDocument, Assignment))
    def assign(request: Request, alert: str, given: Any = assigned) -> Any:
        """Give it to somebody; an empty `to` gives it back."""
        only_known(request.query_params, ("lang",))
        desk = desk_of(context)
        found(desk, alert)
        with typed_problems():
            return _answer(alert_document(desk.assign(alert, given.version, given.by, given.to)))

    @router.post("/{alert}/comment", responses=_ANSWERS, openapi_extra=described(AlertDocument, Comment))
    def comment(request: Request, alert: str, given: Any = commented) -> Any:
        """Write something to it."""
        only_known(request.query_params, ("lang",))
        desk = desk_of(context)
        found(desk, alert)
        with typed_problems():
            return _answer(alert_document(desk.comment(alert, given.version, given.by, given.text)))

    @router.post("/{alert}/resolve", responses=_ANSWERS, openapi_extra=described(AlertDocument, Resolution))
    def resolve(request: Request, alert: str, given: Any = resolved) -> Any:
        """End it by hand."""
        only_known(request.query_params, ("lang",))
        desk = desk_of(context)
        found(desk, alert)
        with typed_problems():
            return _answer(alert_document(desk.resolve(alert, given.version, given.by, given.text)))


def _answer(document: msgspec.Struct) -> Any:
    return msgspec.to_builtins(document)
