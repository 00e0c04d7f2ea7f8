"""Cases of what a journey is: subjects, services, identities, cuts. A repeated request shows whether two events meet."""

from tests.reference.case import US, Case, event
from tests.reference.rule_settings import DAY_S, HOUR_S


def asked(event_id: str, seconds: float, **fields: object) -> dict:
    """A request for the lease: the second one in a journey is a point."""
    return event(event_id, "information.requested", seconds, document="lease", **fields)


MEET = [("repeated_request", "b")]


def pages(count: int) -> list[dict]:
    """Pages viewed, a second apart, from the first second on."""
    return [event(f"page{number:05}", "page.viewed", number) for number in range(1, count + 1)]


IDENTITY = [
    Case(
        "other-subject-or-service",
        "A journey is of one subject and one service.",
        [asked("a", 0), asked("b", 60, subject="p1-bob"), asked("c", 120, service="tax")],
        [],
    ),
    Case(
        "without-subject",
        "An event without subject belongs to no journey.",
        [event("a", "click.repeated", 0, subject=None), event("b", "click.repeated", 1)],
        [("repeated_click", "b")],
    ),
    Case(
        "one-event-sent-twice",
        "An identity counts once however often it comes.",
        [asked("a", 0), asked("a", 0), event("click", "click.repeated", 1), event("click", "click.repeated", 1)],
        [("repeated_click", "click")],
    ),
    Case(
        "same-id-of-two-sources",
        "The same id of another source is another event.",
        [asked("b", 0, source="/x"), asked("b", 60, source="/y")],
        MEET,
        details={("repeated_request", "b"): {"evidence": ["b", "b"], "evidence_sources": ["/x", "/y"], "source": "/y"}},
    ),
    Case(
        "in-any-order",
        "The order in which events come does not matter.",
        [asked("b", 60), asked("a", 0)],
        MEET,
    ),
]

CUTS = [
    Case("gap-of-90-days", "90 days do not cut.", [asked("a", 0), asked("b", 90 * DAY_S)], MEET),
    Case(
        "gap-over-90-days",
        "More than 90 days cut; the point after it counts its cuts from 0.",
        [asked("a", 0), asked("b", 90 * DAY_S + US), event("click", "click.repeated", 91 * DAY_S)],
        [("repeated_click", "click")],
        details={("repeated_click", "click"): {"cut": 1}},
    ),
    Case(
        "gap-bridged-by-any-event",
        "An event of an unknown type belongs to its journey.",
        [asked("a", 0), event("odd", "moon.risen", 60 * DAY_S), asked("b", 120 * DAY_S)],
        MEET,
        details={("repeated_request", "b"): {"cut": 0}},
    ),
    Case(
        "gap-of-400-days-with-an-open-case",
        "While a case is open, 400 days do not cut.",
        [asked("a", 0, case="k"), asked("b", 400 * DAY_S)],
        MEET,
    ),
    Case(
        "gap-over-400-days-with-an-open-case",
        "More than 400 days do.",
        [asked("a", 0, case="k"), asked("b", 400 * DAY_S + US)],
        [],
    ),
    Case(
        "gap-after-the-case-closed",
        "Once its cases are closed, 90 days count again; another event of the case does not open it.",
        [
            event("done", "case.decided", 0, case="k"),
            asked("a", 1, case="k"),
            asked("b", 1 + 90 * DAY_S + US, case="k"),
        ],
        [],
    ),
    Case(
        "gap-with-one-of-two-cases-open",
        "One open case is enough.",
        [
            event("closed", "case.closed", 0, case="k1"),
            asked("a", 1, case="k2"),
            asked("b", 1 + 400 * DAY_S),
        ],
        MEET,
    ),
    Case(
        "gap-with-a-case-reopened",
        "A reopened case is open again.",
        [
            event("closed", "case.closed", 0, case="k"),
            event("again", "case.reopened", 1, case="k"),
            asked("a", 2),
            asked("b", 2 + 400 * DAY_S),
        ],
        [("case_reopened", "again"), *MEET],
    ),
    Case(
        "gap-with-a-case-of-before-the-cut",
        "A case open before a cut is not known after it.",
        [
            event("opened", "case.opened", 0, case="k"),
            asked("a", 400 * DAY_S + US),
            asked("b", 490 * DAY_S + 2 * US),
        ],
        [],
    ),
    Case(
        "gap-of-settings",
        "Both gaps can be set.",
        [asked("a", 0), asked("b", HOUR_S + US), asked("c", 2 * HOUR_S + US, case="k"), asked("d", 5 * HOUR_S)],
        [("repeated_request", "c"), ("repeated_request", "d")],
        overrides={"journey": {"gap_s": 3_600, "open_case_gap_s": 10_800}},
    ),
    Case(
        "no-rule-looks-across-a-cut",
        "Neither a contact nor an answer nor a due is seen across a cut.",
        [
            event("a", "call.queued", 0, contact="c1"),
            event("b", "message.received", 1_800),
            event("gone", "call.abandoned", 2 * HOUR_S, contact="c1"),
            event("answer", "message.answered", 2 * HOUR_S + 1),
            event("again", "call.queued", 3 * HOUR_S, contact="c1"),
        ],
        [("queue_abandoned", "gone"), ("repeat_contact", "b"), ("unanswered_message", "b")],
        overrides={"journey": {"gap_s": 3_600, "open_case_gap_s": 3_600}},
        details={("queue_abandoned", "gone"): {"cut": 1}, ("repeat_contact", "b"): {"cut": 0}},
    ),
    Case(
        "due-passes-after-a-cut",
        "A due that passes beyond a cut is a point of the journey that announced it.",
        [
            event("opened", "case.opened", 0, case="k", due=2 * HOUR_S),
            event("closed", "case.closed", HOUR_S + US, case="k"),
        ],
        [("deadline_missed", "opened")],
        overrides={"journey": {"gap_s": 3_600, "open_case_gap_s": 3_600}},
        details={("deadline_missed", "opened"): {"cut": 0}},
    ),
    Case(
        "the-5000th-event",
        "A journey holds 5,000 events.",
        [asked("a", 0), *pages(4_998), asked("b", 6_000)],
        MEET,
    ),
    Case(
        "the-5001st-event",
        "Before its 5,001st event it is cut.",
        [asked("a", 0), *pages(4_999), asked("b", 6_000), asked("c", 6_001)],
        [("repeated_request", "c")],
        details={("repeated_request", "c"): {"cut": 1, "evidence": ["b", "c"]}},
    ),
    Case(
        "the-5001st-event-of-an-open-case",
        "The case begins anew with the journey: its due and its first event are those after the cut.",
        [
            event("opened", "case.opened", 0, case="k", due=10 * DAY_S),
            *pages(4_999),
            event("closed", "case.closed", 6_000, case="k"),
        ],
        [("deadline_missed", "opened")],
    ),
]

CASES = [*IDENTITY, *CUTS]
