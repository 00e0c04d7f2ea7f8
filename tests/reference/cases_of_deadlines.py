"""Cases of the clock of a case: dues, pauses, closings."""

from tests.reference.case import US, Case, at, event
from tests.reference.rule_settings import DAY_S


def of_case(event_id: str, event_type: str, days: float, **fields: object) -> dict:
    """An event of the case `k`, so many days after the start; `due` in days too."""
    if "due" in fields:
        fields["due"] = fields["due"] * DAY_S  # type: ignore[operator]
    return event(event_id, event_type, days * DAY_S, case=fields.pop("case", "k"), **fields)


MICROSECOND_DAYS = US / DAY_S

OPENED = of_case("opened", "case.opened", 0, due=10)
MISSED = [("deadline_missed", "opened")]

DUES = [
    Case(
        "due-passes",
        "A due that passes while the case is open is a point at the due.",
        [OPENED],
        MISSED,
        details={
            ("deadline_missed", "opened"): {
                "time": at(10 * DAY_S),
                "figures": {"due": at(10 * DAY_S), "paused_s": 0},
                "parameters": {},
                "evidence": ["opened"],
                "case": "k",
            }
        },
    ),
    Case(
        "due-and-closed-at-the-same-instant",
        "A due is spent only strictly before an event: a case closed at the due has kept it.",
        [OPENED, of_case("closed", "case.closed", 10)],
        [],
    ),
    Case(
        "due-and-decided-a-microsecond-late",
        "A microsecond later it has not.",
        [OPENED, of_case("decided", "case.decided", 10 + MICROSECOND_DAYS)],
        MISSED,
    ),
    Case(
        "due-of-a-case-decided-in-time",
        "A decision closes as well.",
        [OPENED, of_case("decided", "case.decided", 9), of_case("note", "notice.sent", 20)],
        [],
    ),
    Case(
        "due-without-case",
        "A due of an event without case is none.",
        [event("a", "contact.made", 0, due=DAY_S)],
        [],
    ),
    Case(
        "due-of-any-event-of-the-case",
        "Any event of the case can announce the due, also of an unknown type.",
        [of_case("opened", "case.opened", 0), of_case("told", "promise.made", 1, due=2)],
        [("deadline_missed", "told")],
    ),
    Case(
        "due-before-its-own-time",
        "A due before its own event is not set; the one set before stays.",
        [OPENED, of_case("told", "notice.sent", 5, due=5 - MICROSECOND_DAYS), of_case("end", "case.closed", 8)],
        [],
    ),
    Case(
        "due-at-its-own-time",
        "A due at its own event's time is set, and passes.",
        [of_case("told", "notice.sent", 5, due=5)],
        [("deadline_missed", "told")],
    ),
    Case(
        "due-announced-anew",
        "Another due takes the place of the one before.",
        [OPENED, of_case("told", "notice.sent", 5, due=20), of_case("end", "case.closed", 15)],
        [],
    ),
    Case(
        "due-announced-after-one-was-missed",
        "Each due that passes is a point.",
        [OPENED, of_case("told", "notice.sent", 15, due=20)],
        [("deadline_missed", "opened"), ("deadline_missed", "told")],
    ),
    Case(
        "due-announced-to-and-fro",
        "A due given up and announced again is set anew by the later event.",
        [
            OPENED,
            of_case("later", "notice.sent", 1, due=20),
            of_case("back", "notice.sent", 2, due=10),
            of_case("end", "case.closed", 11),
        ],
        [("deadline_missed", "back")],
    ),
    Case(
        "due-announced-again",
        "The due that was last set, announced again, changes nothing: anchor and pauses stay.",
        [
            OPENED,
            of_case("ask", "information.requested", 2, document="lease"),
            of_case("got", "information.received", 4),
            of_case("again", "notice.sent", 7, due=10),
            of_case("end", "case.closed", 12 + MICROSECOND_DAYS),
        ],
        MISSED,
        details={
            ("deadline_missed", "opened"): {
                "time": at(12 * DAY_S),
                "figures": {"due": at(10 * DAY_S), "paused_s": 2 * DAY_S},
            }
        },
    ),
    Case(
        "due-announced-again-keeps-its-pauses",
        "So a case closed after the announced due, but before the paused one, has kept it.",
        [
            OPENED,
            of_case("ask", "information.requested", 2, document="lease"),
            of_case("got", "information.received", 4),
            of_case("again", "notice.sent", 7, due=10),
            of_case("end", "case.closed", 12),
        ],
        [],
    ),
    Case(
        "due-switched-off",
        "The rule can be switched off for one service.",
        [OPENED],
        [],
        overrides={"service": {"aid": {"deadline_missed": {"enabled": False}}}},
    ),
]

