"""Four journeys whose map can be worked out by hand, and what figures give over HTTP."""

from typing import Any

import httpx

from tests.insights.seed import event


def four_journeys(service: str = "tax", prefix: str = "") -> list[dict[str, Any]]:
    """Web then phone then closed; web then phone; web twice within ten minutes, then closed; closed, without a channel."""

    def of(subject: str, place: int, kind: str, time: str, **data: Any) -> dict[str, Any]:
        name = f"{prefix}{subject}{place}"
        return event(name, kind, f"2026-02-{time}:00.000000Z", f"p1-{prefix}{subject}", service, **data)

    return [
        of("a", 1, "contact.made", "01T09:00", channel="web"),
        of("a", 2, "contact.made", "02T09:00", channel="phone"),
        of("a", 3, "case.closed", "04T09:00"),
        of("b", 1, "contact.made", "01T10:00", channel="web"),
        of("b", 2, "contact.made", "03T10:00", channel="phone"),
        of("c", 1, "contact.made", "05T09:00", channel="web"),
        of("c", 2, "contact.made", "05T09:10", channel="web"),
        of("c", 3, "case.closed", "06T09:10"),
        of("d", 1, "case.closed", "07T09:00"),
    ]


def rows(client: httpx.Client, figure: str, **parameters: str) -> list[dict[str, Any]]:
    """The rows of a figure."""
    response = client.get(f"/api/v1/figures/{figure}", params=parameters)
    assert response.status_code == 200, response.text
    return response.json()["rows"]


def by_names(found: list[dict[str, Any]], *names: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The rows by the values of these columns; of the others their values in order."""
    return {
        tuple(row[name] for name in names): tuple(value for name, value in row.items() if name not in names)
        for row in found
    }
