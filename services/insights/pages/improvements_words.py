"""What the figures of an improvement say, in sentences."""

from collections.abc import Mapping
from typing import Final

from services.insights.effect.protocol import Reason
from services.insights.figures.improvements_effect import Judged
from services.insights.figures.improvements_scope import Compared, day_of
from services.insights.figures.table import Value
from services.insights.language import N_, Language

_REASONS: Final = {
    "weeks_after": N_("Full weeks since the start: %(weeks)s. The figures are read for the first time after %(needed)s."),
    "points_expected": N_(
        "Even without the repair, too few points would be expected so far: a reading needs at least %(needed)s."
    ),
    "few_weeks_before": N_(
        "There are only %(weeks)s weeks of data before the start; at least %(needed)s are needed to know what was usual."
    ),
    "few_points_before": N_("Too few points were noticed before the start to know what was usual."),
    "gaps_before": N_("On many days before the start nothing was received: what was usual is not known."),
    "gaps_after": N_("On many days since the start nothing was received."),
    "no_contacts_after": N_("Since the start nothing was received from the repaired services and places."),
    "rule_not_observed": N_(
        "The events that the rule needs did not arrive before or after the start. What cannot be observed is unknown, not zero."
    ),
    "started_at_a_peak": N_(
        "The last %(weeks)s weeks before the start were unusually bad. Such weeks mostly pass by themselves (regression to the "
        "mean): they are left out."
    ),
    "peak_kept": N_(
        "The last %(weeks)s weeks before the start were unusually bad and might have passed by themselves; there is too little "
        "past to leave them out. Read the effect with care."
    ),
    "no_comparison": N_(
        "There is no comparison group: whatever else changed in the same weeks would look like an effect of the repair."
    ),
    "comparison_small": N_("The comparison group has too few points (fewer than %(needed)s); it is not used."),
    "volume_changed": N_(
        "Contacts and steps a week went from %(before)s to %(after)s. The effect is on the rate per contact: check whether the "
        "same people still come."
    ),
    "units_waiting": N_("Places that started less than four weeks before the reading count as not yet repaired."),
    "season_not_known": N_("A yearly rhythm cannot be told from the repair without a comparison group."),
    "rules_changed": N_("Settings of rules changed in these weeks: points may have been judged differently before and after."),
    "annotation": N_("In the same weeks, %(day)s: %(title)s."),
    "other_improvement": N_("Another improvement began in the same weeks, %(day)s: %(title)s."),
    "final": N_("This reading is final: what comes more than 26 weeks after the last start is not attributed to the repair."),
    "interval_wide": N_("The interval is wide: a large effect, good or bad, could not have been seen yet."),
}  # fmt: skip
_COMPARED: Final[Mapping[Compared, str]] = {
    "chosen": N_("Compared with the territories chosen for it, in the same weeks."),
    "other_territories": N_("Compared with the territories that the repair does not reach, in the same weeks."),
    "other_offices": N_("Compared with the offices that the repair does not reach, in the same weeks."),
    "other_services": N_("Compared with the services that the repair does not reach, in the same weeks."),
}
MARKS: Final = {"improved": "↓", "worsened": "↑", "no_change_seen": "=", "too_early": "…", "not_observable": "?"}
"""A sign for each verdict, beside its words."""


def effect_sentence(row: Mapping[str, Value], found: Judged, language: Language) -> str:
    """The verdict in one sentence, from the row of the figure as it may be shown."""
    verdict = found.effect.verdict
    day = language.day(str(row["start"]))
    if verdict in {"improved", "worsened"}:
        return _changed(row, verdict, day, language)
    if verdict == "no_change_seen":
        return _unchanged(row, day, language)
    if verdict == "too_early":
        return _early(row, found, day, language)
    return language.text(_REASONS[found.effect.reasons[0].name], _values(found.effect.reasons[0], language))


def _changed(row: Mapping[str, Value], verdict: str, day: str, language: Language) -> str:
    ratio, low, high = (row[name] for name in ("ratio", "ratio_low", "ratio_high"))
    if not isinstance(ratio, float) or not isinstance(low, float) or not isinstance(high, float):
        hidden = N_(
            "Since %(day)s there are fewer points than expected without the repair; how many is not shown, since few are left."
        )
        return language.text(hidden, {"day": day})
    if verdict == "improved":
        message = N_(
            "Since %(day)s there are %(value)s fewer points than expected without the repair (95 %% interval: %(low)s to %(high)s fewer)."
        )
        shares = (1 - ratio, 1 - high, 1 - low)
    else:
        message = N_(
            "Since %(day)s there are %(value)s more points than expected without the repair (95 %% interval: %(low)s to %(high)s more)."
        )
        shares = (ratio - 1, low - 1, high - 1)
    value, first, last = (language.percent(each) for each in shares)
    return language.text(message, {"day": day, "value": value, "low": first, "high": last})


def _unchanged(row: Mapping[str, Value], day: str, language: Language) -> str:
    low, high = row["ratio_low"], row["ratio_high"]
    if not isinstance(low, float) or not isinstance(high, float):
        return language.text(N_("Since %(day)s no change can be told from chance."), {"day": day})
    message = N_(
        "Since %(day)s no change can be told from chance: anything from %(low)s to %(high)s agrees with the figures."
    )
    return language.text(message, {"day": day, "low": _change(low, language), "high": _change(high, language)})


def _change(ratio: float, language: Language) -> str:
    share = language.percent(abs(ratio - 1))
    return language.text(N_("%(share)s fewer") if ratio < 1 else N_("%(share)s more"), {"share": share})


def _early(row: Mapping[str, Value], found: Judged, day: str, language: Language) -> str:
    if found.end_day <= found.starts[0]:
        begins = N_("It begins on %(day)s; the figures are read for the first time four weeks later.")
        past = N_("Data reach only to the time before its start, %(day)s: nothing can be said yet.")
        message = begins if found.improvement.status == "planned" else past
        return language.text(message, {"day": day})
    coming = row["next_reading"]
    message = N_("Too early to say: the effect is read when the figures reach %(day)s.")
    return language.text(message, {"day": language.day(str(coming)) if coming else day})


def reason_sentences(found: Judged, language: Language) -> list[str]:
    """What to know with the verdict, each in a sentence."""
    sentences = []
    for reason in found.effect.reasons:
        if reason.name == "comparison_used":
            sentences.append(language.text(_COMPARED[found.scope.compared]))
        else:
            sentences.append(language.text(_REASONS[reason.name], _values(reason, language)))
    return sentences


def _values(reason: Reason, language: Language) -> dict[str, str]:
    return {name: _value(name, value, language) for name, value in reason.values.items()}


def _value(name: str, value: float | str, language: Language) -> str:
    if isinstance(value, str):
        return language.day(value) if name == "day" else value
    return language.number(value)


def day_text(number: int | None) -> str | None:
    """A day for `l10n.day`."""
    return None if number is None else day_of(number).isoformat()
