"""Whether a rule can be judged where one looks: a rule whose events never arrived is unknown, not zero.

Source: docs/definitions/frictions.md, "Observable or not".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from services.insights import queries
from services.insights.filters import Filters
from services.insights.ports import Store
from shared.detection.declarations.declaration import Declaration
from shared.detection.register import DECLARATIONS
from shared.detection.settings import RULES, RuleBook

Status = Literal["observed", "not_observable", "off"]

_FIELDS: Final = tuple(sorted({field for each in DECLARATIONS.values() for field in each.needed_fields}))


_Received = Sequence[Mapping[str, Any]]
"""Rows of `queries.received` of one service and channel: a type, its events, and how many carry each field."""


class Observed(NamedTuple):
    """A rule: its status, in how many services and channels of those that judge it it can be observed, and the types and
    fields that never came with it in any of the others.
    """

    status: Status
    observed: int
    judged: int
    missing: list[str]


def rule_statuses(store: Store, filters: Filters, book: RuleBook) -> dict[str, Status]:
    """For every rule, whether it is observed, not observable, or switched off, in what the filters leave."""
    places = _places_received(store, filters)
    services = {service for service, _ in places} or {filters.service or ""}
    return {rule: _status(rule, places, services, book) for rule in RULES}


def observed_places(store: Store, filters: Filters, book: RuleBook) -> dict[str, Observed]:
    """For every rule, where it can be observed in what the filters leave."""
    places = _places_received(store, filters)
    services = {service for service, _ in places} or {filters.service or ""}
    found = {}
    for rule in RULES:
        judged = {place: rows for place, rows in places.items() if rule in book.for_service(place[0]).enabled}
        blind = [rows for rows in judged.values() if not _shows(rows, DECLARATIONS[rule])]
        status = _status(rule, places, services, book)
        missing = _missing(blind, DECLARATIONS[rule]) if blind and len(blind) == len(judged) else []
        found[rule] = Observed(status, len(judged) - len(blind), len(judged), missing)
    return found


def _missing(places: Sequence[_Received], declaration: Declaration) -> list[str]:
    """The types, none of which came, or else the fields that none of them carried."""
    rows = [row for each in places for row in each]
    of_type = [row for row in rows if not declaration.needed_types or row["type"] in declaration.needed_types]
    if not of_type:
        return sorted(declaration.needed_types)
    return sorted(field for field in declaration.needed_fields if not any(row[f"has_{field}"] for row in of_type))


def _places_received(store: Store, filters: Filters) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """What came, by service and channel."""
    question = queries.received(filters, _FIELDS)
    result = store.query(question.sql, question.parameters)
    places: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for values in result.rows:
        row = dict(zip(result.columns, values, strict=True))
        places.setdefault((row["service"], row["channel"]), []).append(row)
    return places


def rules_not_observable(store: Store, filters: Filters, book: RuleBook) -> list[str]:
    """The rules (or the one asked for) that cannot be observed in what the filters leave."""
    statuses = rule_statuses(store, filters, book)
    return [rule for rule, status in statuses.items() if status == "not_observable" and filters.rule in {None, rule}]


def _status(rule: str, places: Mapping[tuple[str, str], _Received], services: set[str], book: RuleBook) -> Status:
    judged = {service for service in services if rule in book.for_service(service).enabled}
    if not judged:
        return "off"
    seen = any(_shows(rows, DECLARATIONS[rule]) for (service, _), rows in places.items() if service in judged)
    return "observed" if seen else "not_observable"


def _shows(rows: _Received, declaration: Declaration) -> bool:
    """Whether one service and channel sent one of the needed types, and each of the needed fields on such events."""
    types = declaration.needed_types
    of_type = [row for row in rows if not types or row["type"] in types]
    return bool(of_type) and all(any(row[f"has_{field}"] for row in of_type) for field in declaration.needed_fields)
