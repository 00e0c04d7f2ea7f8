"""The settings of the rules: one table of parameters, the resolved document, and what a fold reads of it.

The resolved document is what `rules.published` carries: a table for each rule (`enabled` and its parameters, seconds
throughout), `failure_demand`, `journey`, `minutes`, and the sparse tables `service` and `source`.
Source: docs/definitions/frictions.md, sections "Rules" and "Settings".
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from shared.errors import DetectionError
from shared.journey.instants import SECOND_US

DAY_S: Final = 86_400


class Parameter(Struct, frozen=True):
    """What a setting may be: a number from `low` to `high`, or a table from channel to such numbers.

    `default` shows which. `positive` excludes 0, `whole` excludes fractions; `below` names the parameter of the same
    table that this one must be smaller than.
    """

    default: float | dict[str, float]
    low: float = 0
    high: float = 400 * DAY_S
    positive: bool = False
    whole: bool = False
    below: str | None = None


def _window(seconds: int) -> Parameter:
    return Parameter(seconds, positive=True)


def _count(number: int) -> Parameter:
    return Parameter(number, low=1, high=20, whole=True)


RULE_PARAMETERS: Final[dict[str, dict[str, Parameter]]] = {
    "repeat_contact": {"min_gap_s": Parameter(300, below="window_s"), "window_s": _window(7 * DAY_S)},
    "unanswered_retry": {"window_s": _window(DAY_S)},
    "channel_switch": {"window_s": _window(7 * DAY_S)},
    "form_abandoned": {"window_s": _window(DAY_S), "saved_window_s": _window(7 * DAY_S)},
    "error_loop": {"count": _count(3), "window_s": _window(1_800)},
    "repeated_click": {},
    "long_wait": {"limit_s": Parameter({"phone": 300, "counter": 1_200})},
    "queue_abandoned": {"minimum_s": Parameter({"phone": 10, "counter": 300})},
    "turned_away": {},
    "unanswered_message": {"window_s": _window(5 * DAY_S), "callback_window_s": _window(2 * DAY_S)},
    "transfer_loop": {"count": _count(2)},
    "ping_pong": {},
    "repeated_request": {},
    "rework": {},
    "case_reopened": {},
    "deadline_missed": {},
    "status_chasing": {},
    "low_rating": {"limit": Parameter(2, low=1, high=5)},
}
"""The eighteen rules in the order of the definitions, with their parameters."""

OTHER_PARAMETERS: Final[dict[str, dict[str, Parameter]]] = {
    "failure_demand": {"window_s": _window(7 * DAY_S)},
    "journey": {"gap_s": _window(90 * DAY_S), "open_case_gap_s": _window(400 * DAY_S)},
}
"""Tables of settings that are not rules and cannot be switched off."""

RULES: Final = tuple(RULE_PARAMETERS)
OFF_BY_DEFAULT: Final = frozenset({"ping_pong", "rework"})

LATENESS_S: Final = DAY_S
"""How far behind its journey an event may come, for a source that sets no `lateness_s`."""
MAX_LATENESS_S: Final = 30 * DAY_S

ASSUMPTION: Final = "Planning assumption of Parcours, not a measurement: replace by your own time study"

_AT_CONTACT: Final = {
    "citizen_min": {"phone": 10, "counter": 45, "email": 10, "letter": 20, "chat": 10},
    "administration_min": {"phone": 6, "counter": 15, "email": 8, "letter": 15, "chat": 8},
}
MINUTES: Final[dict[str, dict[str, Any]]] = {
    "repeat_contact": {**_AT_CONTACT, "source": ASSUMPTION},
    "unanswered_retry": {"citizen_min": {"phone": 5, "counter": 30}, "source": ASSUMPTION},
    "channel_switch": {**_AT_CONTACT, "source": ASSUMPTION},
    "error_loop": {"citizen_min": 10, "source": ASSUMPTION},
    "turned_away": {"citizen_min": {"phone": 3}, "source": ASSUMPTION},
    "transfer_loop": {
        "citizen_min": {"phone": 5, "counter": 15},
        "administration_min": {"phone": 5, "counter": 10},
        "source": ASSUMPTION,
    },
    "repeated_request": {"citizen_min": 30, "administration_min": 10, "source": ASSUMPTION},
    "status_chasing": {
        "citizen_min": {"phone": 8, "counter": 40, "email": 5, "letter": 15, "chat": 5},
        "administration_min": {"phone": 5, "counter": 10, "email": 5, "letter": 10, "chat": 5},
        "source": ASSUMPTION,
    },
}
"""Minutes lost, where they can be told without measuring; a rule that is not named here has none."""


def _default_tables() -> dict[str, Any]:
    rules = {
        rule: {"enabled": rule not in OFF_BY_DEFAULT} | {name: each.default for name, each in parameters.items()}
        for rule, parameters in RULE_PARAMETERS.items()
    }
    others = {
        table: {name: each.default for name, each in parameters.items()}
        for table, parameters in OTHER_PARAMETERS.items()
    }
    return {**rules, **others, "minutes": MINUTES, "service": {}, "source": {}}


DEFAULTS: Final[dict[str, Any]] = _default_tables()
"""The resolved document without a rule file. Read only: `merged` makes copies."""


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A new nested table: `over` laid over `base`, table by table; nothing is shared with either."""
    result = {key: merged(value, {}) if isinstance(value, Mapping) else value for key, value in base.items()}
    for key, value in over.items():
        if isinstance(value, Mapping):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, Mapping) else {}, value)
        else:
            result[key] = value
    return result


