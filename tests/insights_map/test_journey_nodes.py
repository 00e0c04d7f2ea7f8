"""Nodes as numbers: their names, the points that stand on them by the definition, the journeys behind them."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from services.insights.figures import journey_nodes, map_queries
from services.insights.figures.journey_nodes import Node, node_names
from services.insights.figures.map_queries import EVENTS, START
from services.insights.figures.summaries import answer
from services.insights.filters import Filters
from services.loader.assembly import assemble_all
from services.loader.placing_sql import ANCHOR_TYPES, CLASSES_OF_TYPES
from shared.journey import node_numbers
from shared.journey.vocabulary import CITIZEN_TYPES, EVENT_TYPES
from shared.log.port import Kind
from shared.store.client import Store
from tests.insights import seed
from tests.insights.seed import event

FILTERS = Filters(service="tax")
KINDS = ("contact.made", "form.step", "form.error", "call.queued", "call.answered", "case.progressed", "case.opened")
STEPS = ("", "", "income", "contact.made", "identity")
RULES = (*ANCHOR_TYPES, "deadline_missed", "ping_pong")
WINDOW_S = {"form_abandoned": 3_600.0, "unanswered_message": 600.0}


def random_events(chance: random.Random) -> list[dict[str, Any]]:
    """Events close in time, some at the same instant, some with a step that is called like a type."""
    found = []
    for number in range(240):
        time = f"2026-02-01T{chance.randrange(10):02}:{chance.randrange(6)}0:00.000000Z"
        data = {
            "channel": chance.choice(("web", "phone")),
            "step": chance.choice(STEPS),
            "case": chance.choice(("", "k", "l")),
        }
        given = {name: value for name, value in data.items() if value}
        found.append(event(f"{number:03}", chance.choice(KINDS), time, f"p1-{chance.randrange(20)}", "tax", **given))
    return found


def journeys_of(store: Store) -> list[dict[str, Any]]:
    """The journeys as they stand in the store."""
    read = store.query(
        "SELECT journey, subject, at, type, step, channel, case FROM journeys FINAL WHERE service = 'tax'"
    )
    return [dict(zip(read.columns, row, strict=True)) for row in read.rows]


def random_points(chance: random.Random, journeys: list[dict[str, Any]], model: dict[str, Any]) -> list[dict[str, Any]]:
    """Points at events of journeys, before and after them, and where no event is; one in five is taken back."""
    found = []
    for number in range(400):
        journey = chance.choice(journeys)
        place = chance.randrange(len(journey["at"]))
        rule = chance.choice(RULES)
        time = journey["at"][place] + timedelta(minutes=chance.choice((0, 0, 0, 10, 60, -10)))
        point = model | {
            "id": f"{number:032x}", "rule": rule, "subject": journey["subject"], "journey": journey["journey"],
            "time": time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "channel": journey["channel"][place],
            "step": chance.choice((journey["step"][place], journey["step"][place], "income")), "case": journey["case"][place],
            "parameters": {"window_s": WINDOW_S.get(rule, 60.0)},
        }  # fmt: skip
        found += [point, seed.retraction(point)] if chance.random() < 0.2 else [point]
    return found


def expected(journeys: list[dict[str, Any]], points: list[dict[str, Any]], events: str) -> Counter[Any]:
    """Points in force by the node before their event, its node (`None`: not on the map) and rule, event by event."""
    counts: Counter[Any] = Counter()
    by_name = {journey["journey"]: journey for journey in journeys}
    for point in points:
        each = by_name[point["journey"]]
        rule, size = point["rule"], range(len(each["at"]))
        judged = seed.instant_us(point["time"]) - int(1e6 * WINDOW_S.get(rule, 0))
        fitting = [
            place for place in size
            if int(each["at"][place].timestamp() * 1e6) <= judged
            and (each["step"][place], each["channel"][place]) == (point["step"], point["channel"])
            and (each["case"][place] == point["case"] if rule == "deadline_missed"
                 else each["type"][place] in ANCHOR_TYPES.get(rule, KINDS))
        ]  # fmt: skip
        nodes = [(each["step"][place] or each["type"][place], each["channel"][place]) for place in size]
        on_map = {"all": [True] * len(nodes), "steps": [step != "" for step in each["step"]],
                  "citizen": [kind in CITIZEN_TYPES for kind in each["type"]]}[events]  # fmt: skip
        place = -1 if not fitting else fitting[0 if rule == "deadline_missed" else -1]
        if place < 0 or not on_map[place]:
            counts[START, None, rule] += point["sign"]
            continue
        before = [node for node, kept in zip(nodes[:place], on_map[:place], strict=True) if kept]
        counts[before[-1] if before else START, nodes[place], rule] += point["sign"]
    return +counts


@pytest.mark.parametrize("seeded", [1, 2])
def test_points_belong_to_events_as_the_definition_says(empty_store: Store, seeded: int):
    """Of journeys and points at random, counted here event by event; of all events, of citizens', of those with a step."""
    chance = random.Random(seeded)
    events = random_events(chance)
    seed.fill(empty_store.writer(), events)
    model = seed.point_rows(events)[0]
    for table in ("points", "placed_points"):
        empty_store.writer().command(f"TRUNCATE TABLE {table}")
    journeys = journeys_of(empty_store)
    points = random_points(chance, journeys, model)
    seed.insert(empty_store.writer(), Kind.POINTS, points)
    assemble_all(empty_store)
    for kind in EVENTS:
        rows = answer(empty_store, map_queries.points_at(FILTERS, kind))
        names: dict[int, Node | None] = dict(node_names(empty_store, FILTERS, {row["target"] for row in rows} - {0}))
        names |= node_names(empty_store, FILTERS, {row["origin"] for row in rows} - {0})
        found = {
            (names.get(row["origin"], START), names.get(row["target"]), row["rule"]): row["points"] for row in rows
        }
        assert found == expected(journeys, points, kind), kind


