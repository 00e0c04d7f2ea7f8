"""Whether a rule can be judged where one looks: a rule whose events never arrived is unknown, not zero.

Source: docs/definitions/frictions.md, "Observable or not".
"""

from collections.abc import Collection, Iterable, Mapping
from functools import reduce
from operator import or_
from typing import Literal, NamedTuple

from services.insights import queries
from services.insights.filters import Filters
from services.insights.ports import Store
from shared.detection.declarations.declaration import Declaration
from shared.detection.register import DECLARATIONS
from shared.detection.settings import RULES, RuleBook

Status = Literal["observed", "not_observable", "off"]

_Received = Mapping[str, int]
"""Of `queries.received`, for one service and channel: by type, the bits of the fields that its events carry."""


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
    enabled = _enabled(places, filters, book)
    return {rule: _status(rule, places, enabled) for rule in RULES}


def observed_places(store: Store, filters: Filters, book: RuleBook) -> dict[str, Observed]:
    """For every rule, where it can be observed in what the filters leave."""
    places = _places_received(store, filters)
    enabled = _enabled(places, filters, book)
    found = {}
    for rule in RULES:
        judged = [received for (service, _), received in places.items() if rule in enabled[service]]
        blind = [received for received in judged if not _shows(received, DECLARATIONS[rule])]
        missing = _missing(blind, DECLARATIONS[rule]) if blind and len(blind) == len(judged) else []
        found[rule] = Observed(_status(rule, places, enabled), len(judged) - len(blind), len(judged), missing)
    return found


def _enabled(
    places: Mapping[tuple[str, str], _Received], filters: Filters, book: RuleBook
) -> dict[str, Collection[str]]:
    """The rules that judge each service, of which anything came; of none, those that would judge the one asked for."""
    services = {service for service, _ in places} or {filters.service or ""}
    return {service: book.for_service(service).enabled for service in services}


def _missing(places: Iterable[_Received], declaration: Declaration) -> list[str]:
    """The types, none of which came, or else the fields that none of them carried."""
    found = [bits for received in places if (bits := _carried(received, declaration)) is not None]
    if not found:
        return sorted(declaration.needed_types)
    carried = reduce(or_, found)
    return sorted(field for field in declaration.needed_fields if not carried >> queries.FIELD_BITS[field] & 1)


def _places_received(store: Store, filters: Filters) -> dict[tuple[str, str], dict[str, int]]:
    """What came, by service and channel."""
    question = queries.received(filters)
    places: dict[tuple[str, str], dict[str, int]] = {}
    for service, channel, kind, _, _, carried, *_ in store.query(question.sql, question.parameters).rows:
        types = places.setdefault((service, channel), {})
        types[kind] = types.get(kind, 0) | carried
    return places


def rules_not_observable(store: Store, filters: Filters, book: RuleBook) -> list[str]:
    """The rules (or the one asked for) that cannot be observed in what the filters leave."""
    statuses = rule_statuses(store, filters, book)
    return [rule for rule, status in statuses.items() if status == "not_observable" and filters.rule in {None, rule}]


def _status(rule: str, places: Mapping[tuple[str, str], _Received], enabled: Mapping[str, Collection[str]]) -> Status:
    if not any(rule in rules for rules in enabled.values()):
        return "off"
    declaration = DECLARATIONS[rule]
    seen = any(rule in enabled[service] and _shows(received, declaration) for (service, _), received in places.items())
    return "observed" if seen else "not_observable"


def _shows(received: _Received, declaration: Declaration) -> bool:
    """Whether one service and channel sent one of the needed types, and each of the needed fields on such events."""
    carried = _carried(received, declaration)
    return carried is not None and all(carried >> queries.FIELD_BITS[field] & 1 for field in declaration.needed_fields)


def _carried(received: _Received, declaration: Declaration) -> int | None:
    """The bits of the fields that events of the needed types (of any, where none is named) carry; `None` where none came."""
    of_type = [
        bits for kind, bits in received.items() if not declaration.needed_types or kind in declaration.needed_types
    ]
    return reduce(or_, of_type) if of_type else None
