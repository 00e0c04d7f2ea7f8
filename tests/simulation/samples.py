"""A made-up past, scenarios over it, and what the definitions say of them."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

from shared.detection.settings import DEFAULTS
from shared.detection.what_if import Cell, Scenario
from shared.journey.instants import DAY_US, to_text
from tests.insights import seed
from tests.insights.seed import event
from tests.reference.definitions import points_in_force
from tests.reference.rule_settings import resolved

FROM_US = seed.instant_us("2026-01-01T00:00:00Z")
TO_US = seed.instant_us("2026-03-01T00:00:00Z")
NOW_US = seed.LONG_AFTER_US
Event = dict[str, Any]


def some_events(people: int) -> list[Event]:
    """Contacts, waits, messages, cases and their dates of people in two services, the same at every call."""
    draw = random.Random(20)
    kinds = ("contact.made", "call.answered", "message.received", "message.answered", "form.started", "form.submitted",
             "case.opened", "case.closed", "feedback.given")  # fmt: skip
    found = []
    for person in range(people):
        service = draw.choice(("passport", "tax"))
        at_us = FROM_US - 20 * DAY_US + draw.randrange(75 * DAY_US)
        for number in range(draw.randrange(1, 9)):
            kind = draw.choice(kinds)
            at_us += draw.randrange(6 * DAY_US)
            data: Event = {
                "channel": draw.choice(("phone", "counter", "web")),
                "territory": draw.choice(("FR/75", "FR/13")),
            }
            if kind == "call.answered":
                data |= {"channel": "phone", "wait_s": draw.choice((100.0, 400.0, 900.0))}
            if kind == "feedback.given":
                data["rating"] = draw.choice((1.0, 3.0))
            if kind.startswith("case"):
                data |= {"case": f"c{person}"} | ({"due": text(at_us + 9 * DAY_US)} if kind == "case.opened" else {})
            found.append(event(f"{person}-{number}", kind, text(at_us), f"p1-{person:05}", service, **data))
    return found


def text(instant_us: int) -> str:
    """An instant as the log writes it."""
    return to_text(instant_us)


def expected(
    events: list[Event], scenario: Scenario, document: Mapping[str, Any] = DEFAULTS
) -> dict[str, Counter[str]]:
    """By rule, what the reference says: points now, then, and the two differences."""
    now = {
        point["key"]: point for point in points_in_force(events, resolved(document), NOW_US) if inside(point, scenario)
    }
    other = scenario.document(document)
    then = {
        point["key"]: point for point in points_in_force(events, resolved(other), NOW_US) if inside(point, scenario)
    }
    found: dict[str, Counter[str]] = {}
    for point in now.values():
        found.setdefault(point["rule"], Counter())["now"] += 1
    for point in then.values():
        found.setdefault(point["rule"], Counter())["then"] += 1
    for name, mine, others in (("disappear", now, then), ("appear", then, now)):
        for key in mine.keys() - others.keys():
            found[mine[key]["rule"]][name] += 1
    return found


def inside(point: Mapping[str, Any], scenario: Scenario) -> bool:
    """Whether a point of the reference is looked at."""
    return (
        scenario.from_us <= seed.instant_us(point["time"]) < scenario.to_us
        and scenario.service in {None, point["service"]}
        and scenario.channel in {None, point["channel"]}
        and (scenario.territory is None or point["territory"].startswith(scenario.territory))
    )


def counts(cell: Cell) -> Counter[str]:
    """The four counts of a cell that are not zero."""
    return +Counter({name: getattr(cell, name) for name in ("now", "then", "appear", "disappear")})


SCENARIOS = [
    Scenario(rule="repeat_contact", settings={"window_s": 86_400}, from_us=FROM_US, to_us=TO_US),
    Scenario(rule="long_wait", settings={"limit_s": {"phone": 600}}, from_us=FROM_US, to_us=TO_US, service="tax"),
    Scenario(rule="unanswered_message", settings={"window_s": 12 * 86_400}, from_us=FROM_US, to_us=TO_US),
    Scenario(rule="channel_switch", settings={"enabled": False}, from_us=FROM_US, to_us=TO_US, channel="phone"),
    Scenario(rule="low_rating", settings={"limit": 3}, from_us=FROM_US, to_us=TO_US, territory="FR/13"),
    Scenario(rule="deadline_missed", settings={"enabled": False}, from_us=FROM_US, to_us=TO_US),
]
