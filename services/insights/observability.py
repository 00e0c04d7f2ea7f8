"""Whether a rule can be judged where one looks: a rule whose events never arrived is unknown, not zero.

Source: docs/definitions/frictions.md, "Observable or not".
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from services.insights import queries
from services.insights.filters import Filters
from services.insights.ports import Store
from shared.detection.declarations.declaration import Declaration
from shared.detection.register import DECLARATIONS
from shared.detection.settings import RULES, RuleBook

Status = Literal["observed", "not_observable", "off"]

_Received = Sequence[tuple[str, int]]
"""Of `queries.received`, for one service and channel: each type, and the bits of the fields that its events carry."""


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
    of_type = [row for row in rows if not declaration.needed_types or row[0] in declaration.needed_types]
    if not of_type:
        return sorted(declaration.needed_types)
    return sorted(field for field in declaration.needed_fields if not _carried(field, of_type))


def _places_received(store: Store, filters: Filters) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """What came, by service and channel."""
    question = queries.received(filters)
    places: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for service, channel, kind, _, carried in store.query(question.sql, question.parameters).rows:
        places.setdefault((service, channel), []).append((kind, int(carried)))
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
    of_type = [row for row in rows if not types or row[0] in types]
    return bool(of_type) and all(_carried(field, of_type) for field in declaration.needed_fields)


def _carried(field: str, rows: _Received) -> bool:
    bit = 1 << queries.FIELD_BITS[field]
    return any(carried & bit for _, carried in rows)
