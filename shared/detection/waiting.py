"""What holds at a deadline unless an event prevents it: abandoned forms and unanswered messages.

A deadline that the clock reaches first gives a provisional point (`fire_…`); an event before the deadline that comes
afterwards takes it back.
Source: docs/definitions/frictions.md, `form_abandoned`, `unanswered_message`.
"""

from heapq import heappush
from typing import Final

from shared.detection.draft import Deltas, Draft, RulesByVersion, draft_point
from shared.detection.occurrence import TYPE_CODES, Occurrence
from shared.detection.settings import ServiceRules
from shared.detection.state import MESSAGE, RUN, Pending, State
from shared.journey.instants import SECOND_US
from shared.journey.vocabulary import FORM_TYPES

FORM_CODES: Final = frozenset(TYPE_CODES[name] for name in FORM_TYPES)
_SAVED: Final = TYPE_CODES["form.saved"]
_SUBMITTED: Final = TYPE_CODES["form.submitted"]
_CALLBACK: Final = TYPE_CODES["callback.requested"]


def follow_form(state: State, event: Occurrence, rules: RulesByVersion, deltas: Deltas) -> None:
    """Carry the run of form events on, end it, or begin one."""
    events, timer_us = 1, 0
    run = state.run
    if run is not None:
        if event.time_us <= run.deadline_us:
            events, timer_us = run.events + 1, run.timer_us
            _take_back(run, state.cut, rules, deltas)
        else:
            _hold(run, state.cut, rules, deltas)
    if event.type == _SUBMITTED or event.has_outcome:
        state.run = None
        return
    service_rules = rules[event.version]
    window_us = service_rules.form_saved_window_us if event.type == _SAVED else service_rules.form_window_us
    state.run = Pending(event, event.time_us + window_us, events=events, timer_us=timer_us)
    if service_rules.form_abandoned:
        _set_timer(state, state.run)


def _set_timer(state: State, run: Pending) -> None:
    """One timer for a run, at its deadline or before: a run of many events does not fill the heap."""
    if run.timer_us == 0 or run.deadline_us < run.timer_us:
        run.timer_us = run.deadline_us
        heappush(state.timers, (run.timer_us, RUN))


def end_run_by_case(state: State, event: Occurrence, rules: RulesByVersion, deltas: Deltas) -> None:
    """A case opened within the window ends the run without a point."""
    run = state.run
    if run is not None and event.time_us <= run.deadline_us:
        _take_back(run, state.cut, rules, deltas)
        state.run = None


def await_answer(state: State, event: Occurrence, rules: RulesByVersion) -> None:
    """From here an answer is awaited."""
    service_rules = rules[event.version]
    window_us = service_rules.callback_window_us if event.type == _CALLBACK else service_rules.message_window_us
    state.messages.append(Pending(event, event.time_us + window_us))
    if service_rules.unanswered_message:
        heappush(state.timers, (event.time_us + window_us, MESSAGE))


def receive_answer(state: State, event: Occurrence, rules: RulesByVersion, deltas: Deltas) -> None:
    """Everything awaited until now is answered, or was not in time."""
    for message in state.messages:
        if event.time_us <= message.deadline_us:
            _take_back(message, state.cut, rules, deltas)
        else:
            _hold(message, state.cut, rules, deltas)
    state.messages.clear()


def fire_waiting(state: State, until_us: int, rules: RulesByVersion, deltas: Deltas) -> None:
    """Put in force, provisionally, what has reached its deadline by `until_us`."""
    run = state.run
    if run is not None and not run.fired:
        if run.deadline_us <= until_us:
            _fire(run, state.cut, rules, deltas)
        if run.timer_us <= until_us:
            run.timer_us = 0
            if rules[run.anchor.version].form_abandoned and not run.fired:
                _set_timer(state, run)
    for message in state.messages:
        if message.deadline_us <= until_us:
            _fire(message, state.cut, rules, deltas)


def fire_waiting_as(state: State, other: State, rules: RulesByVersion, deltas: Deltas) -> None:
    """Put in force what is in force in `other`, which folded the same events."""
    if state.run is not None and other.run is not None and other.run.fired:
        _fire(state.run, state.cut, rules, deltas)
    for message, same in zip(state.messages, other.messages, strict=True):
        if same.fired:
            _fire(message, state.cut, rules, deltas)


def orphans_of_waiting(state: State, rules: RulesByVersion) -> list[Draft]:
    """The points that only wait for their time once their journey has been cut off."""
    waiting = [*state.messages, state.run] if state.run is not None else state.messages
    drafts = [_point(each, state.cut, rules) for each in waiting if not each.fired]
    return [draft for draft in drafts if draft is not None]


def _fire(waiting: Pending, cut: int, rules: RulesByVersion, deltas: Deltas) -> None:
    if not waiting.fired:
        _hold(waiting, cut, rules, deltas)
        waiting.fired = True


def _hold(waiting: Pending, cut: int, rules: RulesByVersion, deltas: Deltas) -> None:
    if not waiting.fired:
        draft = _point(waiting, cut, rules)
        if draft is not None:
            deltas.append((1, draft))


def _take_back(waiting: Pending, cut: int, rules: RulesByVersion, deltas: Deltas) -> None:
    if waiting.fired:
        draft = _point(waiting, cut, rules)
        if draft is not None:
            deltas.append((-1, draft))
        waiting.fired = False


def _point(waiting: Pending, cut: int, rules: RulesByVersion) -> Draft | None:
    anchor = waiting.anchor
    service_rules = rules[anchor.version]
    if anchor.type in FORM_CODES:
        return _form_point(waiting, cut, service_rules) if service_rules.form_abandoned else None
    if not service_rules.unanswered_message:
        return None
    name = "callback_window_s" if anchor.type == _CALLBACK else "window_s"
    parameters = {name: (waiting.deadline_us - anchor.time_us) / SECOND_US}
    return draft_point(
        "unanswered_message", anchor, cut, service_rules, parameters=parameters, time_us=waiting.deadline_us
    )


def _form_point(waiting: Pending, cut: int, rules: ServiceRules) -> Draft:
    anchor = waiting.anchor
    saved = anchor.type == _SAVED
    return draft_point(
        "form_abandoned",
        anchor,
        cut,
        rules,
        figures={"form_events": float(waiting.events), "saved": float(saved)},
        parameters={"saved_window_s" if saved else "window_s": (waiting.deadline_us - anchor.time_us) / SECOND_US},
        time_us=waiting.deadline_us,
    )
