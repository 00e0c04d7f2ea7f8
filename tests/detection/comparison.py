"""Compares what the detector has in force with what the definitions give."""

from collections.abc import Mapping
from typing import Any

from shared.detection.draft import journey_id
from shared.journey.point import Point
from tests.detection.driver import comparable
from tests.reference.definitions import points_in_force as defined_points

Found = tuple[tuple[str, str], ...]


def assert_as_defined(
    in_force: Mapping[str, Point],
    events: list[dict[str, Any]],
    now_us: int,
    document: Mapping[str, Any],
    **versions: Any,
) -> int:
    """Fails with the first differences; gives the number of points."""
    defined = defined_points(events, document, now_us, **versions)
    cuts = {journey_id(point["subject"], point["service"], point["cut"]): point["cut"] for point in defined}
    found = {
        _flat(comparable(point, lambda _subject, _service, journey: cuts.get(journey, -1)))
        for point in in_force.values()
    }
    expected = {_flat({name: value for name, value in point.items() if name not in {"key", "id"}}) for point in defined}
    assert sorted(found - expected)[:2] == sorted(expected - found)[:2] == []
    assert len(found) == len(in_force) == len(defined)
    return len(defined)


def _flat(point: Mapping[str, Any]) -> Found:
    return tuple(sorted((name, repr(_normal(value))) for name, value in point.items()))


def _normal(value: Any) -> Any:
    """Numbers as floats, so that 3 and 3.0 are the same figure."""
    if isinstance(value, Mapping):
        return sorted((name, _normal(each)) for name, each in value.items())
    return float(value) if isinstance(value, int) else value
