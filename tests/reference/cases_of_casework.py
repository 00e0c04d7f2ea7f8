"""Cases of the rules on teams, steps and documents."""

from tests.reference.case import Case, event
from tests.reference.rule_settings import HOUR_S

ON = {"ping_pong": {"enabled": True}, "rework": {"enabled": True}}


def teams(*names: str | None) -> list[dict]:
    """Events of one case, a minute apart, numbered from 1, each of a team or of none."""
    return [
        event(f"e{number}", "notice.sent", 60 * number, case="k", **({} if name is None else {"team": name}))
        for number, name in enumerate(names, start=1)
    ]


TEAMS = [
    Case(
        "ping-pong",
        "A case that comes back to a team after another one; any type of event shows it.",
        teams("A", "B", "A"),
        [("ping_pong", "e3")],
        overrides=ON,
        details={
            ("ping_pong", "e3"): {
                "figures": {"team": "A", "from_team": "B"},
                "parameters": {},
                "evidence": ["e1", "e3"],
                "case": "k",
            }
        },
    ),
    Case("ping-pong-is-off", "Without a setting the rule is off.", teams("A", "B", "A"), []),
    Case(
        "ping-pong-each-time",
        "Every return counts; staying does not, a team seen for the first time does not.",
        teams("A", "A", "B", "B", "A", "C", "B"),
        [("ping_pong", "e5"), ("ping_pong", "e7")],
        overrides=ON,
        details={
            ("ping_pong", "e5"): {"evidence": ["e2", "e5"]},
            ("ping_pong", "e7"): {"evidence": ["e4", "e7"], "figures": {"team": "B", "from_team": "C"}},
        },
    ),
    Case(
        "ping-pong-passes-over-events-without-team",
        "The latest earlier event with a team is compared.",
        teams("A", None, "B", None, "A", None, "A"),
        [("ping_pong", "e5")],
        overrides=ON,
    ),
    Case(
        "ping-pong-by-case",
        "Teams of different cases, or of no case, do not mix.",
        [
            event("a", "case.progressed", 0, case="k1", team="A"),
            event("b", "case.progressed", 1, case="k2", team="B"),
            event("c", "case.progressed", 2, case="k1", team="A"),
            event("d", "ticket.transferred", 3, team="A"),
            event("e", "ticket.transferred", 4, team="B"),
            event("f", "ticket.transferred", 5, team="A"),
        ],
        [],
        overrides=ON,
    ),
]

STEPS_AND_DOCUMENTS = [
    Case(
        "rework",
        "A step that the case had already; the latest earlier one is the evidence.",
        [
            event("a", "case.progressed", 0, case="k", step="check"),
            event("b", "case.progressed", 60, case="k", step="decide"),
            event("c", "case.progressed", 120, case="k", step="check"),
            event("d", "case.progressed", HOUR_S, case="k", step="check"),
        ],
        [("rework", "c"), ("rework", "d")],
        overrides=ON,
        details={
            ("rework", "c"): {"figures": {"gap_s": 120}, "parameters": {}, "evidence": ["a", "c"], "step": "check"},
            ("rework", "d"): {"figures": {"gap_s": 3_480}, "evidence": ["c", "d"]},
        },
    ),
    Case(
        "rework-is-off",
        "Without a setting the rule is off.",
        [event(name, "case.progressed", 0, case="k", step="check") for name in "ab"],
        [],
    ),
    Case(
        "rework-by-case-and-type",
        "Another case, no case, no step, or another type of event is no rework.",
        [
            event("a", "case.progressed", 0, case="k1", step="check"),
            event("b", "case.progressed", 1, case="k2", step="check"),
            event("c", "case.progressed", 2, step="check"),
            event("d", "case.progressed", 3, step="check"),
            event("e", "case.progressed", 4, case="k1"),
            event("f", "case.progressed", 5, case="k1"),
            event("g", "notice.sent", 6, case="k1", step="check"),
        ],
        [],
        overrides=ON,
    ),
    Case(
        "repeated-request",
        "A document already requested in the journey, in whatever case; the latest earlier one is the evidence.",
        [
            event("a", "information.requested", 0, case="k1", document="lease"),
            event("b", "information.requested", 60, case="k2", document="lease"),
            event("c", "information.requested", 180, document="lease"),
        ],
        [("repeated_request", "b"), ("repeated_request", "c")],
        details={
            ("repeated_request", "b"): {"evidence": ["a", "b"], "parameters": {}},
            ("repeated_request", "c"): {"evidence": ["b", "c"], "figures": {"document": "lease", "gap_s": 120}},
        },
    ),
    Case(
        "repeated-request-of-something-else",
        "Another document, none, another type of event or another service is no repetition.",
        [
            event("a", "information.requested", 0, document="lease"),
            event("b", "information.requested", 1, document="payslip"),
            event("c", "information.requested", 2),
            event("d", "information.requested", 3),
            event("e", "information.received", 4, document="lease"),
            event("f", "information.requested", 5, document="lease", service="tax"),
        ],
        [],
    ),
]

CASES = [*TEAMS, *STEPS_AND_DOCUMENTS]
