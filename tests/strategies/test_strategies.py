"""The random streams reach what they are for: every rule, the edges, the cuts, and arrivals that are never late."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reference.definitions import points_in_force
from tests.reference.journeys import instant_us, seconds_us
from tests.reference.rule_settings import DAY_S, RULES, lateness_s, resolved
from tests.strategies.arrivals import Delivery, ImportFinished, ImportStarted, Published, Record, Tick
from tests.strategies.events import (
    all_rules_on,
    arrivals,
    events,
    random_delivery,
    random_document,
    random_stream,
    rule_documents,
    streams,
)

SEEDS = range(20)
LONG_AFTER_US = instant_us("2040-01-01T00:00:00Z")
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def seeded_points() -> list[dict[str, Any]]:
    """The points of some seeded streams."""
    return [
        point for seed in SEEDS for point in points_in_force(random_stream(seed, 500), all_rules_on(), LONG_AFTER_US)
    ]


def test_streams_give_points_of_every_rule():
    """Each of the eighteen rules occurs, none less than ten times in 10,000 events."""
    counts = Counter(point["rule"] for point in seeded_points())
    assert set(counts) == set(RULES)
    assert min(counts.values()) >= 10, counts


def test_streams_reach_the_subtle_places():
    """Points beyond a cut, at exact windows and minima, paused deadlines and errors spread over the whole window occur."""
    points = seeded_points()

    def occurs(rule: str, figure: str, *values: float) -> bool:
        found = {point["figures"].get(figure) for point in points if point["rule"] == rule}
        return found.issuperset(values)

    assert any(point["cut"] > 0 for point in points)
    assert occurs("repeat_contact", "gap_s", 300.000_001, 7 * DAY_S)
    assert occurs("unanswered_retry", "gap_s", 0)
    assert occurs("channel_switch", "gap_s", 7 * DAY_S)
    assert any(point["figures"].get("paused_s", 0) > 0 for point in points)
    assert any(point["figures"].get("form_events", 0) > 2 for point in points)


def test_streams_are_those_of_their_seed():
    """A seed gives the same stream and delivery again; identities are distinct; times are tied and span years."""
    stream = random_stream(7, 2_000)
    assert stream == random_stream(7, 2_000)
    assert stream != random_stream(8, 2_000)
    assert random_delivery(7, stream) == random_delivery(7, stream)
    assert random_document(7) == random_document(7)
    assert len({(event["source"], event["id"]) for event in stream}) == len(stream) == 2_000
    journey_times = Counter(
        (event["subject"], event["data"]["service"], event["time"]) for event in stream if "subject" in event
    )
    assert max(journey_times.values()) > 1


def check_delivery(delivery: Delivery, stream: list[dict[str, Any]], document: dict[str, Any]) -> None:
    """All events arrive, none late; ticks grow; the last item is a tick beyond everything; crashes are within."""
    arrived: set[tuple[str, str]] = set()
    ahead_us: dict[tuple[str | None, str], int] = {}
    ticks = []
    for item in delivery.items:
        if isinstance(item, Tick):
            ticks.append(item.now_us)
        for event in item.events if isinstance(item, Record) else ():
            identity = (event["source"], event["id"])
            owner = (event.get("subject"), event["data"]["service"])
            time_us = instant_us(event["time"])
            if identity not in arrived:
                behind_us = ahead_us.get(owner, time_us) - time_us
                assert behind_us <= seconds_us(lateness_s(document, event["source"]))
            arrived.add(identity)
            ahead_us[owner] = max(ahead_us.get(owner, time_us), time_us)
    assert arrived == {(event["source"], event["id"]) for event in stream} == set(delivery.versions)
    assert ticks == sorted(set(ticks))
    assert delivery.items[-1] == Tick(delivery.now_us)
    assert all(0 <= crash < len(delivery.items) for crash in delivery.crashes)


@QUICK
@given(st.data())
def test_no_arrival_is_late(data: st.DataObject):
    """Whatever the order of arrival and the sources' limits, no event's first copy is late."""
    document, stream = data.draw(streams())
    delivery = data.draw(arrivals(stream, lambda source: lateness_s(document, source)))
    check_delivery(delivery, stream, document)


def test_arrivals_use_the_whole_lateness():
    """Events come exactly as late as is allowed, and repeated, and not in order; imports open and close."""
    behind_us: list[int] = []
    copies = 0
    kinds: set[type] = set()
    for seed in SEEDS:
        stream = random_stream(seed, 300)
        delivery = random_delivery(seed, stream, record_max=20)
        check_delivery(delivery, stream, resolved({}))
        ahead_us: dict[tuple[str | None, str], int] = {}
        for item in delivery.items:
            kinds.add(type(item))
            for event in item.events if isinstance(item, Record) else ():
                copies += 1
                owner = (event.get("subject"), event["data"]["service"])
                ahead_us[owner] = max(ahead_us.get(owner, 0), instant_us(event["time"]))
                behind_us.append(ahead_us[owner] - instant_us(event["time"]))
    assert seconds_us(DAY_S) in behind_us
    assert sum(1 for behind in behind_us if behind > 0) > len(behind_us) / 20
    assert copies > 1.2 * len(SEEDS) * 300
    assert {Record, Tick, ImportStarted, ImportFinished} <= kinds


@QUICK
@given(st.data())
def test_versions_are_those_of_the_first_arrival(data: st.DataObject):
    """Version 1 comes first, the others in turn; an event's version is the one in force when it first comes."""
    documents = [all_rules_on(), *data.draw(st.lists(rule_documents(lateness=False), min_size=1, max_size=2))]
    stream = data.draw(events(documents[1], max_events=15))
    delivery = data.draw(arrivals(stream, documents=documents))
    published = [item.version for item in delivery.items if isinstance(item, Published)]
    assert delivery.items[0] == Published(1, documents[0])
    assert published == list(range(1, len(documents) + 1)) == list(delivery.documents)
    version = 0
    seen: dict[tuple[str, str], int] = {}
    for item in delivery.items:
        version = item.version if isinstance(item, Published) else version
        for event in item.events if isinstance(item, Record) else ():
            seen.setdefault((event["source"], event["id"]), version)
    assert {identity: delivery.version_of(identity) for identity in seen} == seen
    points_in_force(stream, documents[0], delivery.now_us, delivery.version_of, delivery.documents)


@QUICK
@given(streams(), st.randoms())
def test_reference_does_not_depend_on_order_or_repetition(
    case: tuple[dict[str, Any], list[dict[str, Any]]], random: Any
):
    """Shuffled and repeated, the same events give the same points, each with a key of its own."""
    document, stream = case
    points = points_in_force(stream, document, LONG_AFTER_US)
    again = [*stream, *stream[::2]]
    random.shuffle(again)
    assert points_in_force(again, document, LONG_AFTER_US) == points
    assert len({point["key"] for point in points}) == len(points)


@pytest.mark.parametrize("seed", SEEDS)
def test_documents_are_valid(seed: int):
    """Every rule is there, with values of the kind that the page names, all positive."""
    document = random_document(seed)
    assert set(RULES) <= set(document)
    for overrides in (document, *document.get("service", {}).values()):
        for name, values in overrides.items():
            if name in RULES:
                assert set(values) <= {"enabled", *resolved({})[name]}
    assert all(document[rule]["enabled"] in {True, False} for rule in RULES)
