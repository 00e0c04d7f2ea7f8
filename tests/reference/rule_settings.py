"""The settings of the rules as the reference reads them.

Source: docs/definitions/frictions.md, column "default" of the table of rules, and section "Settings". Written apart from
the product's own table, so that a slip in one of them shows.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400

LATENESS_S = DAY_S
"""A source's lateness limit unless `source."/x".lateness_s` says otherwise."""

DEFAULTS: dict[str, Any] = {
    "repeat_contact": {"enabled": True, "min_gap_s": 5 * MINUTE_S, "window_s": 7 * DAY_S},
    "unanswered_retry": {"enabled": True, "window_s": 24 * HOUR_S},
    "channel_switch": {"enabled": True, "window_s": 7 * DAY_S},
    "form_abandoned": {"enabled": True, "window_s": 24 * HOUR_S, "saved_window_s": 7 * DAY_S},
    "error_loop": {"enabled": True, "count": 3, "window_s": 30 * MINUTE_S},
    "repeated_click": {"enabled": True},
    "long_wait": {"enabled": True, "limit_s": {"phone": 300, "counter": 1_200}},
    "queue_abandoned": {"enabled": True, "minimum_s": {"phone": 10, "counter": 300}},
    "turned_away": {"enabled": True},
    "unanswered_message": {"enabled": True, "window_s": 5 * DAY_S, "callback_window_s": 2 * DAY_S},
    "transfer_loop": {"enabled": True, "count": 2},
    "ping_pong": {"enabled": False},
    "repeated_request": {"enabled": True},
    "rework": {"enabled": False},
    "case_reopened": {"enabled": True},
    "deadline_missed": {"enabled": True},
    "status_chasing": {"enabled": True},
    "low_rating": {"enabled": True, "limit": 2},
    "failure_demand": {"window_s": 7 * DAY_S},
    "journey": {"gap_s": 90 * DAY_S, "open_case_gap_s": 400 * DAY_S},
}

RULES = tuple(name for name in DEFAULTS if name not in {"failure_demand", "journey"})
"""The eighteen rules, in the order of the page."""


def overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with every value of `over` put in its place, table by table."""
    result = deepcopy(dict(base))
    for name, value in over.items():
        if isinstance(value, Mapping) and isinstance(result.get(name), Mapping):
            result[name] = overlaid(result[name], value)
        else:
            result[name] = deepcopy(value)
    return result


def resolved(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The whole document that a file with only these `overrides` stands for."""
    return overlaid(DEFAULTS, overrides)


def for_service(document: Mapping[str, Any], service: str) -> dict[str, Any]:
    """The document as it applies to one service: the general values, then the service's own."""
    return overlaid(resolved(document), document.get("service", {}).get(service, {}))


def lateness_s(document: Mapping[str, Any], source: str) -> float:
    """How far behind its journey an event of this source may come without being late."""
    limit: float = document.get("source", {}).get(source, {}).get("lateness_s", LATENESS_S)
    return limit