PAUSES = [
    Case(
        "pause-not-ended",
        "While something is awaited no due is spent.",
        [OPENED, of_case("ask", "information.requested", 2), of_case("note", "notice.sent", 30)],
        [],
    ),
    Case(
        "pause-begins-at-the-due",
        "A request exactly at the due comes in time.",
        [OPENED, of_case("ask", "information.requested", 10)],
        [],
    ),
    Case(
        "pause-begins-after-the-due",
        "A request after it does not undo it.",
        [OPENED, of_case("ask", "information.requested", 10 + MICROSECOND_DAYS)],
        MISSED,
    ),
    Case(
        "pause-of-the-first-request",
        "A second request while one is awaited does not begin the pause anew; one answer ends it.",
        [
            OPENED,
            of_case("ask", "information.requested", 2),
            of_case("more", "information.requested", 4),
            of_case("got", "information.received", 5),
        ],
        MISSED,
        details={
            ("deadline_missed", "opened"): {
                "time": at(13 * DAY_S),
                "figures": {"due": at(10 * DAY_S), "paused_s": 3 * DAY_S},
            }
        },
    ),
    Case(
        "pauses-add-up",
        "Every pause moves the due; an answer that nothing awaits does not.",
        [
            OPENED,
            of_case("got0", "information.received", 1),
            of_case("ask1", "information.requested", 2),
            of_case("got1", "information.received", 3),
            of_case("ask2", "information.requested", 11),
            of_case("got2", "information.received", 15),
            of_case("end", "case.closed", 16),
        ],
        MISSED,
        details={
            ("deadline_missed", "opened"): {
                "time": at(15 * DAY_S),
                "figures": {"due": at(10 * DAY_S), "paused_s": 5 * DAY_S},
            }
        },
    ),
    Case(
        "pause-of-a-due-set-while-waiting",
        "A due set while something is awaited pauses from then on.",
        [
            of_case("ask", "information.requested", 1),
            of_case("told", "notice.sent", 3, due=10),
            of_case("got", "information.received", 5),
        ],
        [("deadline_missed", "told")],
        details={
            ("deadline_missed", "told"): {
                "time": at(12 * DAY_S),
                "figures": {"due": at(10 * DAY_S), "paused_s": 2 * DAY_S},
            }
        },
    ),
    Case(
        "due-set-anew-forgets-pauses",
        "A due set anew is without the pauses counted so far.",
        [
            OPENED,
            of_case("ask", "information.requested", 1),
            of_case("got", "information.received", 4),
            of_case("told", "notice.sent", 5, due=11),
            of_case("end", "case.closed", 12),
        ],
        [("deadline_missed", "told")],
        details={
            ("deadline_missed", "told"): {"time": at(11 * DAY_S), "figures": {"due": at(11 * DAY_S), "paused_s": 0}}
        },
    ),
    Case(
        "pause-ended-before-a-due-is-set",
        "What was awaited and received before does not move a due set later.",
        [
            of_case("ask", "information.requested", 1),
            of_case("got", "information.received", 2),
            of_case("told", "notice.sent", 3, due=10),
        ],
        [("deadline_missed", "told")],
        details={("deadline_missed", "told"): {"figures": {"due": at(10 * DAY_S), "paused_s": 0}}},
    ),
    Case(
        "due-set-by-the-request-itself",
        "The due acts first: a request that announces it pauses it at once.",
        [
            of_case("ask", "information.requested", 1, due=10),
            of_case("got", "information.received", 2),
        ],
        [("deadline_missed", "ask")],
        details={
            ("deadline_missed", "ask"): {"time": at(11 * DAY_S), "figures": {"due": at(10 * DAY_S), "paused_s": DAY_S}}
        },
    ),
    Case(
        "due-set-by-the-answer-itself",
        "An answer that announces a due ends the wait at once.",
        [
            of_case("ask", "information.requested", 1),
            of_case("got", "information.received", 2, due=10),
        ],
        [("deadline_missed", "got")],
        details={
            ("deadline_missed", "got"): {"time": at(10 * DAY_S), "figures": {"due": at(10 * DAY_S), "paused_s": 0}}
        },
    ),
    Case(
        "pause-of-another-case",
        "A request of another case, or of none, pauses nothing.",
        [
            OPENED,
            of_case("ask", "information.requested", 2, case="other"),
            event("ask2", "information.requested", 3 * DAY_S),
        ],
        MISSED,
    ),
    Case(
        "pause-begun-before-the-case-closed",
        "A wait goes on through closing and reopening.",
        [
            OPENED,
            of_case("ask", "information.requested", 2),
            of_case("closed", "case.closed", 3),
            of_case("again", "case.reopened", 20),
            of_case("got", "information.received", 22),
        ],
        [("case_reopened", "again"), ("deadline_missed", "opened")],
        details={("deadline_missed", "opened"): {"time": at(30 * DAY_S)}},
    ),
]

