"""The rules of the page, one function each, but for the clock of a case (deadlines.py).

Each function yields `Found` for one journey: the anchor, the events before it in the evidence, the parameters that applied,
the figures, and the point's time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.reference.journeys import CITIZEN_EVENTS, CONTACT_EVENTS, FORM_EVENTS, Event, Journey, seconds_us

ANSWERS = {
    "message.answered",
    "callback.made",
    "call.answered",
    "ticket.called",
    "notice.sent",
    "case.decided",
}
TRANSFERS = {"call.transferred", "ticket.transferred"}


@dataclass(frozen=True)
class Found:
    """A point without its dimensions. `timer`: it stands for something that did not happen until `time_us`."""

    rule: str
    anchor: Event
    time_us: int
    earlier: list[Event] = field(default_factory=list)
    parameters: dict[str, float] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    timer: bool = False
    due_text: str | None = None


def at_anchor(
    rule: str,
    anchor: Event,
    earlier: list[Event] | None = None,
    parameters: dict[str, float] | None = None,
    figures: dict[str, Any] | None = None,
) -> Found:
    """A point at its anchor's time."""
    return Found(rule, anchor, anchor.time_us, earlier or [], parameters or {}, figures or {})


def gap_s(earlier: Event, later: Event) -> float:
    """Seconds between two events."""
    return (later.time_us - earlier.time_us) / 1_000_000


def within(earlier: Event, later: Event, window_s: float) -> bool:
    """Inclusive; `earlier` is before `later` in order."""
    return later.time_us - earlier.time_us <= seconds_us(window_s)


def only(parameters: Mapping[str, Any], *names: str) -> dict[str, float]:
    """The named parameters."""
    return {name: parameters[name] for name in names}


def is_uninvited_contact_event(event: Event) -> bool:
    """A contact event that the administration did not ask for."""
    return event.type in CONTACT_EVENTS and event.invited is not True


def same_matter(one: Event, other: Event) -> bool:
    """The same matter, or where either has none."""
    return one.matter is None or other.matter is None or one.matter == other.matter


def repeat_contact(journey: Journey) -> Iterator[Found]:
    """The latest earlier contact of the same matter, not unserved, lies more than the minimum and at most the window before."""
    for place, anchor, parameters in journey.judged("repeat_contact"):
        if not is_uninvited_contact_event(anchor):
            continue
        earlier = [
            event
            for event in journey.before(place)
            if event.type in CONTACT_EVENTS
            and journey.contact_of(event) != journey.contact_of(anchor)
            and not journey.unserved(event)
            and same_matter(event, anchor)
        ]
        if not earlier:
            continue
        latest = earlier[-1]
        if not within(latest, anchor, parameters["min_gap_s"]) and within(latest, anchor, parameters["window_s"]):
            figures = {"gap_s": gap_s(latest, anchor), "earlier_channel": latest.channel or ""}
            yield at_anchor("repeat_contact", anchor, [latest], only(parameters, "min_gap_s", "window_s"), figures)


def unanswered_retry(journey: Journey) -> Iterator[Found]:
    """The latest earlier contact event of another contact belongs to an unserved contact, within the window."""
    for place, anchor, parameters in journey.judged("unanswered_retry"):
        if not is_uninvited_contact_event(anchor):
            continue
        earlier = [
            event
            for event in journey.before(place)
            if event.type in CONTACT_EVENTS and journey.contact_of(event) != journey.contact_of(anchor)
        ]
        if not earlier:
            continue
        latest = earlier[-1]
        if journey.unserved(latest) and within(latest, anchor, parameters["window_s"]):
            figures = {"gap_s": gap_s(latest, anchor), "earlier_channel": latest.channel or ""}
            yield at_anchor("unanswered_retry", anchor, [latest], only(parameters, "window_s"), figures)


