"""What synthetic citizens do: scripts of events, invented for measuring speed. No figure of theirs says anything of a real service.

Every script is a list of steps in order. A step happens where the journey's number of that name (drawn once, between 0 and 1)
lies in the step's range: so that steps exclude each other (answered or abandoned) or need each other (a third error after a
second).
"""

from typing import Final, NamedTuple

import numpy as np


class Step(NamedTuple):
    """One event that may happen. `gap_min` is the mean wait before it in minutes; `contact` numbers contacts, 0 is none."""

    type: str
    channel: str
    step: str
    gap_min: float
    draw: str = "always"
    low: float = 0.0
    high: float = 1.0
    contact: int = 0
    case: bool = False


class Script(NamedTuple):
    """One kind of journey and how often it is chosen."""

    name: str
    weight: float
    steps: list[Step]


SERVICES: Final = (
    "housing-benefit", "driving-licence", "building-permit", "child-benefit", "residence-permit", "business-register",
    "income-tax", "school-enrolment", "parking-permit", "civil-status", "pension", "waste-collection",
)  # fmt: skip
SERVICE_WEIGHTS: Final = (20, 15, 12, 10, 9, 8, 7, 6, 5, 4, 2, 2)
REGIONS: Final = 10
LEAVES_OF_REGION: Final = 10
TERRITORIES: Final = tuple(
    f"land/region-{region:02}/district-{region:02}-{leaf:02}"
    for region in range(REGIONS)
    for leaf in range(LEAVES_OF_REGION)
)

_MINUTE, _HOUR, _DAY = 1.0, 60.0, 1_440.0


def _web(*, through: bool) -> list[Step]:
    """A visit of the site with a form, sent or given up."""
    steps = [
        Step("page.viewed", "web", "home", 0),
        Step("search.performed", "web", "search", _MINUTE, "search", 0, 0.35),
        Step("page.viewed", "web", "guide", _MINUTE, "guide", 0, 0.6),
        Step("form.started", "web", "identity", 2 * _MINUTE),
        Step("form.step", "web", "identity", 2 * _MINUTE),
        Step("form.step", "web", "income", 3 * _MINUTE),
        Step("form.error", "web", "income", _MINUTE, "error", 0, 0.40),
        Step("form.error", "web", "income", _MINUTE, "error", 0, 0.18),
        Step("form.error", "web", "income", _MINUTE, "error", 0, 0.09),
        Step("click.repeated", "web", "income", _MINUTE, "click", 0, 0.05),
        Step("form.step", "web", "documents", 4 * _MINUTE, "reached", 0, 0.9),
        Step("form.saved", "web", "documents", 2 * _MINUTE, "saved", 0, 0.15),
        Step("form.error", "web", "documents", 2 * _MINUTE, "upload", 0, 0.12),
    ]
    if through:
        steps.append(Step("form.submitted", "web", "summary", 3 * _MINUTE))
    return steps


def _call(number: int, gap_min: float) -> list[Step]:
    """A call: answered, given up, or not let in; perhaps passed on."""
    draw = f"call{number}"
    return [
        Step("call.rejected", "phone", "", gap_min, draw, 0, 0.05, number),
        Step("call.queued", "phone", "", gap_min, draw, 0.05, 1, number),
        Step("call.abandoned", "phone", "", 8 * _MINUTE, draw, 0.05, 0.22, number),
        Step("call.answered", "phone", "", 6 * _MINUTE, draw, 0.22, 1, number),
        Step("call.transferred", "phone", "", 3 * _MINUTE, draw, 0.22, 0.34, number),
        Step("call.ended", "phone", "", 5 * _MINUTE, draw, 0.22, 1, number),
    ]


def _counter(number: int, gap_min: float) -> list[Step]:
    draw = f"counter{number}"
    return [
        Step("appointment.booked", "web", "appointment", gap_min / 2, draw, 0.5, 1),
        Step("ticket.taken", "counter", "", gap_min, contact=number),
        Step("ticket.noshow", "counter", "", 30 * _MINUTE, draw, 0, 0.04, number),
        Step("ticket.called", "counter", "", 15 * _MINUTE, draw, 0.04, 1, number),
        Step("ticket.served", "counter", "", 12 * _MINUTE, draw, 0.04, 1, number),
    ]


