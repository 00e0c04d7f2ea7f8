"""Cases of the rules that look into one contact: asking for the status, transfers."""

from tests.reference.case import US, Case, event
from tests.reference.rule_settings import DAY_S

CASES = [
    Case(
        "status-once-a-contact",
        "The first event of a contact that carries the reason is the point, whatever its type.",
        [
            event("a", "call.queued", 0, contact="c1"),
            event("b", "call.answered", 60, contact="c1", reason="status"),
            event("c", "call.ended", 120, contact="c1", reason="status"),
        ],
        [("status_chasing", "b")],
    ),
    Case(
        "status-without-contact-id",
        "A contact event without id is a contact of its own; another event without id belongs to none.",
        [
            event("a", "contact.made", 0, reason="status"),
            event("b", "page.viewed", 60, reason="status"),
            event("c", "contact.made", 120, reason="status", invited=True),
            event("d", "contact.made", 180, reason="question"),
        ],
        [("status_chasing", "a"), ("status_chasing", "c")],
    ),
    Case(
        "status-of-a-contact-id-used-again",
        "The id used again after 24 hours is another contact.",
        [
            event("a", "page.viewed", 0, contact="c1", reason="status"),
            event("b", "page.viewed", DAY_S, contact="c1", reason="status"),
            event("c", "page.viewed", DAY_S + US, contact="c1", reason="status"),
        ],
        [("status_chasing", "a"), ("status_chasing", "c")],
    ),
    Case(
        "transfers-the-second-only",
        "The n-th transfer is the point, those after it are not.",
        [event(f"t{number}", "call.transferred", 60 * number, contact="c1") for number in range(1, 5)],
        [("transfer_loop", "t2")],
        details={
            ("transfer_loop", "t2"): {
                "figures": {"transfers": 2},
                "parameters": {"count": 2},
                "evidence": ["t1", "t2"],
            }
        },
    ),
    Case(
        "transfers-of-one-contact",
        "Transfers of other contacts, or of none, do not count together; calls and tickets do.",
        [
            event("a", "call.transferred", 0, contact="c1"),
            event("b", "call.transferred", 60, contact="c2"),
            event("c", "call.transferred", 120),
            event("d", "call.transferred", 180),
            event("e", "ticket.transferred", 240, contact="c2"),
        ],
        [("transfer_loop", "e")],
        details={("transfer_loop", "e"): {"evidence": ["b", "e"]}},
    ),
    Case(
        "transfers-of-a-contact-id-used-again",
        "A transfer with the id after 24 hours is the first of another contact.",
        [event("a", "call.transferred", 0, contact="c1"), event("b", "call.transferred", DAY_S + US, contact="c1")],
        [],
    ),
    Case(
        "transfers-three-for-one-service",
        "The count can be set for one service.",
        [event(f"t{number}", "call.transferred", 60 * number, contact="c1") for number in range(1, 4)]
        + [event(f"u{number}", "call.transferred", 60 * number, contact="c1", service="tax") for number in (1, 2)],
        [("transfer_loop", "t3"), ("transfer_loop", "u2")],
        overrides={"service": {"aid": {"transfer_loop": {"count": 3}}}},
        details={("transfer_loop", "t3"): {"evidence": ["t1", "t2", "t3"]}},
    ),
]
