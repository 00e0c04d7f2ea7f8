"""Which alerts are asked for: by state, service, severity and territory; read from the address, the same for pages and API."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from starlette.datastructures import QueryParams

from services.insights.filters import only_known, read_filters, read_instant
from services.insights.language import N_
from services.insights.ports import AlertDesk
from services.insights.problems import Problem
from shared.alerts.finding import SEVERITIES
from shared.alerts.sheet import Sheet
from shared.journey.instants import DAY_US

STATES: Final = ("open", "firing", "acknowledged", "resolved")
CHOICE_NAMES: Final = ("state", "service", "severity", "territory", "since")
RECENT_DAYS: Final = 7
"""Resolved alerts are listed of so many days unless asked otherwise."""
_RANK: Final = {"firing": 0, "acknowledged": 1, "resolved": 2}


class Choice(Struct, frozen=True, kw_only=True):
    """severity: this or a graver one; territory: itself and below; '' restricts nothing. since_us: of resolved ones only."""

    state: str = "open"
    service: str = ""
    severity: str = ""
    territory: str = ""
    since_us: int | None = None

    def takes(self, sheet: Sheet) -> bool:
        """Whether this alert is asked for."""
        return (
            self.state in ("open", sheet.state)
            and self._is_grave(sheet)
            and any(
                self.service in ("", each.service) and _holds(self.territory, each.territory) for each in sheet.readings
            )
        )

    def narrows(self) -> bool:
        """Whether it leaves out some alerts of its state."""
        return bool(self.service or self.severity or self.territory)

    def parameters(self) -> dict[str, str]:
        """As parameters of an address; `since` is left out."""
        given = {"state": self.state, "service": self.service, "severity": self.severity, "territory": self.territory}
        return {name: value for name, value in given.items() if value and (name, value) != ("state", "open")}

    def _is_grave(self, sheet: Sheet) -> bool:
        return not self.severity or SEVERITIES.index(sheet.severity) >= SEVERITIES.index(self.severity)


def read_choice(query: QueryParams, *others: str) -> Choice:
    """The choice of a request. Raises `Problem` 422."""
    only_known(query, (*CHOICE_NAMES, *others, "lang"))
    filters = read_filters(query)
    return Choice(
        state=_one_of("state", query.get("state") or "open", STATES),
        severity=_one_of("severity", query.get("severity") or "", ("", *SEVERITIES)),
        service=filters.service or "",
        territory=filters.territory or "",
        since_us=read_instant("since", query.get("since") or None),
    )


def chosen(desk: AlertDesk, choice: Choice, now_us: int) -> Sequence[Sheet]:
    """The alerts asked for: those nobody has taken on first, the gravest first, the latest first. Raises `RegistryError`."""
    if choice.state == "resolved":
        since_us = now_us - RECENT_DAYS * DAY_US if choice.since_us is None else choice.since_us
        return [each for each in desk.resolved(max(since_us, 0)) if choice.takes(each)]
    return in_order(each for each in desk.open() if choice.takes(each))


def in_order(sheets: Iterable[Sheet]) -> list[Sheet]:
    """What asks for attention first: not kept quiet, taken on by nobody, grave, late."""
    return sorted(
        sheets,
        key=lambda each: (
            bool(each.suppressed_by),
            _RANK[each.state],
            -SEVERITIES.index(each.severity),
            -each.fired_us,
            each.id,
        ),
    )


def _holds(outer: str, inner: str) -> bool:
    return outer in ("", inner) or inner.startswith(outer + "/")


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        detail = N_("“%(name)s” must be one of: %(known)s.")
        raise Problem(422, "invalid-filter", detail, name=name, known=", ".join(filter(None, known)))
    return value
