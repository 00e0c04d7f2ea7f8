"""Reads a site's rule file: TOML text in, the resolved document of `shared.detection.settings` out.

Everything wrong with the file is reported at once, each with its line.
Source: docs/definitions/frictions.md, section "Settings".
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from shared.detection.settings import (
    DEFAULTS,
    MAX_LATENESS_S,
    OTHER_PARAMETERS,
    RULE_PARAMETERS,
    RULES,
    Parameter,
    merged,
)
from shared.detection.toml_file import kind_of, load_toml, meant
from shared.detection.toml_lines import Path, key_lines, line_of
from shared.errors import ConfigurationError
from shared.journey.vocabulary import CHANNELS

_TABLES: Final = RULE_PARAMETERS | OTHER_PARAMETERS
_LATENESS: Final = {"lateness_s": Parameter(0, high=MAX_LATENESS_S)}
_MINUTES: Final = Parameter(0, high=7 * 24 * 60)
Table = dict[str, Any]


def parse_rules(text: str, name: str) -> Table:
    """The resolved document that the text of the rule file `name` gives, laid over the defaults.

    A table of `minutes` replaces the shipped one of its rule as a whole, since its source speaks for all its figures.
    Raises `ConfigurationError` with a line `NAME, line N: …` for each error.
    """
    text = text.removeprefix("\ufeff")
    given = load_toml(text, name)
    problems = _Problems(key_lines(text))
    accepted = _tables(
        {key: value for key, value in given.items() if key not in _SPECIAL}, (), (*_TABLES, *_SPECIAL), problems
    )
    for key, check in _SPECIAL.items():
        accepted[key] = check(_table(given.get(key, {}), (key,), problems), problems)
    document = merged(DEFAULTS, accepted | {"minutes": {}})
    document["minutes"] = merged({}, DEFAULTS["minutes"] | accepted["minutes"])
    _check_order(document, accepted, (), problems)
    for service, tables in document["service"].items():
        _check_order(merged(document, tables), tables, ("service", service), problems)
    if problems.found:
        raise ConfigurationError("\n".join(f"{name}, line {line}: {what}" for line, what in sorted(problems.found)))
    return document


class _Problems:
    """What is wrong, with its line, as it is found."""

    def __init__(self, lines: dict[Path, int]) -> None:
        self._lines = lines
        self.found: list[tuple[int, str]] = []

    def add(self, path: Path, what: str) -> None:
        self.found.append((line_of(path, self._lines), f"{_written(path)}: {what}"))

    def unknown(self, path: Path, what: str, known: Iterable[str]) -> None:
        self.add(path, f"unknown {what}; {meant(path[-1], known)}")


def _written(path: Path) -> str:
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"' for part in path)


def _table(value: object, path: Path, problems: _Problems) -> Table:
    """The value if it is a table; else a problem, and an empty one."""
    if isinstance(value, dict):
        return value
    problems.add(path, f"expected a table, found {kind_of(value)}")
    return {}


def _tables(given: Table, path: Path, known: Iterable[str], problems: _Problems) -> Table:
    """What is right in the tables of rules, `failure_demand` and `journey` below `path`."""
    accepted: Table = {}
    for name, value in given.items():
        here = (*path, name)
        if name in _TABLES:
            accepted[name] = _parameters(_table(value, here, problems), here, _TABLES[name], problems)
        else:
            problems.unknown(here, "table or rule", known)
    return accepted


def _parameters(given: Table, path: Path, known: dict[str, Parameter], problems: _Problems) -> Table:
    switch = ("enabled",) if path[-1] in RULES else ()
    accepted: Table = {}
    for name, value in given.items():
        here = (*path, name)
        if name in switch:
            if isinstance(value, bool):
                accepted[name] = value
            else:
                problems.add(here, f"expected true or false, found {kind_of(value)}")
        elif name not in known:
            problems.unknown(here, "parameter", (*switch, *known))
        elif isinstance(known[name].default, dict):
            accepted[name] = _by_channel(_table(value, here, problems), here, known[name], problems)
        elif _is_right(value, here, known[name], problems):
            accepted[name] = value
    return accepted


def _by_channel(given: Table, path: Path, parameter: Parameter, problems: _Problems) -> Table:
    accepted: Table = {}
    for channel, value in given.items():
        here = (*path, channel)
        if channel not in CHANNELS:
            problems.unknown(here, "channel", CHANNELS)
        elif _is_right(value, here, parameter, problems):
            accepted[channel] = value
    return accepted


def _is_right(value: object, path: Path, parameter: Parameter, problems: _Problems) -> bool:
    """Whether the value is a number as the parameter wants it; else a problem is noted."""
    expected = "a whole number" if parameter.whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int if parameter.whole else int | float):
        problems.add(path, f"expected {expected}, found {kind_of(value) if not isinstance(value, float) else value}")
        return False
    if not parameter.low <= value <= parameter.high or (parameter.positive and value == 0):
        low = "more than 0" if parameter.positive else f"at least {parameter.low:g}"
        problems.add(path, f"expected {expected}, {low} and at most {parameter.high:.0f}, found {value}")
        return False
    return True


def _minutes(given: Table, problems: _Problems) -> Table:
    accepted: Table = {}
    for rule, value in given.items():
        here = ("minutes", rule)
        if rule not in RULES:
            problems.unknown(here, "rule", RULES)
            continue
        table = _table(value, here, problems)
        accepted[rule] = {name: _minutes_entry(table[name], (*here, name), problems) for name in table}
        if not isinstance(table.get("source", ""), str) or not table.get("source"):
            problems.add(here, "expected `source`, a text that says where the figures come from")
    return accepted


def _minutes_entry(value: object, path: Path, problems: _Problems) -> object:
    if path[-1] not in {"citizen_min", "administration_min", "source"}:
        problems.unknown(path, "parameter", ("citizen_min", "administration_min", "source"))
    elif path[-1] != "source":
        if isinstance(value, dict):
            return _by_channel(value, path, _MINUTES, problems)
        _is_right(value, path, _MINUTES, problems)
    return value


def _services(given: Table, problems: _Problems) -> Table:
    return {
        service: _tables(_table(value, ("service", service), problems), ("service", service), _TABLES, problems)
        for service, value in given.items()
    }


def _sources(given: Table, problems: _Problems) -> Table:
    return {
        source: _parameters(_table(value, ("source", source), problems), ("source", source), _LATENESS, problems)
        for source, value in given.items()
    }


_SPECIAL: Final = {"minutes": _minutes, "service": _services, "source": _sources}


def _check_order(resolved: Table, given: Table, path: Path, problems: _Problems) -> None:
    """Notes each parameter that is not below the one it must be below, where the file sets either of the two."""
    for rule in given.keys() & RULE_PARAMETERS.keys():
        for name, parameter in RULE_PARAMETERS[rule].items():
            upper = parameter.below
            if upper is None or not given[rule].keys() & {name, upper}:
                continue
            low, high = resolved[rule][name], resolved[rule][upper]
            if low >= high:
                at = name if name in given[rule] else upper
                problems.add((*path, rule, at), f"{name} ({low}) must be less than {upper} ({high})")
