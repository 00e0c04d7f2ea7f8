"""Who is told of alerts: receivers, each with a test; messages that were given up, each tried again on demand."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.insights.alerts_desk import MAX_LETTER_CHARS, desk_of, typed_problems
from services.insights.context import Context
from services.insights.filters import only_known
from services.insights.forms import read_form
from services.insights.language import N_
from services.insights.pages.alerts_words import RECEIVER_TITLES
from services.insights.pages.openings import link_of
from services.insights.pages.rendering import Pages
from services.insights.problems import Problem
from shared.errors import NotDelivered

SHOWN: Final = 200

Form = Annotated[Mapping[str, str], Depends(read_form)]


class Trial(Struct, frozen=True):
    """A test that was sent: to whom, and why it did not arrive ('' when it did)."""

    receiver: str
    why: str


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/alerts/deliveries`, with `/test` and `/retry`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/alerts/deliveries")
    def deliveries(request: Request) -> Response:
        """Receivers, and what was given up."""
        only_known(request.query_params, ("lang",))
        return _page(context, pages, request, None)

    @router.post("/alerts/deliveries/test")
    def test(request: Request, form: Form) -> Response:
        """Send a receiver a message that is plainly a test, and say whether it arrived."""
        only_known(request.query_params, ("lang",))
        desk, receiver = desk_of(context), form.get("receiver", "")
        if receiver not in {each.name for each in desk.receivers()}:
            raise Problem(422, "no-receiver", N_("The settings name no such receiver."))
        try:
            desk.send_test(receiver)
        except NotDelivered as error:
            return _page(context, pages, request, Trial(receiver, str(error)))
        return _page(context, pages, request, Trial(receiver, ""))

    @router.post("/alerts/deliveries/retry")
    def retry(request: Request, form: Form) -> Response:
        """Try a message again."""
        only_known(request.query_params, ("lang",))
        letter = form.get("delivery", "")
        if len(letter) > MAX_LETTER_CHARS:
            raise Problem(404, "no-delivery", N_("There is no message of this name (any more)."))
        with typed_problems():
            desk_of(context).retry(letter)
        return RedirectResponse(link_of(request)("/alerts/deliveries"), 303)

    return router


def _page(context: Context, pages: Pages, request: Request, trial: Trial | None) -> Response:
    desk = desk_of(context)
    letters = desk.letters()
    values = {
        "receivers": desk.receivers(),
        "backlogs": {each.receiver: each for each in desk.backlogs()},
        "kinds": RECEIVER_TITLES,
        "letters": letters[:SHOWN],
        "number": len(letters),
        "trial": trial,
    }
    return pages.page(request, "alerts_deliveries.html", values)
