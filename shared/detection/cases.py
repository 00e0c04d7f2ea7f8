"""Cases: the clock of an announced deadline, and what is done twice within a case.

Source: docs/definitions/frictions.md, "The clock of a case", `deadline_missed`, `ping_pong`, `rework`, `case_reopened`.
"""

from heapq import heappush
from typing import Final

from shared.detection.draft import Deltas, Draft, RulesByVersion, draft_point
from shared.detection.occurrence import TYPE_CODES, Occurrence
from shared.detection.settings import ServiceRules
from shared.detection.state import CASE, Case, State
from shared.journey.instants import SECOND_US, to_text

_REQUESTED: Final = TYPE_CODES["information.requested"]
_RECEIVED: Final = TYPE_CODES["information.received"]
_PROGRESSED: Final = TYPE_CODES["case.progressed"]
_REOPENED: Final = TYPE_CODES["case.reopened"]
_CLOSING: Final = frozenset(TYPE_CODES[name] for name in ("case.decided", "case.closed"))


def follow_case(state: State, event: Occurrence, rules: RulesByVersion, deltas: Deltas) -> None:
    """Let an event that names a case act on it."""
    name = event.case or ""
    case = state.cases.get(name)
    if case is None:
        case = state.cases[name] = Case()
        state.open_cases += 1
    if case.due_us is not None:
        _before_event(case, event, state.cut, rules, deltas)
    if event.due_us is not None or case.waiting_since_us is not None or event.type == _REQUESTED:
        _run_clock(case, event)
    _open_or_close(state, case, event)
    if case.due_us is not None and case.ticking and case.timer_us != case.due_us and _is_judged(case, rules):
        case.timer_us = case.due_us
        heappush(state.timers, (case.due_us, CASE + name))
    service_rules = rules[event.version]
    if event.team is not None:
        _follow_team(case, event, state.cut, service_rules, deltas)
    if event.type == _PROGRESSED and event.step is not None:
        _follow_step(case, event, state.cut, service_rules, deltas)


def fire_due(state: State, name: str, until_us: int, rules: RulesByVersion, deltas: Deltas) -> None:
    """Put a missed deadline in force, provisionally, if it has passed by `until_us`."""
    case = state.cases[name]
    case.timer_us = 0
    if case.due_us is not None and case.due_us <= until_us and case.ticking and not case.fired:
        draft = _missed_point(case, state.cut, rules)
        if draft is not None:
            deltas.append((1, draft))
        case.fired = True


def fire_dues_as(state: State, other: State, rules: RulesByVersion, deltas: Deltas) -> None:
    """Put in force the missed deadlines that are in force in `other`, which folded the same events."""
    for name, case in other.cases.items():
        if case.fired and case.due_us is not None:
            fire_due(state, name, case.due_us, rules, deltas)


def orphans_of_cases(state: State, rules: RulesByVersion) -> list[Draft]:
    """The deadlines that will pass once their journey has been cut off."""
    drafts = [_missed_point(case, state.cut, rules) for case in state.cases.values() if case.ticking and not case.fired]
    return [draft for draft in drafts if draft is not None]


def _is_judged(case: Case, rules: RulesByVersion) -> bool:
    """Whether its due can make a point: nothing is to be woken for one that cannot."""
    return rules[_anchor(case).version].deadline_missed


def _anchor(case: Case) -> Occurrence:
    assert case.anchor is not None, "a case with a due has the event that set it"
    return case.anchor


def _before_event(case: Case, event: Occurrence, cut: int, rules: RulesByVersion, deltas: Deltas) -> None:
    due_us = case.due_us
    if due_us is None or case.waiting_since_us is not None:
        return
    if due_us < event.time_us:
        if case.open and not case.fired:
            draft = _missed_point(case, cut, rules)
            if draft is not None:
                deltas.append((1, draft))
        case.due_us = None
        case.fired = False
    elif case.fired:
        draft = _missed_point(case, cut, rules)
        if draft is not None:
            deltas.append((-1, draft))
        case.fired = False


def _run_clock(case: Case, event: Occurrence) -> None:
    time_us, due_us = event.time_us, event.due_us
    if due_us is not None and due_us >= time_us and due_us != case.announced_us:
        case.announced_us = case.due_us = due_us
        case.paused_us = 0
        case.anchor = event
        if case.waiting_since_us is not None:
            case.waiting_since_us = time_us
    if event.type == _REQUESTED:
        if case.waiting_since_us is None:
            case.waiting_since_us = time_us
    elif event.type == _RECEIVED and case.waiting_since_us is not None:
        if case.due_us is not None:
            pause_us = time_us - case.waiting_since_us
            case.due_us += pause_us
            case.paused_us += pause_us
        case.waiting_since_us = None


def _open_or_close(state: State, case: Case, event: Occurrence) -> None:
    if event.type in _CLOSING:
        if case.open:
            case.open = False
            state.open_cases -= 1
    elif event.type == _REOPENED and not case.open:
        case.open = True
        state.open_cases += 1


def _missed_point(case: Case, cut: int, rules: RulesByVersion) -> Draft | None:
    anchor = _anchor(case)
    service_rules = rules[anchor.version]
    if not service_rules.deadline_missed or case.announced_us is None:
        return None
    return draft_point(
        "deadline_missed",
        anchor,
        cut,
        service_rules,
        figures={"due": to_text(case.announced_us), "paused_s": case.paused_us / SECOND_US},
        time_us=case.due_us,
        due_us=case.announced_us,
    )


def _follow_team(case: Case, event: Occurrence, cut: int, rules: ServiceRules, deltas: Deltas) -> None:
    team = event.team or ""
    earlier = case.teams.get(team)
    if earlier is not None and team != case.team and rules.ping_pong:
        figures: dict[str, float | str] = {"team": team, "from_team": case.team or ""}
        deltas.append((1, draft_point("ping_pong", event, cut, rules, earlier=(earlier,), figures=figures)))
    case.teams[team] = event.reference
    case.team = team


def _follow_step(case: Case, event: Occurrence, cut: int, rules: ServiceRules, deltas: Deltas) -> None:
    step = event.step or ""
    earlier = case.steps.get(step)
    if earlier is not None and rules.rework:
        figures: dict[str, float | str] = {"gap_s": (event.time_us - earlier.time_us) / SECOND_US}
        deltas.append((1, draft_point("rework", event, cut, rules, earlier=(earlier,), figures=figures)))
    case.steps[step] = event.reference
