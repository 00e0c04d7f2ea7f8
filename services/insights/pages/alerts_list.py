"""The list of alerts as a part of its page, made once for all who look at the same one."""

import hashlib
import threading
from collections import OrderedDict
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from services.insights.alerts_choice import CHOICE_NAMES, Choice, chosen, in_order, read_choice
from services.insights.alerts_desk import desk_of
from services.insights.alerts_state import AlertsState, read_state
from services.insights.context import Context
from services.insights.pages.alerts_words import SEVERITY_TITLES, STATE_TITLES, quiet_by
from services.insights.pages.rendering import Pages
from services.insights.ports import AlertDesk
from shared.alerts.sheet import Sheet
from shared.journey.instants import SECOND_US

SHOWN: Final = 100
"""So many are shown at first: more than anybody reads, few enough for any browser."""
ALL: Final = "all"
MAX_KEPT: Final = 32
_MINUTE_US: Final = 60 * SECOND_US
TEMPLATE: Final = "alerts_list.html"


class Listed(Struct, frozen=True, kw_only=True):
    """What the part shows. open: all that are open, whatever is chosen."""

    choice: Choice
    state: AlertsState
    sheets: list[Sheet]
    number: int
    shows_all: bool
    open: list[Sheet]

    def values(self) -> dict[str, Any]:
        """For the template."""
        return {
            "choice": self.choice,
            "state": self.state,
            "sheets": self.sheets,
            "number": self.number,
            "shows_all": self.shows_all,
            "firing": sum(each.state == "firing" and not each.suppressed_by for each in self.open),
            "acknowledged": sum(each.state == "acknowledged" and not each.suppressed_by for each in self.open),
            "quiet": sum(bool(each.suppressed_by) for each in self.open),
            "severities": SEVERITY_TITLES,
            "states": STATE_TITLES,
            "quiet_by": quiet_by,
        }


def read_list(context: Context, request: Request) -> Listed:
    """The list that is asked for. Raises `Problem`, `RegistryError`."""
    choice, desk, now_us = read_choice(request.query_params, ALL), desk_of(context), context.clock()
    shows_all = bool(request.query_params.get(ALL))
    state = read_state(desk, now_us)
    open_now = in_order(desk.open())
    sheets = _chosen(desk, choice, open_now, now_us)
    return Listed(
        choice=choice,
        state=state,
        sheets=sheets if shows_all else sheets[:SHOWN],
        number=len(sheets),
        shows_all=shows_all,
        open=open_now,
    )


def _chosen(desk: AlertDesk, choice: Choice, open_now: list[Sheet], now_us: int) -> list[Sheet]:
    if choice.state == "resolved":
        return list(chosen(desk, choice, now_us))
    return [each for each in open_now if choice.takes(each)]


class SharedList:
    """Keeps the part as it was made for each address, until alerts change; may be asked from any thread."""

    def __init__(self, context: Context, pages: Pages) -> None:
        self._context = context
        self._pages = pages
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], tuple[str, bytes]] = OrderedDict()

    def answer(self, request: Request) -> Response:
        """The part; 304 for whoever has it as it is."""
        choice = read_choice(request.query_params, ALL)
        now_us = self._context.clock()
        state = read_state(desk_of(self._context), now_us)
        language = self._context.language(request).code
        asked = tuple((name, request.query_params.get(name)) for name in (*CHOICE_NAMES, ALL, "lang"))
        minute = (state.looked_us or 0) // _MINUTE_US, now_us // _MINUTE_US if choice.state == "resolved" else 0
        key = (language, asked, state.changes, state.watch, state.undelivered, minute)
        with self._lock:
            if key not in self._kept:
                self._keep(key, request)
            tag, body = self._kept[key]
        headers = {"etag": tag, "content-language": language, "vary": "accept-language", "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="text/html; charset=utf-8", headers=headers)

    def _keep(self, key: tuple[object, ...], request: Request) -> None:
        made = self._pages.page(request, TEMPLATE, read_list(self._context, request).values())
        body = bytes(made.body)
        self._kept[key] = f'"{hashlib.sha256(body).hexdigest()[:24]}"', body
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
