"""Cases of the rules on forms: abandoned runs and loops of errors."""

from tests.reference.case import US, Case, at, event
from tests.reference.rule_settings import DAY_S, HOUR_S, MINUTE_S

RUNS = [
    Case(
        "form-run-goes-on-at-the-window",
        "A run goes on while the next form event follows within 24 hours; its last event is the point.",
        [event("a", "form.started", 0), event("b", "form.step", DAY_S, step="address")],
        [("form_abandoned", "b")],
        details={
            ("form_abandoned", "b"): {
                "time": at(2 * DAY_S),
                "figures": {"form_events": 2, "saved": 0},
                "parameters": {"window_s": 86_400},
                "evidence": ["b"],
                "step": "address",
            }
        },
    ),
    Case(
        "form-run-ends-beyond-the-window",
        "A microsecond later another run begins.",
        [event("a", "form.started", 0), event("b", "form.step", DAY_S + US)],
        [("form_abandoned", "a"), ("form_abandoned", "b")],
        details={("form_abandoned", "b"): {"figures": {"form_events": 1, "saved": 0}}},
    ),
    Case(
        "form-saved-waits-longer",
        "Directly after a saved form the longer window holds, inclusive.",
        [event("a", "form.saved", 0), event("b", "form.step", 7 * DAY_S)],
        [("form_abandoned", "b")],
        details={("form_abandoned", "b"): {"figures": {"form_events": 2, "saved": 0}}},
    ),
    Case(
        "form-saved-beyond-the-longer-window",
        "A saved form left for longer is abandoned, seven days later.",
        [event("a", "form.step", 0), event("b", "form.saved", 60), event("c", "form.step", 60 + 7 * DAY_S + US)],
        [("form_abandoned", "b"), ("form_abandoned", "c")],
        details={
            ("form_abandoned", "b"): {
                "time": at(60 + 7 * DAY_S),
                "figures": {"form_events": 2, "saved": 1},
                "parameters": {"saved_window_s": 604_800},
            }
        },
    ),
    Case(
        "form-saved-longer-window-only-directly-after",
        "After another form event the short window holds again.",
        [
            event("a", "form.saved", 0),
            event("b", "form.step", HOUR_S),
            event("c", "form.step", HOUR_S + DAY_S + US),
        ],
        [("form_abandoned", "b"), ("form_abandoned", "c")],
    ),
    Case(
        "form-submitted",
        "A submitted form ends the run without a point; what follows is another run.",
        [
            event("a", "form.started", 0),
            event("b", "form.submitted", DAY_S),
            event("c", "form.started", DAY_S + 60),
        ],
        [("form_abandoned", "c")],
        details={("form_abandoned", "c"): {"figures": {"form_events": 1, "saved": 0}}},
    ),
    Case(
        "form-submitted-too-late",
        "A form submitted after the window ends no run but its own.",
        [event("a", "form.started", 0), event("b", "form.submitted", DAY_S + US)],
        [("form_abandoned", "a")],
    ),
    Case(
        "form-with-an-outcome",
        "Any form event with an outcome ends the run without a point.",
        [
            event("a", "form.started", 0),
            event("b", "form.step", 60, outcome="not_eligible"),
            event("c", "form.saved", HOUR_S, outcome="done"),
        ],
        [],
    ),
    Case(
        "form-then-case-opened",
        "A case opened exactly at the end of the window ends the run without a point.",
        [event("a", "form.step", 0), event("b", "case.opened", DAY_S, case="k")],
        [],
    ),
    Case(
        "form-then-case-opened-too-late",
        "A microsecond later it does not.",
        [event("a", "form.step", 0), event("b", "case.opened", DAY_S + US, case="k")],
        [("form_abandoned", "a")],
    ),
    Case(
        "form-saved-then-case-opened",
        "After a saved form the longer window holds for the case too.",
        [event("a", "form.saved", 0), event("b", "case.opened", 7 * DAY_S)],
        [],
    ),
    Case(
        "form-case-opened-before-at-the-same-instant",
        "A case opened earlier in order, at the same instant, ends nothing.",
        [
            event("a", "case.opened", 0),
            event("b", "form.step", 0),
            event("y", "form.step", 0, subject="p1-bob"),
            event("z", "case.opened", 0, subject="p1-bob"),
        ],
        [("form_abandoned", "b")],
    ),
    Case(
        "form-goes-on-after-case-opened",
        "A form event after the case begins another run.",
        [
            event("a", "form.step", 0),
            event("b", "case.opened", HOUR_S),
            event("c", "form.step", 2 * HOUR_S),
        ],
        [("form_abandoned", "c")],
        details={("form_abandoned", "c"): {"figures": {"form_events": 1, "saved": 0}}},
    ),
    Case(
        "form-windows-of-one-service",
        "Both windows can be set for one service.",
        [
            event("a", "form.step", 0),
            event("b", "form.saved", HOUR_S + US),
            event("c", "form.submitted", 3 * HOUR_S + 2 * US),
        ],
        [("form_abandoned", "a"), ("form_abandoned", "b")],
        overrides={"service": {"aid": {"form_abandoned": {"window_s": 3_600, "saved_window_s": 7_200}}}},
    ),
]


