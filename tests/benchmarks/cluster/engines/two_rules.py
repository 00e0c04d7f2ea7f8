"""`repeat_contact` and `error_loop` as a stream processor's user writes them: events in order, each once, one state a journey.

Source: docs/definitions/frictions.md, with its default parameters. Where a contact turns out unserved only after another
has begun, or events come late or twice, this is wrong; the stream of the benchmark has neither. Only the standard library.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

State = dict[str, Any]
"""`visits`: of each contact of the last days its id, its first instant, whether it was missed and served, and by matter
its latest contact event (instant, id). `errors`: by step the instants and ids of its form errors."""

CONTACT_TYPES = frozenset({"contact.made", "call.queued", "call.rejected", "ticket.taken", "message.received"})
MISSING_TYPES = frozenset({"call.abandoned", "call.rejected", "ticket.noshow"})
SERVING_TYPES = frozenset({"call.answered", "ticket.called", "ticket.served"})
MIN_GAP_S, WINDOW_S = 300.0, 604_800.0
CONTACT_SPAN_S = 86_400.0
ERROR_COUNT, ERROR_WINDOW_S = 3, 1_800.0


def matters(event: Mapping[str, Any]) -> bool:
    """Whether the rules need the event at all; most they do not."""
    kind, data = event["type"], event["data"]
    if kind == "form.error":
        return "step" in data
    return kind in CONTACT_TYPES or "contact" in data


def journey_of(event: Mapping[str, Any]) -> str:
    """The key of the journey's state."""
    return f"{event['subject']}/{event['data']['service']}"


def new_state() -> State:
    """A journey before its first event."""
    return {"visits": [], "errors": {}}


def judge(state: State, event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Fold an event that matters into the state; its points."""
    at_s = datetime.fromisoformat(event["time"]).timestamp()
    if event["type"] == "form.error":
        return _judge_error(state, event, at_s)
    return _judge_contact(state, event, at_s)


def _judge_error(state: State, event: Mapping[str, Any], at_s: float) -> list[dict[str, Any]]:
    step = event["data"]["step"]
    errors = [each for each in state["errors"].get(step, ()) if each[0] >= at_s - ERROR_WINDOW_S]
    errors.append([at_s, event["id"]])
    if len(errors) < ERROR_COUNT:
        state["errors"][step] = errors
        return []
    state["errors"].pop(step, None)
    return [_point("error_loop", event, [each[1] for each in errors])]


def _judge_contact(state: State, event: Mapping[str, Any], at_s: float) -> list[dict[str, Any]]:
    data, kind = event["data"], event["type"]
    visits = [
        each for each in state["visits"] if each[1] >= at_s - CONTACT_SPAN_S or _latest_s(each) >= at_s - WINDOW_S
    ]
    state["visits"] = visits
    visit = _visit(visits, data.get("contact"), at_s)
    visit[2] |= kind in MISSING_TYPES
    visit[3] |= kind in SERVING_TYPES
    if kind not in CONTACT_TYPES:
        return []
    matter = data.get("matter")
    earlier = None if data.get("invited") else _earlier(visits, visit, matter)
    visit[4][matter or ""] = [at_s, event["id"]]
    if earlier is not None and MIN_GAP_S < at_s - earlier[0] <= WINDOW_S:
        return [_point("repeat_contact", event, [earlier[1], event["id"]])]
    return []


def _visit(visits: list[Any], contact: str | None, at_s: float) -> list[Any]:
    if contact is not None:
        for each in reversed(visits):
            if each[0] == contact and at_s - each[1] <= CONTACT_SPAN_S:
                found: list[Any] = each
                return found
    visit: list[Any] = [contact, at_s, False, False, {}]
    visits.append(visit)
    return visit


def _earlier(visits: list[Any], visit: list[Any], matter: str | None) -> list[Any] | None:
    found = None
    for each in visits:
        if each is visit or (each[2] and not each[3]):
            continue
        for name, at in each[4].items():
            if (matter is None or name in {"", matter}) and (found is None or at[0] > found[0]):
                found = at
    return found


def _latest_s(visit: list[Any]) -> float:
    return max((at[0] for at in visit[4].values()), default=0.0)


def _point(rule: str, event: Mapping[str, Any], evidence: list[str]) -> dict[str, Any]:
    return {
        "rule": rule,
        "source": event["source"],
        "anchor": event["id"],
        "subject": event["subject"],
        "service": event["data"]["service"],
        "channel": event["data"].get("channel", ""),
        "step": event["data"].get("step", ""),
        "time": event["time"],
        "evidence": evidence,
    }
