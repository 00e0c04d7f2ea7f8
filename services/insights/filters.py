"""The filters that every figure shares, read from the address: rule, service, channel, territory, source, from, to."""

import re
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct, structs
from starlette.datastructures import QueryParams

from services.insights.language import N_
from services.insights.problems import Problem
from shared.detection.settings import RULES
from shared.journey.instants import DAY_US, HOUR_US, to_text, to_us

MAX_VALUE_CHARS: Final = 256
"""Longer values cannot stand in an event."""
FILTER_NAMES: Final = ("rule", "service", "channel", "territory", "source", "from", "to")
PAGE_FILTER_NAMES: Final = (*FILTER_NAMES, "through")
"""Forms of pages give the last day (`through`, included) in place of `to` (excluded)."""

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})")
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2299
"""The range of ClickHouse's DateTime64."""


class Filters(Struct, frozen=True, kw_only=True):
    """What a figure is restricted to; `None` restricts nothing. Times are instants; `[from_us, to_us)` is half-open.

    `territory` is a path and stands for itself and everything below it.
    """

    rule: str | None = None
    service: str | None = None
    channel: str | None = None
    territory: str | None = None
    source: str | None = None
    from_us: int | None = None
    to_us: int | None = None

    def on_full_hours(self) -> bool:
        """Whether the period begins and ends on full hours, as the aggregates do."""
        return all(edge is None or edge % HOUR_US == 0 for edge in (self.from_us, self.to_us))

    def on_full_days(self) -> bool:
        """As `on_full_hours`, on days of UTC."""
        return all(edge is None or edge % DAY_US == 0 for edge in (self.from_us, self.to_us))

    def parameters(self) -> dict[str, str]:
        """The filters as query parameters, without those that restrict nothing."""
        values = {name: getattr(self, name) for name in ("rule", "service", "channel", "territory", "source")}
        values["from"] = None if self.from_us is None else _shortest_text(self.from_us)
        values["to"] = None if self.to_us is None else _shortest_text(self.to_us)
        return {name: value for name, value in values.items() if value is not None}

    def on(self, from_us: int | None, to_us: int | None) -> "Filters":
        """The same filters on another period; `None` leaves an end open."""
        return structs.replace(self, from_us=from_us, to_us=to_us)

    def without_rule(self) -> "Filters":
        """The same filters for all rules."""
        return structs.replace(self, rule=None)


def _shortest_text(instant_us: int) -> str:
    text = to_text(instant_us)
    return text.removesuffix("T00:00:00.000000Z") if text.endswith("T00:00:00.000000Z") else text


def read_filters(query: QueryParams) -> Filters:
    """The filters of a request. Raises `Problem` 422 for a value that no event could have."""
    from_us = read_instant("from", _value(query, "from"))
    to_us = _read_end(query)
    if from_us is not None and to_us is not None and from_us >= to_us:
        detail = N_("The period is empty: “%(start)s” must lie before “%(end)s”.")
        raise Problem(422, "invalid-filter", detail, start="from", end="to")
    rule = _value(query, "rule")
    if rule is not None and rule not in RULES:
        raise Problem(422, "invalid-filter", N_("There is no rule of this name; the register lists them."))
    territory = _value(query, "territory")
    return Filters(
        rule=rule,
        service=_value(query, "service"),
        channel=_value(query, "channel"),
        territory=(territory.rstrip("/") or None) if territory else None,
        source=_value(query, "source"),
        from_us=from_us,
        to_us=to_us,
    )


def _read_end(query: QueryParams) -> int | None:
    """The end of the period, excluded: `to`, or the midnight after the day `through`."""
    through = _value(query, "through")
    if through is None:
        return read_instant("to", _value(query, "to"))
    if _value(query, "to") is not None:
        raise Problem(422, "invalid-filter", N_("The parameter “%(name)s” is given more than once."), name="to")
    last_us = read_instant("through", through)
    return None if last_us is None else last_us // DAY_US * DAY_US + DAY_US


def only_known(query: QueryParams, known: tuple[str, ...]) -> None:
    """Refuse a parameter that does not exist or comes twice: a mistyped filter must not silently widen a figure.

    Raises `Problem` 422.
    """
    for name in query:
        if name not in known:
            raise Problem(
                422,
                "unknown-parameter",
                N_("The parameter “%(name)s” does not exist here. Known are: %(known)s."),
                name=name[:64],
                known=", ".join(known),
            )
        if len(query.getlist(name)) > 1:
            raise Problem(
                422, "invalid-filter", N_("The parameter “%(name)s” is given more than once."), name=name[:64]
            )


def _value(query: QueryParams, name: str) -> str | None:
    value = query.get(name)
    if not value:
        return None
    if len(value) > MAX_VALUE_CHARS or "\0" in value:
        raise Problem(
            422,
            "invalid-filter",
            N_("The value of “%(name)s” cannot stand in an event: at most %(limit)s characters, no null character."),
            name=name,
            limit=MAX_VALUE_CHARS,
        )
    return value


def read_instant(name: str, text: str | None) -> int | None:
    """Microseconds since 1970 of an RFC 3339 instant or a date (its midnight in UTC). Raises `Problem` 422."""
    if text is None:
        return None
    try:
        moment = _parse(text)
        if _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return to_us(moment)
    except (ValueError, OverflowError):
        pass
    raise Problem(
        422,
        "invalid-filter",
        N_(
            "“%(name)s” must be a date such as 2026-03-31 or an instant such as 2026-03-31T09:00:00Z, from 1900 to 2299."
        ),
        name=name,
    )


def _parse(text: str) -> datetime:
    if _DAY.fullmatch(text):
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text.upper()).astimezone(UTC)