def _case(share: float = 1.0) -> list[Step]:
    """The back office at work on what was asked for."""
    return [
        Step("case.opened", "", "received", 2 * _HOUR, "case", 0, share, case=True),
        Step("information.requested", "letter", "documents", 6 * _DAY, "ask", 0, 0.22 * share, case=True),
        Step("information.received", "web", "documents", 5 * _DAY, "ask", 0, 0.19 * share, case=True),
        Step("case.progressed", "", "review", 8 * _DAY, "case", 0, share, case=True),
        Step("case.decided", "", "decision", 12 * _DAY, "case", 0, 0.95 * share, case=True),
        Step("notice.sent", "letter", "decision", _DAY, "case", 0, 0.95 * share, case=True),
        Step("case.reopened", "", "decision", 10 * _DAY, "again", 0, 0.02 * share, case=True),
        Step("feedback.given", "web", "feedback", _DAY, "feedback", 0, 0.3),
    ]


_LOOK: Final = [
    Step("page.viewed", "web", "home", 0),
    Step("search.performed", "web", "search", _MINUTE, "search", 0, 0.5),
    Step("page.viewed", "web", "guide", _MINUTE, "guide", 0, 0.8),
    Step("page.failed", "web", "guide", _MINUTE, "failed", 0, 0.03),
    Step("page.viewed", "web", "contact", _MINUTE, "contact", 0, 0.3),
]
_MESSAGE: Final = [
    Step("message.received", "email", "", 0, contact=5),
    Step("message.answered", "email", "", 3 * _DAY, "answered", 0, 0.8, 5),
    Step("message.received", "email", "", 4 * _DAY, "again", 0, 0.25, 6),
    Step("message.answered", "email", "", 3 * _DAY, "again", 0, 0.2, 6),
]

SCRIPTS: Final = (
    Script("look", 0.24, _LOOK),
    Script("form", 0.22, _web(through=True) + _case()),
    Script("form given up", 0.08, _web(through=False)),
    Script("form and call", 0.14, _web(through=False) + _call(1, 2 * _HOUR) + _call(2, _DAY) + _case(0.5)),
    Script(
        "call", 0.12, _call(1, 0) + _call(2, 2 * _DAY)[:2] + [Step("feedback.given", "phone", "", _DAY, "f", 0, 0.1)]
    ),
    Script("counter", 0.07, _LOOK[:3] + _counter(3, 3 * _DAY) + _case(0.6)),
    Script(
        "all channels", 0.06, _web(through=False) + _call(1, _HOUR) + _call(2, _DAY) + _counter(3, 4 * _DAY) + _case()
    ),
    Script("message", 0.05, _MESSAGE + _call(1, 2 * _DAY)),
    Script("complaint", 0.02, [*_call(1, 0), Step("complaint.filed", "letter", "", 3 * _DAY), *_case(0.4)]),
)

CALENDAR_HOURS: Final = np.array(
    [1, 1, 1, 1, 1, 2, 5, 10, 25, 40, 42, 36, 24, 34, 38, 36, 30, 24, 18, 16, 14, 10, 6, 3], float
)
"""How many journeys begin in an hour of the day, UTC."""
CALENDAR_DAYS: Final = np.array([1.15, 1.05, 1.0, 0.95, 0.9, 0.4, 0.3])
"""And on a day of the week, from Monday."""

WORSE_FROM: Final = "2025-03-01"
WORSE_SERVICE: Final = "housing-benefit"
WORSE_FACTOR: Final = 2.0
"""Planted: from that day on, errors at step `income` of that service are twice as likely."""
REPAIRED_FROM: Final = "2025-09-01"
REPAIRED_SERVICE: Final = "driving-licence"
REPAIRED_SHIFT: Final = 0.10
"""Planted: from that day on, so large a share of that service's callers is answered who would have given up before."""
