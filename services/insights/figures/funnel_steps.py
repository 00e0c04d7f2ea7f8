"""Which steps a funnel has: read from the address, or the most frequent of the journeys in their usual order."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from services.insights.figures.journey_nodes import node_names, ways
from services.insights.figures.summaries import answer
from services.insights.filters import MAX_VALUE_CHARS, Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.problems import Problem
from services.insights.queries import Question
from shared.journey.node_numbers import LABEL_SHIFT
from shared.journey.vocabulary import CHANNELS

MIN_STEPS: Final = 2
MAX_STEPS: Final = 8
DEFAULT_STEPS: Final = 4
STEP_NAMES: Final = tuple(f"step{number}" for number in range(1, MAX_STEPS + 1))
ANY: Final = "any"
"""In place of a channel: whatever the channel is."""
MAX_NODES: Final = 400
"""Nodes looked at to offer steps."""


class Step(Struct, frozen=True):
    """One step of a funnel: the step label of an event (or its type), on one channel or on `ANY`."""

    label: str
    channel: str = ANY

    @property
    def text(self) -> str:
        """As it stands in an address: `phone:call.queued`, `any:contact.made`."""
        return f"{self.channel}:{self.label}"


class Node(Struct, frozen=True):
    """A step label that occurs, on one channel ('' none) or on `ANY`: in how many journeys, and at which place on average."""

    label: str
    channel: str
    journeys: int
    position: float

    @property
    def step(self) -> Step:
        """The node as a step of a funnel."""
        return Step(self.label, self.channel)


def read_step(text: str) -> Step:
    """`CHANNEL:LABEL` or `any:LABEL`; what begins otherwise is a label on any channel."""
    channel, colon, label = text.partition(":")
    if colon and label and (channel in CHANNELS or channel == ANY):
        return Step(label, channel)
    return Step(text)


def read_steps(parameters: Mapping[str, str]) -> list[Step]:
    """The steps of an address in their order, without gaps; none where none is given.

    Raises `Problem` 422 for a single step, or one that no event could have.
    """
    texts = [text for name in STEP_NAMES if (text := parameters.get(name))]
    for text in texts:
        if len(text) > MAX_VALUE_CHARS + len("partner:") or "\0" in text:
            raise Problem(422, "invalid-step", N_("No event can have a step of this name."))
    if texts and len(texts) < MIN_STEPS:
        raise Problem(422, "invalid-step", N_("A funnel needs at least two steps: choose a second one."))
    return [read_step(text) for text in texts]


def nodes_of(filters: Filters) -> Question:
    """Nodes of the journeys' events, by number: in how many journeys, and where in them they first occur; of their labels on
    whatever channel, too, counted where a journey has the label first. The most frequent, and all that are as frequent as
    the last of these.

    Journeys that go the same way are looked at once.
    """
    passed, parameters = ways(filters)
    return Question(
        f"""
        SELECT node, sumIf(found, each.2 = 1) AS journeys, sumIf(found, each.3 = 1) AS label_journeys,
            sumIf(each.4 * found, each.2 = 1) AS positions, sumIf(each.4 * found, each.3 = 1) AS label_positions
        FROM (
            SELECT found, arrayJoin(arrayZip(way, arrayEnumerateUniq(way), arrayEnumerateUniq(labels), arrayEnumerate(way))) AS each,
                each.1 AS node
            FROM (
                SELECT way, found, arrayMap(n -> bitShiftRight(n, {LABEL_SHIFT}), way) AS labels FROM ({passed})))
        GROUP BY node ORDER BY journeys DESC LIMIT {MAX_NODES} WITH TIES""",  # noqa: S608
        parameters,
    )


def nodes(store: Store, filters: Filters, minimum: int) -> tuple[list[Node], list[Node]]:
    """(labels on any channel, labels on one channel), most frequent first, of at least `minimum` journeys each."""
    rows = answer(store, nodes_of(filters))
    names = node_names(store, filters, [row["node"] for row in rows])
    single, counts = [], defaultdict[str, list[float]](lambda: [0, 0])
    for row in sorted(rows, key=lambda row: (-row["journeys"], names[row["node"]]))[:MAX_NODES]:
        label, channel = names[row["node"]]
        single.append(Node(label, channel, int(row["journeys"]), row["positions"] / row["journeys"]))
        counts[label][0] += row["label_journeys"]
        counts[label][1] += row["label_positions"]
    labels = [
        Node(label, ANY, int(journeys), total / journeys) for label, (journeys, total) in counts.items() if journeys
    ]
    return _frequent(labels, minimum), [node for node in _frequent(single, minimum) if node.channel]


def _frequent(found: list[Node], minimum: int) -> list[Node]:
    kept = [node for node in found if node.journeys >= minimum]
    return sorted(kept, key=lambda node: (-node.journeys, node.label, node.channel))


def usual_steps(labels: list[Node]) -> list[Step]:
    """The most frequent labels, in the order in which journeys come to them on average."""
    chosen = sorted(labels[:DEFAULT_STEPS], key=lambda node: (node.position, -node.journeys, node.label))
    return [node.step for node in chosen]
