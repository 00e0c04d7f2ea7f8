"""Cases of the rules on waits, refusals, messages, ratings, and of the minutes a point carries."""

from tests.reference.case import US, Case, at, event
from tests.reference.rule_settings import DAY_S

ANSWERS = (
    "message.answered",
    "callback.made",
    "call.answered",
    "ticket.called",
    "notice.sent",
    "case.decided",
)

WAITS = [
    Case(
        "wait-above-the-limit-of-its-channel",
        "A wait at the limit is none, above it is a point; a channel without limit, or no channel, gives none.",
        [
            event("a", "call.answered", 0, channel="phone", wait_s=300),
            event("b", "call.answered", 1, channel="phone", wait_s=300.5),
            event("c", "ticket.called", 2, channel="counter", wait_s=1_200),
            event("d", "ticket.called", 3, channel="counter", wait_s=1_201),
            event("e", "ticket.called", 4, channel="web", wait_s=9_999),
            event("f", "ticket.called", 5, wait_s=9_999),
            event("g", "call.answered", 6, channel="phone"),
            event("h", "ticket.served", 7, channel="counter", wait_s=9_999),
        ],
        [("long_wait", "b"), ("long_wait", "d")],
        details={
            ("long_wait", "b"): {
                "figures": {"wait_s": 300.5},
                "parameters": {"limit_s": 300},
                "evidence": ["b"],
                "minutes_citizen": 300.5 / 60,
                "minutes_administration": None,
            }
        },
    ),
    Case(
        "wait-limit-of-one-channel-of-one-service",
        "A limit set for one channel of one service leaves its other channels as they are.",
        [
            event("a", "call.answered", 0, channel="phone", wait_s=61),
            event("b", "ticket.called", 1, channel="counter", wait_s=1_201),
            event("c", "ticket.called", 2, channel="counter", wait_s=100),
            event("d", "call.answered", 0, channel="phone", wait_s=61, service="tax"),
        ],
        [("long_wait", "a"), ("long_wait", "b")],
        overrides={"service": {"aid": {"long_wait": {"limit_s": {"phone": 60}}}}},
    ),
    Case(
        "queue-abandoned-at-the-minimum",
        "A wait at the minimum of its channel is a point, below it is none.",
        [
            event("a", "call.abandoned", 0, channel="phone", wait_s=9.999),
            event("b", "call.abandoned", 1, channel="phone", wait_s=10),
            event("c", "ticket.noshow", 2, channel="counter", wait_s=299),
            event("d", "ticket.noshow", 3, channel="counter", wait_s=300),
        ],
        [("queue_abandoned", "b"), ("queue_abandoned", "d")],
        details={
            ("queue_abandoned", "b"): {
                "figures": {"wait_s": 10},
                "parameters": {"minimum_s": 10},
                "minutes_citizen": 10 / 60,
            }
        },
    ),
    Case(
        "queue-abandoned-without-minimum-or-wait",
        "Where there is no minimum, or the wait is not known, it is met.",
        [
            event("a", "call.abandoned", 0, channel="phone"),
            event("b", "call.abandoned", 1, channel="chat", wait_s=0),
            event("c", "ticket.noshow", 2, wait_s=1),
        ],
        [("queue_abandoned", "a"), ("queue_abandoned", "b"), ("queue_abandoned", "c")],
        details={
            ("queue_abandoned", "a"): {"figures": {}, "parameters": {"minimum_s": 10}, "minutes_citizen": None},
            ("queue_abandoned", "b"): {"figures": {"wait_s": 0}, "parameters": {}, "minutes_citizen": 0},
        },
    ),
    Case(
        "single-events",
        "A repeated click, a refused call and a reopened case are points by themselves, each time.",
        [
            event("a", "click.repeated", 0, step="address"),
            event("b", "click.repeated", 1),
            event("c", "click.dead", 2),
            event("d", "call.rejected", 3),
            event("e", "case.reopened", 4),
            event("f", "case.reopened", 5, case="k"),
        ],
        [
            ("case_reopened", "e"),
            ("case_reopened", "f"),
            ("repeated_click", "a"),
            ("repeated_click", "b"),
            ("turned_away", "d"),
        ],
        details={("repeated_click", "a"): {"figures": {}, "parameters": {}, "evidence": ["a"], "step": "address"}},
    ),
    Case(
        "rating-at-or-below-the-limit",
        "At the limit is a point, above it or without rating is none; only feedback is judged.",
        [
            event("a", "feedback.given", 0, rating=2),
            event("b", "feedback.given", 1, rating=2.5),
            event("c", "feedback.given", 2),
            event("d", "agent.feedback", 3, rating=1),
        ],
        [("low_rating", "a")],
        details={("low_rating", "a"): {"figures": {"rating": 2}, "parameters": {"limit": 2}}},
    ),
    Case(
        "rule-off-for-one-service",
        "A rule can be switched off for one service, and on for one.",
        [
            event("a", "click.repeated", 0),
            event("b", "click.repeated", 0, service="tax"),
            event("c", "case.progressed", 1, case="k", step="check"),
            event("d", "case.progressed", 2, case="k", step="check"),
            event("e", "case.progressed", 1, case="k", step="check", service="tax"),
            event("f", "case.progressed", 2, case="k", step="check", service="tax"),
        ],
        [("repeated_click", "b"), ("rework", "d")],
        overrides={"service": {"aid": {"repeated_click": {"enabled": False}, "rework": {"enabled": True}}}},
    ),
    Case(
        "minutes-from-the-table",
        "Minutes come from the settings' table, one figure or one per channel; a measured wait comes first.",
        [
            event("a", "click.repeated", 0, channel="web"),
            event("b", "call.rejected", 1, channel="phone"),
            event("c", "call.abandoned", 2, channel="phone", wait_s=90),
            event("d", "call.abandoned", 3, channel="phone"),
        ],
        [
            ("queue_abandoned", "c"),
            ("queue_abandoned", "d"),
            ("repeated_click", "a"),
            ("turned_away", "b"),
        ],
        overrides={
            "minutes": {
                "repeated_click": {"citizen_min": 2, "source": "survey"},
                "turned_away": {
                    "citizen_min": {"web": 4},
                    "administration_min": {"phone": 0.5},
                    "source": "survey",
                },
                "queue_abandoned": {"citizen_min": 3, "administration_min": 1, "source": "survey"},
            }
        },
        details={
            ("repeated_click", "a"): {"minutes_citizen": 2, "minutes_administration": None},
            ("turned_away", "b"): {"minutes_citizen": None, "minutes_administration": 0.5},
            ("queue_abandoned", "c"): {"minutes_citizen": 1.5, "minutes_administration": 1},
            ("queue_abandoned", "d"): {"minutes_citizen": 3, "minutes_administration": 1},
        },
    ),
]