CLOSINGS = [
    Case(
        "due-spent-while-closed",
        "A due that passes while the case is closed is spent, also when the case is reopened.",
        [OPENED, of_case("closed", "case.closed", 5), of_case("again", "case.reopened", 12)],
        [("case_reopened", "again")],
    ),
    Case(
        "due-of-a-case-reopened-in-time",
        "Reopened before the due, the case can miss it.",
        [OPENED, of_case("closed", "case.closed", 5), of_case("again", "case.reopened", 8)],
        [("case_reopened", "again"), ("deadline_missed", "opened")],
    ),
    Case(
        "due-of-a-case-reopened-at-the-due",
        "Reopened exactly at the due: the due is not yet spent, and passes while the case is open.",
        [OPENED, of_case("closed", "case.closed", 5), of_case("again", "case.reopened", 10)],
        [("case_reopened", "again"), ("deadline_missed", "opened")],
    ),
    Case(
        "due-set-by-reopening",
        "The event that reopens can announce a due.",
        [of_case("closed", "case.closed", 0), of_case("again", "case.reopened", 1, due=3)],
        [("case_reopened", "again"), ("deadline_missed", "again")],
    ),
    Case(
        "due-set-by-closing",
        "The event that closes can announce a due; nobody waits for it.",
        [of_case("closed", "case.closed", 0, due=3), of_case("note", "notice.sent", 4)],
        [],
    ),
    Case(
        "due-set-while-closed",
        "A closed case is not opened by further events.",
        [of_case("closed", "case.closed", 0), of_case("told", "notice.sent", 1, due=3)],
        [],
    ),
    Case(
        "closed-at-the-due-by-order",
        "At the same instant the order decides nothing for a due: it must lie strictly before.",
        [
            of_case("a", "case.opened", 0, due=0),
            of_case("b", "notice.sent", 0),
            of_case("c", "case.closed", 0),
        ],
        [],
    ),
]

CASES = [*DUES, *PAUSES, *CLOSINGS]