def channel_switch(journey: Journey) -> Iterator[Found]:
    """The latest earlier citizen event not of the anchor's contact lies within the window, on another channel."""
    for place, anchor, parameters in journey.judged("channel_switch"):
        if not is_uninvited_contact_event(anchor):
            continue
        earlier = [
            event
            for event in journey.before(place)
            if event.type in CITIZEN_EVENTS and journey.contact_of(event) != journey.contact_of(anchor)
        ]
        if not earlier:
            continue
        latest = earlier[-1]
        both_have_a_channel = latest.channel is not None and anchor.channel is not None
        if both_have_a_channel and latest.channel != anchor.channel and within(latest, anchor, parameters["window_s"]):
            figures = {"gap_s": gap_s(latest, anchor), "earlier_channel": latest.channel}
            yield at_anchor("channel_switch", anchor, [latest], only(parameters, "window_s"), figures)


def form_abandoned(journey: Journey) -> Iterator[Found]:
    """The last event of a run of form events that nothing continued or ended within the window."""
    run_length = 0
    for place, event in enumerate(journey.events):
        if event.type not in FORM_EVENTS:
            continue
        run_length += 1
        if event.type == "form.submitted" or event.outcome is not None:
            run_length = 0
            continue
        parameters = event.rules["form_abandoned"]
        name = "saved_window_s" if event.type == "form.saved" else "window_s"
        following = [
            later.type
            for later in journey.after(place)
            if later.type in FORM_EVENTS | {"case.opened"} and within(event, later, parameters[name])
        ]
        if following and following[0] in FORM_EVENTS:
            continue
        if not following and parameters["enabled"]:
            yield Found(
                "form_abandoned",
                event,
                event.time_us + seconds_us(parameters[name]),
                parameters=only(parameters, name),
                figures={"form_events": run_length, "saved": int(event.type == "form.saved")},
                timer=True,
            )
        run_length = 0


def error_loop(journey: Journey) -> Iterator[Found]:
    """The error that makes the n-th on one step within the window, counting only errors after the last point there."""
    last_point: dict[str, int] = {}
    for place, anchor, parameters in journey.judged("error_loop"):
        if anchor.type != "form.error" or anchor.step is None:
            continue
        counted = [
            event
            for other, event in enumerate(journey.before(place))
            if event.type == "form.error"
            and event.step == anchor.step
            and other > last_point.get(anchor.step, -1)
            and within(event, anchor, parameters["window_s"])
        ]
        if len(counted) + 1 >= parameters["count"]:
            last_point[anchor.step] = place
            figures = {"errors": len(counted) + 1, "span_s": gap_s([*counted, anchor][0], anchor)}
            yield at_anchor("error_loop", anchor, counted, only(parameters, "count", "window_s"), figures)


def every(rule: str, event_type: str, journey: Journey) -> Iterator[Found]:
    """The rules that are a type of event: every one is a point."""
    for _, anchor, _ in journey.judged(rule):
        if anchor.type == event_type:
            yield at_anchor(rule, anchor)


def repeated_click(journey: Journey) -> Iterator[Found]:
    """A `click.repeated`."""
    return every("repeated_click", "click.repeated", journey)


def turned_away(journey: Journey) -> Iterator[Found]:
    """A `call.rejected`."""
    return every("turned_away", "call.rejected", journey)


def case_reopened(journey: Journey) -> Iterator[Found]:
    """A `case.reopened`."""
    return every("case_reopened", "case.reopened", journey)


def long_wait(journey: Journey) -> Iterator[Found]:
    """Answered or called with a wait above the limit of its channel; no limit, no point."""
    for _, anchor, parameters in journey.judged("long_wait"):
        limit_s = parameters["limit_s"].get(anchor.channel)
        if anchor.type not in {"call.answered", "ticket.called"} or anchor.wait_s is None or limit_s is None:
            continue
        if anchor.wait_s > limit_s:
            yield at_anchor("long_wait", anchor, parameters={"limit_s": limit_s}, figures={"wait_s": anchor.wait_s})


def queue_abandoned(journey: Journey) -> Iterator[Found]:
    """Given up with a wait at or above the minimum of its channel; met where there is no minimum or no wait."""
    for _, anchor, parameters in journey.judged("queue_abandoned"):
        if anchor.type not in {"call.abandoned", "ticket.noshow"}:
            continue
        minimum_s = parameters["minimum_s"].get(anchor.channel)
        if minimum_s is None or anchor.wait_s is None or anchor.wait_s >= minimum_s:
            yield at_anchor(
                "queue_abandoned",
                anchor,
                parameters={} if minimum_s is None else {"minimum_s": minimum_s},
                figures={} if anchor.wait_s is None else {"wait_s": anchor.wait_s},
            )