@pytest.mark.parametrize(("read", "sought"), [(1, 1_000), (1, 0), (2_000, 1_000)])
def test_nodes_are_named_however_few_journeys_are_read_first(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch, read: int, sought: int
):
    """Those that the first journeys do not hold are looked for; a step that is called like a type is the same node."""
    monkeypatch.setattr(journey_nodes, "_NAMES_READ", read)
    monkeypatch.setattr(journey_nodes, "_MOST_SOUGHT", sought)
    seed.fill(empty_store.writer(), random_events(random.Random(3)))
    nodes = {
        (step or kind, channel)
        for each in journeys_of(empty_store)
        for step, kind, channel in zip(each["step"], each["type"], each["channel"], strict=True)
    }
    rows = answer(empty_store, map_queries.passages(FILTERS, "all"))
    numbers = {row["target"] for row in rows if row["total"]} - {0}
    assert len(numbers) == len(nodes)
    assert set(node_names(empty_store, FILTERS, numbers).values()) == nodes


def test_a_bound_node_has_the_number_of_its_events(empty_store: Store):
    """What an address names is what the column of the table holds."""
    seed.fill(empty_store.writer(), random_events(random.Random(4)))
    number = node_numbers.node_number("'income'", "'web'")
    label = journey_nodes.label_number("'income'")
    [(stored, same, labelled, steps)] = empty_store.query(
        f"""SELECT countIf(s = 'income' AND c = 'web'), countIf(bitAnd(n, {node_numbers.NODE_BITS}) = {number}),
            countIf(bitShiftRight(n, {node_numbers.LABEL_SHIFT}) = {label}) = countIf(s = 'income'),
            countIf(bitAnd(n, {node_numbers.STEP_BIT}) != (s != '')) = 0
        FROM journeys FINAL ARRAY JOIN nodes AS n, step AS s, channel AS c"""  # numbers of the module
    ).rows
    assert (stored, labelled, steps) == (same, 1, 1)
    assert stored > 0


def test_classes_of_types_are_those_of_the_rules(empty_store: Store):
    """The column that says at which events points of which rules can stand follows the rules, for every type there is."""
    [(expression,)] = empty_store.query(
        "SELECT default_expression FROM system.columns WHERE table = 'journeys' AND name = 'rule_classes'"
    ).rows
    types = [*EVENT_TYPES, "of.tomorrow"]
    [(found,)] = empty_store.query(f"WITH {{types:Array(String)}} AS type SELECT {expression}", {"types": types}).rows
    assert list(found) == [CLASSES_OF_TYPES.get(name, 1) for name in types]
    assert set(CLASSES_OF_TYPES) <= set(EVENT_TYPES)
