"""Random but valid rule settings, as resolved documents; their windows are small, so that edges are hit."""

from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.reference.rule_settings import DAY_S, HOUR_S, MINUTE_S, RULES, overlaid, resolved
from tests.strategies.choosers import Chooser, DrawnChooser, SeededChooser

SERVICES = ("aid", "permit")
SOURCES = ("/web", "/phone/pbx", "/é", "/Back-Office")
CHANNELS = ("phone", "web", "counter", "email", "chat")

WINDOWS_S = (10 * MINUTE_S, 30 * MINUTE_S, HOUR_S, DAY_S, 2 * DAY_S, 7 * DAY_S)
GAPS_S = (90 * DAY_S, 2 * DAY_S, 6 * HOUR_S)
MINUTES = (5, 0.5, 12)


def all_rules_on() -> dict[str, Any]:
    """The defaults with the two rules that are off by default switched on."""
    return resolved({"ping_pong": {"enabled": True}, "rework": {"enabled": True}})


@st.composite
def rule_documents(draw: st.DrawFn, lateness: bool = True) -> dict[str, Any]:
    """Resolved documents; without `lateness` every source keeps the limit of 24 hours."""
    return choose_document(DrawnChooser(draw), lateness=lateness)


def random_document(seed: int, lateness: bool = True) -> dict[str, Any]:
    """The same for a seed."""
    return choose_document(SeededChooser(Random(seed)), lateness=lateness)


def choose_document(choose: Chooser, lateness: bool) -> dict[str, Any]:
    """General values on all rules, some overridden for a service, minutes, and lateness limits of sources."""
    overrides = overlaid(all_rules_on(), _rule_values(choose))
    for service in SERVICES:
        if choose.chance(40):
            overrides = overlaid(overrides, {"service": {service: _rule_values(choose)}})
    for rule in RULES:
        if choose.chance(15):
            overrides = overlaid(overrides, {"minutes": {rule: _minutes(choose)}})
    if lateness and choose.chance(40):
        limit_s = choose.pick((7 * DAY_S, HOUR_S, 2 * DAY_S))
        overrides = overlaid(overrides, {"source": {choose.pick(SOURCES): {"lateness_s": limit_s}}})
    return resolved(overrides)


def _rule_values(choose: Chooser) -> dict[str, Any]:
    """Some values, also of one channel only, and some rules switched off."""

    def window() -> int:
        return choose.pick(WINDOWS_S)

    possible: dict[str, dict[str, Any]] = {
        "repeat_contact": {"min_gap_s": choose.pick((0, MINUTE_S, 5 * MINUTE_S)), "window_s": window()},
        "unanswered_retry": {"window_s": window()},
        "channel_switch": {"window_s": window()},
        "form_abandoned": {"window_s": window(), "saved_window_s": window()},
        "error_loop": {"count": choose.integer(1, 4), "window_s": window()},
        "long_wait": {"limit_s": {choose.pick(CHANNELS): choose.pick((60, 300))}},
        "queue_abandoned": {"minimum_s": {choose.pick(CHANNELS): choose.pick((10, 60, 300))}},
        "unanswered_message": {"window_s": window(), "callback_window_s": window()},
        "transfer_loop": {"count": choose.integer(1, 3)},
        "low_rating": {"limit": choose.integer(1, 4)},
        "journey": {"gap_s": choose.pick(GAPS_S), "open_case_gap_s": choose.pick((400 * DAY_S, 90 * DAY_S))},
    }
    chosen = {rule: values for rule, values in possible.items() if choose.chance(50)}
    off = {rule: {"enabled": False} for rule in RULES if choose.chance(5)}
    return overlaid(chosen, off)


def _minutes(choose: Chooser) -> dict[str, Any]:
    table: dict[str, Any] = {"source": "a survey of 2026"}
    for name in ("citizen_min", "administration_min"):
        if choose.chance(70):
            one = choose.pick(MINUTES)
            table[name] = {choose.pick(CHANNELS): one, "phone": 3} if choose.chance(40) else one
    return table
