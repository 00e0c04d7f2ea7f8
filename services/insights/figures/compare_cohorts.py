"""The two groups of journeys that are compared: read from the address, or the two busiest channels of entry."""

from typing import Any, Final

from msgspec import Struct, structs

from services.insights.figures.figure import Ask, Parameter
from services.insights.figures.journey_filters import (
    journeys_where,
    of_one_service,
    restrict_journeys,
    with_point_sql,
)
from services.insights.filters import MAX_VALUE_CHARS, Filters, read_instant
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.problems import Problem
from services.insights.queries import Question
from shared.detection.settings import RULES
from shared.journey.instants import DAY_US

SIDES: Final = ("a", "b")
WITH: Final = "with"
WITHOUT: Final = "without"
_FIELDS: Final = ("entry", "territory", "from", "through", "rule", "holds")
COHORT_NAMES: Final = tuple(f"{side}_{field}" for side in SIDES for field in _FIELDS)

_MEANINGS: Final = {
    "entry": "only journeys that began on this channel",
    "territory": "only journeys of this territory, in place of `territory`",
    "from": "journeys that began on this day or later, in place of `from`",
    "through": "journeys that began on this day or earlier, in place of `to`",
    "rule": "only journeys with (or without: see `holds`) a point of this rule",
    "holds": "`with` or `without` a point of that rule; `with` if left out",
}
PARAMETERS: Final = tuple(
    Parameter(f"{side}_{field}", f"Group {side.upper()}: {meaning}.")
    for side in SIDES
    for field, meaning in _MEANINGS.items()
)

_HOLDS: Final = with_point_sql("cohort_rule")


class Cohort(Struct, frozen=True, kw_only=True):
    """One group: the journeys under `filters` that began on a channel, and with or without a rule's points."""

    filters: Filters
    entry: str | None = None
    rule: str | None = None
    holds: str = WITH

    def conditions(self) -> tuple[str, ...]:
        """What rows of `journeys` must meet besides the filters."""
        found = []
        if self.entry is not None:
            found.append("entry_channel = {cohort_entry:String}")
        if self.rule is not None:
            found.append(f"NOT {_HOLDS}" if self.holds == WITHOUT else _HOLDS)
        return tuple(found)

    def values(self) -> dict[str, Any]:
        """The bound values of the conditions."""
        given = {"cohort_entry": self.entry, "cohort_rule": self.rule}
        return {name: value for name, value in given.items() if value is not None}


class Cohorts(Struct, frozen=True):
    """Both groups; `chosen` if the address says anything of them."""

    a: Cohort
    b: Cohort
    chosen: bool

    def overlap(self) -> bool:
        """Whether one journey may stand in both."""
        a, b = self.a, self.b
        if None not in {a.entry, b.entry} and a.entry != b.entry:
            return False
        if a.rule is not None and a.rule == b.rule and a.holds != b.holds:
            return False
        return not _apart_in_time(a.filters, b.filters) and not _apart_in_space(a.filters, b.filters)


def _apart_in_time(a: Filters, b: Filters) -> bool:
    ends = ((a.to_us, b.from_us), (b.to_us, a.from_us))
    return any(end is not None and start is not None and end <= start for end, start in ends)


def _apart_in_space(a: Filters, b: Filters) -> bool:
    if a.territory is None or b.territory is None:
        return False
    one, other = a.territory + "/", b.territory + "/"
    return not one.startswith(other) and not other.startswith(one)


def side_sql(cohort: Cohort, side: str) -> tuple[str, dict[str, Any]]:
    """The condition on rows of `journeys` that they stand in this group, and its values under names of its own."""
    conditions, parameters = restrict_journeys(cohort.filters)
    joined = " AND ".join([*conditions, *cohort.conditions()]) or "1"
    named = {f"{side}_{name}": value for name, value in {**parameters, **cohort.values()}.items()}
    return joined.replace("{", f"{{{side}_"), named


def entry_channels(filters: Filters) -> Question:
    """Journeys per channel on which they began, most first."""
    where, parameters = journeys_where(filters, "entry_channel != ''")
    return Question(
        f"SELECT entry_channel, count() AS journeys FROM journeys FINAL {where} "  # noqa: S608
        "GROUP BY entry_channel ORDER BY journeys DESC, entry_channel",
        parameters,
    )


def channels_of_entry(store: Store, filters: Filters) -> list[str]:
    """The channels on which journeys under the filters began, busiest first."""
    question = entry_channels(filters)
    return [str(row[0]) for row in store.query(question.sql, question.parameters).rows]


def read_cohorts(ask: Ask) -> Cohorts:
    """Both groups of an address. Raises `Problem` 422 for a value that none could have."""
    filters = of_one_service(ask.store, ask.filters)
    a, b = (_cohort(ask, side, filters) for side in SIDES)
    if any(ask.parameter(name) for name in COHORT_NAMES):
        return Cohorts(a, b, chosen=True)
    entries: list[str | None] = [*channels_of_entry(ask.store, filters)[:2], None, None]
    return Cohorts(structs.replace(a, entry=entries[0]), structs.replace(b, entry=entries[1]), chosen=False)


def _cohort(ask: Ask, side: str, filters: Filters) -> Cohort:
    rule = _value(ask, f"{side}_rule")
    if rule is not None and rule not in RULES:
        raise Problem(422, "invalid-filter", N_("There is no rule of this name; the register lists them."))
    holds = _value(ask, f"{side}_holds") or WITH
    if holds not in {WITH, WITHOUT}:
        detail = N_("“%(name)s” must be one of: %(allowed)s.")
        raise Problem(422, "invalid-parameter", detail, name=f"{side}_holds", allowed=f"{WITH}, {WITHOUT}")
    from_us, to_us = _period(ask, side, filters)
    territory = (_value(ask, f"{side}_territory") or "").rstrip("/") or filters.territory
    return Cohort(
        filters=structs.replace(filters, territory=territory, from_us=from_us, to_us=to_us),
        entry=_value(ask, f"{side}_entry"),
        rule=rule,
        holds=holds,
    )


def _period(ask: Ask, side: str, filters: Filters) -> tuple[int | None, int | None]:
    from_us = read_instant(f"{side}_from", _value(ask, f"{side}_from"))
    last_us = read_instant(f"{side}_through", _value(ask, f"{side}_through"))
    to_us = None if last_us is None else last_us // DAY_US * DAY_US + DAY_US
    from_us = filters.from_us if from_us is None else from_us
    to_us = filters.to_us if to_us is None else to_us
    if from_us is not None and to_us is not None and from_us >= to_us:
        detail = N_("The period is empty: “%(start)s” must lie before “%(end)s”.")
        raise Problem(422, "invalid-filter", detail, start=f"{side}_from", end=f"{side}_through")
    return from_us, to_us


def _value(ask: Ask, name: str) -> str | None:
    value = ask.parameter(name)
    if value is not None and (len(value) > MAX_VALUE_CHARS or "\0" in value):
        detail = N_(
            "The value of “%(name)s” cannot stand in an event: at most %(limit)s characters, no null character."
        )
        raise Problem(422, "invalid-filter", detail, name=name, limit=MAX_VALUE_CHARS)
    return value