class Minutes(Struct, frozen=True, gc=False):
    """Minutes lost at a point of one rule, and where the figures come from."""

    citizen_min: float | dict[str, float] | None
    administration_min: float | dict[str, float] | None
    source: str

    def citizen(self, channel: str | None) -> float | None:
        """Minutes the citizen lost; `None` where they cannot be told."""
        return _on_channel(self.citizen_min, channel)

    def administration(self, channel: str | None) -> float | None:
        """Minutes the administration lost; `None` where they cannot be told."""
        return _on_channel(self.administration_min, channel)


def _on_channel(figure: float | dict[str, float] | None, channel: str | None) -> float | None:
    if isinstance(figure, dict):
        return figure.get(channel) if channel else None
    return figure


class ServiceRules(Struct, frozen=True, kw_only=True, gc=False):
    """The rules in force for one service: a flag for each rule, windows in microseconds, counts and limits as set."""

    version: int
    enabled: frozenset[str]

    repeat_contact: bool
    unanswered_retry: bool
    channel_switch: bool
    form_abandoned: bool
    error_loop: bool
    repeated_click: bool
    long_wait: bool
    queue_abandoned: bool
    turned_away: bool
    unanswered_message: bool
    transfer_loop: bool
    ping_pong: bool
    repeated_request: bool
    rework: bool
    case_reopened: bool
    deadline_missed: bool
    status_chasing: bool
    low_rating: bool

    repeat_min_gap_us: int
    repeat_window_us: int
    retry_window_us: int
    switch_window_us: int
    form_window_us: int
    form_saved_window_us: int
    error_count: int
    error_window_us: int
    wait_limit_s: dict[str, float]
    queue_minimum_s: dict[str, float]
    message_window_us: int
    callback_window_us: int
    transfer_count: int
    rating_limit: float
    failure_demand_window_us: int
    gap_us: int
    open_case_gap_us: int
    minutes: dict[str, Minutes]


def _us(seconds: float) -> int:
    return round(seconds * SECOND_US)


def _service_rules(tables: Mapping[str, Any], minutes: dict[str, Minutes], version: int) -> ServiceRules:
    enabled = frozenset(rule for rule in RULES if tables[rule]["enabled"])
    return ServiceRules(
        version=version,
        enabled=enabled,
        **{rule: rule in enabled for rule in RULES},
        repeat_min_gap_us=_us(tables["repeat_contact"]["min_gap_s"]),
        repeat_window_us=_us(tables["repeat_contact"]["window_s"]),
        retry_window_us=_us(tables["unanswered_retry"]["window_s"]),
        switch_window_us=_us(tables["channel_switch"]["window_s"]),
        form_window_us=_us(tables["form_abandoned"]["window_s"]),
        form_saved_window_us=_us(tables["form_abandoned"]["saved_window_s"]),
        error_count=tables["error_loop"]["count"],
        error_window_us=_us(tables["error_loop"]["window_s"]),
        wait_limit_s=dict(tables["long_wait"]["limit_s"]),
        queue_minimum_s=dict(tables["queue_abandoned"]["minimum_s"]),
        message_window_us=_us(tables["unanswered_message"]["window_s"]),
        callback_window_us=_us(tables["unanswered_message"]["callback_window_s"]),
        transfer_count=tables["transfer_loop"]["count"],
        rating_limit=tables["low_rating"]["limit"],
        failure_demand_window_us=_us(tables["failure_demand"]["window_s"]),
        gap_us=_us(tables["journey"]["gap_s"]),
        open_case_gap_us=_us(tables["journey"]["open_case_gap_s"]),
        minutes=minutes,
    )


class RuleBook:
    """One version of the rule settings, ready for folding.

    Everything is resolved when it is made: services that have no table of their own share one `ServiceRules`, so what
    it holds is bounded by the document. Raises `DetectionError` for a document that is not a resolved one.
    """

    def __init__(self, document: Mapping[str, Any], version: int) -> None:
        self.document: Final = document
        self.version: Final = version
        try:
            minutes = {
                rule: Minutes(table.get("citizen_min"), table.get("administration_min"), table["source"])
                for rule, table in document["minutes"].items()
            }
            self._default = _service_rules(document, minutes, version)
            self._services = {
                service: _service_rules(merged(document, tables), minutes, version)
                for service, tables in document["service"].items()
            }
            self._lateness_us = {
                source: _us(table["lateness_s"])
                for source, table in document["source"].items()
                if "lateness_s" in table
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise DetectionError(f"the rule settings of version {version} cannot be read: {error!r}") from error
        self.max_lateness_us: Final = max([_us(LATENESS_S), *self._lateness_us.values()])

    def for_service(self, name: str) -> ServiceRules:
        """The rules in force for a service."""
        return self._services.get(name, self._default)

    def gaps_us(self) -> dict[str, tuple[int, int]]:
        """What cuts journeys: (gap, gap while a case is open) of the services that have tables of their own, by name.

        '' is every other service.
        """
        services = {"": self._default, **self._services}
        return {name: (rules.gap_us, rules.open_case_gap_us) for name, rules in services.items()}

    def lateness_us(self, source: str) -> int:
        """How far behind its journey an event of this source may come and still be in order."""
        return self._lateness_us.get(source, _us(LATENESS_S))

    def failure_demand_window_us(self, service: str) -> int:
        """How long after a point a contact is failure demand."""
        return self.for_service(service).failure_demand_window_us
