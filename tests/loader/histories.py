"""Events of a few citizens as they are stored, in the shapes that journeys are cut and joined by."""

from typing import Any, Final

from hypothesis import strategies as st

from shared.journey.instants import DAY_US, to_text

START_US: Final = 1_735_689_600_000_000
Event = dict[str, Any]


def event(name: str, day: float, subject: str | None = "p1", service: str = "x", **fields: Any) -> Event:
    """One event, so many days after the start."""
    kind = fields.pop("kind", "page.viewed")
    time = to_text(START_US + round(day * DAY_US))
    found = {"id": name, "source": fields.pop("source", "/a"), "type": kind, "time": time, "recordedtime": time}
    return found | ({} if subject is None else {"subject": subject}) | {"data": {"service": service, **fields}}


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events of a few citizens: ties of time, gaps about the limits, cases opened and closed."""
    days = st.sampled_from([0, 0, 0, 0.001, 0.01, 0.02, 0.0208333333, 0.03, 1, 89.9999, 90, 90.0001, 200, 399.9, 401])
    kinds = st.sampled_from(["page.viewed", "call.queued", "case.opened", "case.decided", "case.reopened", "own.type"])
    events: list[Event] = []
    for subject in draw(st.lists(st.sampled_from(["p1", "p2", "é"]), min_size=1, max_size=3)):
        day = 0.0
        for _ in range(draw(st.integers(1, 8))):
            day += draw(days)
            fields = {
                "channel": draw(st.sampled_from([None, "web", "web", "phone"])),
                "contact": draw(st.sampled_from([None, None, "c1", "c2"])),
                "case": draw(st.sampled_from([None, "k1", "k2"])),
                "step": draw(st.sampled_from([None, "s1"])),
                "territory": draw(st.sampled_from([None, "fr/75", "fr"])),
            }
            given_fields = {name: value for name, value in fields.items() if value is not None}
            service = draw(st.sampled_from(["x", "x", "y"]))
            kind, source = draw(kinds), draw(st.sampled_from(["/a", "/b", "é"]))
            events.append(event(f"e{len(events)}", day, subject, service, kind=kind, source=source, **given_fields))
    return events