def errors(*minutes: float, step: str | None = "income", prefix: str = "e") -> list[dict]:
    """Errors on one step, numbered from 1, so many minutes after the start."""
    data = {} if step is None else {"step": step}
    return [
        event(f"{prefix}{number}", "form.error", minute * MINUTE_S, **data)
        for number, minute in enumerate(minutes, start=1)
    ]


SENT = [event("sent", "form.submitted", HOUR_S * 3)]

LOOPS = [
    Case(
        "errors-three-at-the-window",
        "The third error on a step exactly at the end of the window is the point.",
        [*errors(0, 1, 30), *SENT],
        [("error_loop", "e3")],
        details={
            ("error_loop", "e3"): {
                "figures": {"errors": 3, "span_s": 1_800},
                "parameters": {"count": 3, "window_s": 1_800},
                "evidence": ["e1", "e2", "e3"],
                "step": "income",
            }
        },
    ),
    Case(
        "errors-three-beyond-the-window",
        "A microsecond later there are only two within the window.",
        [*errors(0, 1), event("e3", "form.error", 30 * MINUTE_S + US, step="income"), *SENT],
        [],
    ),
    Case(
        "errors-window-slides",
        "The window goes back from each error: the first may fall out.",
        [*errors(0, 20, 31, 40), *SENT],
        [("error_loop", "e4")],
        details={("error_loop", "e4"): {"evidence": ["e2", "e3", "e4"], "figures": {"errors": 3, "span_s": 1_200}}},
    ),
    Case(
        "errors-count-anew-after-a-point",
        "Only errors after the last point on the step count: seven in a row are two points.",
        [*errors(0, 1, 2, 3, 4, 5, 6), *SENT],
        [("error_loop", "e3"), ("error_loop", "e6")],
        details={("error_loop", "e6"): {"evidence": ["e4", "e5", "e6"]}},
    ),
    Case(
        "errors-by-step",
        "Each step counts by itself, and errors without step do not count.",
        [
            *errors(0, 2, 4),
            *errors(1, 3, step="address", prefix="a"),
            *errors(5, 6, 7, 8, step=None, prefix="n"),
            *SENT,
        ],
        [("error_loop", "e3")],
    ),
    Case(
        "errors-count-of-one-service",
        "The count and the window can be set for one service.",
        [*errors(0, 10), *SENT],
        [("error_loop", "e2")],
        overrides={"service": {"aid": {"error_loop": {"count": 2, "window_s": 600}}}},
    ),
    Case(
        "errors-without-the-rest",
        "Errors are form events: left there, the last is also an abandoned form.",
        errors(0, 1, 2),
        [("error_loop", "e3"), ("form_abandoned", "e3")],
        details={("form_abandoned", "e3"): {"figures": {"form_events": 3, "saved": 0}}},
    ),
]

CASES = [*RUNS, *LOOPS]
