"""The friction points that docs/definitions/frictions.md gives for a set of events: obvious, slow, apart from the product."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.reference import deadlines, rules
from tests.reference.journeys import Event, Journey, distinct_events, instant_text, journeys_of
from tests.reference.rule_settings import for_service
from tests.reference.rules import Found

TIMER_DELAY_US = 60 * 1_000_000

RULE_FUNCTIONS = (
    rules.repeat_contact,
    rules.unanswered_retry,
    rules.channel_switch,
    rules.form_abandoned,
    rules.error_loop,
    rules.repeated_click,
    rules.long_wait,
    rules.queue_abandoned,
    rules.turned_away,
    rules.unanswered_message,
    rules.transfer_loop,
    rules.ping_pong,
    rules.repeated_request,
    rules.rework,
    rules.case_reopened,
    deadlines.deadline_missed,
    rules.status_chasing,
    rules.low_rating,
)

Point = dict[str, Any]


def points_in_force(
    events: Iterable[Mapping[str, Any]],
    document: Mapping[str, Any],
    now_us: int,
    version_of: Callable[[tuple[str, str]], int] | None = None,
    documents: Mapping[int, Mapping[str, Any]] | None = None,
) -> list[Point]:
    """The points in force at `now_us` for these CloudEvents, sorted by `key`.

    `events` come in any order and may repeat; those without `subject` belong to no journey. `document` is the rule settings
    (version 1); with `version_of` (of an identity) and `documents` each event is judged by its own version. Times are
    microseconds since 1970 UTC.
    """
    by_service: dict[tuple[int, str], Mapping[str, Any]] = {}

    def settings_of(identity: tuple[str, str], service: str) -> tuple[int, Mapping[str, Any]]:
        version = version_of(identity) if version_of else 1
        if (version, service) not in by_service:
            by_service[version, service] = for_service(documents[version] if documents else document, service)
        return version, by_service[version, service]

    distinct = distinct_events(events, settings_of)
    latest_us: dict[tuple[str, str], int] = {}
    for event in distinct:
        owner = (event.subject, event.service)
        latest_us[owner] = max(latest_us.get(owner, event.time_us), event.time_us)
    points = [
        _point(found, journey.cut)
        for journey in journeys_of(distinct)
        for function in RULE_FUNCTIONS
        for found in function(journey)
        if _counts(found, now_us, latest_us[found.anchor.subject, found.anchor.service])
    ]
    return sorted(points, key=lambda point: point["key"])


def _counts(found: Found, now_us: int, latest_us: int) -> bool:
    """What did not happen counts a minute after its time, or when the journey is already further."""
    return not found.timer or found.time_us + TIMER_DELAY_US <= now_us or latest_us > found.time_us


def _point(found: Found, cut: int) -> Point:
    anchor = found.anchor
    citizen, administration = _minutes(found)
    key = (found.rule, anchor.subject, anchor.service, anchor.source, anchor.id)
    evidence = [*found.earlier, anchor]
    return {
        "key": key if found.due_text is None else (*key, found.due_text),
        "rule": found.rule,
        "version": anchor.version,
        "parameters": found.parameters,
        "figures": found.figures,
        "source": anchor.source,
        "anchor": anchor.id,
        "subject": anchor.subject,
        "service": anchor.service,
        "cut": cut,
        "channel": anchor.channel or "",
        "step": anchor.step or "",
        "office": anchor.office or "",
        "territory": anchor.territory or "",
        "case": anchor.case or "",
        "time": instant_text(found.time_us),
        "evidence": [event.id for event in evidence],
        "evidence_sources": [event.source for event in evidence],
        "minutes_citizen": citizen,
        "minutes_administration": administration,
    }


def _minutes(found: Found) -> tuple[float | None, float | None]:
    """Measured first (a wait), else by the table of the settings, else untold."""
    table = found.anchor.rules.get("minutes", {}).get(found.rule, {})
    citizen = _of_channel(table.get("citizen_min"), found.anchor)
    if found.rule in {"long_wait", "queue_abandoned"} and found.anchor.wait_s is not None:
        citizen = found.anchor.wait_s / 60
    return citizen, _of_channel(table.get("administration_min"), found.anchor)


def _of_channel(minutes: float | Mapping[str, float] | None, anchor: Event) -> float | None:
    """One figure for all channels, or one per channel."""
    return minutes.get(anchor.channel or "") if isinstance(minutes, Mapping) else minutes


def journeys_in(events: Iterable[Mapping[str, Any]], document: Mapping[str, Any]) -> list[Journey]:
    """The journeys themselves, for tests of the cuts."""
    return journeys_of(distinct_events(events, lambda _, service: (1, for_service(document, service))))