def unanswered_message(journey: Journey) -> Iterator[Found]:
    """A message or wish to be called back that nothing answers within the window."""
    names = {"message.received": "window_s", "callback.requested": "callback_window_s"}
    for place, anchor, parameters in journey.judged("unanswered_message"):
        if anchor.type not in names:
            continue
        name = names[anchor.type]
        if any(later.type in ANSWERS and within(anchor, later, parameters[name]) for later in journey.after(place)):
            continue
        time_us = anchor.time_us + seconds_us(parameters[name])
        yield Found("unanswered_message", anchor, time_us, parameters=only(parameters, name), timer=True)


def transfer_loop(journey: Journey) -> Iterator[Found]:
    """The n-th transfer of one contact."""
    for place, anchor, parameters in journey.judged("transfer_loop"):
        if anchor.type not in TRANSFERS or journey.contact_of(anchor) is None:
            continue
        others = [
            event
            for event in journey.before(place)
            if event.type in TRANSFERS and journey.contact_of(event) == journey.contact_of(anchor)
        ]
        if len(others) + 1 == parameters["count"]:
            figures = {"transfers": len(others) + 1}
            yield at_anchor("transfer_loop", anchor, others, only(parameters, "count"), figures)


def ping_pong(journey: Journey) -> Iterator[Found]:
    """A case comes back to a team that had it before another one: A, B, A."""
    for place, anchor, _ in journey.judged("ping_pong"):
        if anchor.case is None or anchor.team is None:
            continue
        of_teams = [event for event in journey.before(place) if event.case == anchor.case and event.team is not None]
        same_team = [event for event in of_teams if event.team == anchor.team]
        if same_team and of_teams[-1].team != anchor.team:
            figures = {"team": anchor.team, "from_team": of_teams[-1].team}
            yield at_anchor("ping_pong", anchor, [same_team[-1]], figures=figures)


def repeated_request(journey: Journey) -> Iterator[Found]:
    """A document that was already requested in the journey."""
    for place, anchor, _ in journey.judged("repeated_request"):
        if anchor.type != "information.requested" or anchor.document is None:
            continue
        earlier = [
            event
            for event in journey.before(place)
            if event.type == "information.requested" and event.document == anchor.document
        ]
        if earlier:
            figures = {"document": anchor.document, "gap_s": gap_s(earlier[-1], anchor)}
            yield at_anchor("repeated_request", anchor, [earlier[-1]], figures=figures)


def rework(journey: Journey) -> Iterator[Found]:
    """A step that an earlier `case.progressed` of the case had."""
    for place, anchor, _ in journey.judged("rework"):
        if anchor.type != "case.progressed" or anchor.case is None or anchor.step is None:
            continue
        earlier = [
            event
            for event in journey.before(place)
            if event.type == "case.progressed" and event.case == anchor.case and event.step == anchor.step
        ]
        if earlier:
            yield at_anchor("rework", anchor, [earlier[-1]], figures={"gap_s": gap_s(earlier[-1], anchor)})


def status_chasing(journey: Journey) -> Iterator[Found]:
    """The first event of a contact that carries the reason `status`."""
    for place, anchor, _ in journey.judged("status_chasing"):
        contact = journey.contact_of(anchor)
        if contact is None or anchor.reason != "status":
            continue
        if not any(
            event.reason == "status" and journey.contact_of(event) == contact for event in journey.before(place)
        ):
            yield at_anchor("status_chasing", anchor)


def low_rating(journey: Journey) -> Iterator[Found]:
    """A rating at or below the limit."""
    for _, anchor, parameters in journey.judged("low_rating"):
        if anchor.type == "feedback.given" and anchor.rating is not None and anchor.rating <= parameters["limit"]:
            yield at_anchor(
                "low_rating", anchor, parameters=only(parameters, "limit"), figures={"rating": anchor.rating}
            )