MESSAGES = [
    *(
        Case(
            f"message-answered-by-{answer.replace('.', '-')}",
            "An answer exactly at the end of the window is one.",
            [event("a", "message.received", 0), event("b", answer, 5 * DAY_S)],
            [],
        )
        for answer in ANSWERS
    ),
    Case(
        "message-answered-too-late",
        "A microsecond after the window the message stays unanswered, at its time plus the window.",
        [event("a", "message.received", 0), event("b", "message.answered", 5 * DAY_S + US)],
        [("unanswered_message", "a")],
        details={
            ("unanswered_message", "a"): {
                "time": at(5 * DAY_S),
                "figures": {},
                "parameters": {"window_s": 432_000},
                "evidence": ["a"],
            }
        },
    ),
    Case(
        "message-not-answered-by-other-events",
        "A visit or a phone call that only begins is no answer.",
        [event("a", "message.received", 0), event("b", "call.queued", 60), event("c", "case.closed", 120)],
        [("unanswered_message", "a")],
    ),
    Case(
        "message-answered-earlier-at-the-same-instant",
        "An answer follows in order: at the same instant, with a lower id, it does not.",
        [
            event("a", "message.answered", 0),
            event("b", "message.received", 0),
            event("c", "message.received", 0),
            event("d", "message.received", 0, subject="p1-bob"),
            event("e", "notice.sent", 0, subject="p1-bob"),
        ],
        [("unanswered_message", "b"), ("unanswered_message", "c")],
    ),
    Case(
        "message-one-answer-for-several",
        "One answer answers all messages within their windows before it.",
        [
            event("a", "message.received", 0),
            event("b", "message.received", 60),
            event("c", "message.answered", 120),
            event("d", "message.received", 180),
        ],
        [("unanswered_message", "d")],
    ),
    Case(
        "callback-within-two-days",
        "A wish to be called back has a window of its own.",
        [
            event("a", "callback.requested", 0),
            event("b", "callback.made", 2 * DAY_S),
            event("c", "callback.requested", 3 * DAY_S),
            event("d", "callback.made", 5 * DAY_S + US),
        ],
        [("unanswered_message", "c")],
        details={("unanswered_message", "c"): {"time": at(5 * DAY_S), "parameters": {"callback_window_s": 172_800}}},
    ),
]

CASES = [*WAITS, *MESSAGES]
