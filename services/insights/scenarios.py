"""Other settings of a rule, read from an address or a form: what may be set, what it is now, what is wrong with a value."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.problems import Problem
from shared.detection.declarations.declaration import Words
from shared.detection.register import DECLARATIONS
from shared.detection.settings import RULE_PARAMETERS, Parameter, merged
from shared.detection.what_if import Scenario
from shared.journey.vocabulary import CHANNELS

ENABLED: Final = "enabled"
UNITS: Final = {"1": N_("seconds"), "60": N_("minutes"), "3600": N_("hours"), "86400": N_("days")}
"""Seconds of each unit of time that a form offers."""
UNIT: Final = ".unit"
_NUMBER: Final = re.compile(r"[0-9]{1,9}([.,][0-9]{1,6})?")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


def _option_names() -> tuple[str, ...]:
    names = {ENABLED: None}
    for parameters in RULE_PARAMETERS.values():
        for name, parameter in parameters.items():
            by_channel = isinstance(parameter.default, dict)
            names |= dict.fromkeys([f"{name}.{channel}" for channel in CHANNELS] if by_channel else [name])
    return tuple(names)


OPTIONS: Final = _option_names()
"""The parameters of an address that give a setting: `enabled`, `window_s`, `limit_s.phone`, …"""


class Mistake(Struct, frozen=True):
    """What is wrong with a value: a message and what its places hold. Amounts are in the setting's own unit."""

    message: str
    amounts: dict[str, float] = {}


class Setting(Struct, frozen=True, kw_only=True):
    """One number that can be set: its name in addresses, where it stands in the rule's table, its value in force.

    `given` is the text asked for, in seconds where `seconds`; `wanted` what is laid over the value in force.
    """

    name: str
    path: tuple[str, ...]
    channel: str | None
    meaning: Words
    parameter: Parameter
    current: float
    given: str | None = None
    wanted: float | None = None
    mistake: Mistake | None = None

    @property
    def seconds(self) -> bool:
        """Whether it is a duration."""
        return self.path[0].endswith("_s")


class Settings(Struct, frozen=True):
    """A rule's settings as asked for: what is in force, and what differs."""

    rule: str
    service: str | None
    enabled: bool
    wanted_enabled: bool
    numbers: list[Setting]

    @property
    def mistaken(self) -> bool:
        """Whether any value cannot be taken."""
        return any(each.mistake is not None for each in self.numbers)

    def changes(self) -> dict[str, Any]:
        """What differs from the settings in force, as in the rule file."""
        table: dict[str, Any] = {} if self.wanted_enabled == self.enabled else {ENABLED: self.wanted_enabled}
        for each in self.numbers:
            if each.wanted is not None and each.wanted != each.current:
                table = merged(table, _nested(each.path, each.wanted))
        return table

    def options(self) -> dict[str, str]:
        """The same as parameters of an address."""
        given = {} if self.wanted_enabled == self.enabled else {ENABLED: str(int(self.wanted_enabled))}
        changed = {each.name: plain(each.wanted) for each in self.numbers if each.wanted not in {None, each.current}}
        return given | {name: text for name, text in changed.items() if text}


def _nested(path: tuple[str, ...], value: float) -> dict[str, Any]:
    return {path[0]: _nested(path[1:], value) if len(path) > 1 else value}


def plain(value: float | None) -> str:
    """A number as an address and the rule file write it."""
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else repr(float(value))


def read_settings(rule: str, service: str | None, given: Mapping[str, str], in_force: Mapping[str, Any]) -> Settings:
    """The settings of a rule with what `given` asks for. A form may give `NAME.unit`, the seconds of its unit of time."""
    table = merged(in_force, in_force["service"].get(service or "", {}))[rule]
    numbers = [_read(each, given) for each in _numbers(rule, table, given)]
    enabled = bool(table[ENABLED])
    wanted = {"1": True, "0": False}.get(given.get(ENABLED, ""), enabled)
    return Settings(rule, service, enabled, wanted, _in_order(numbers))


def _numbers(rule: str, table: Mapping[str, Any], given: Mapping[str, str]) -> list[Setting]:
    found = []
    for name, parameter in RULE_PARAMETERS[rule].items():
        meaning = DECLARATIONS[rule].parameters[name]
        if not isinstance(parameter.default, dict):
            found.append(
                Setting(
                    name=name, path=(name,), channel=None, meaning=meaning, parameter=parameter, current=table[name]
                )
            )
            continue
        for channel in CHANNELS:
            key = f"{name}.{channel}"
            if channel in table[name] or given.get(key):
                current = table[name].get(channel, float("inf"))
                found.append(
                    Setting(
                        name=key,
                        path=(name, channel),
                        channel=channel,
                        meaning=meaning,
                        parameter=parameter,
                        current=current,
                    )
                )
    return found


def _read(setting: Setting, given: Mapping[str, str]) -> Setting:
    text = given.get(setting.name, "").strip()
    if not text:
        return setting
    unit = given.get(setting.name + UNIT, "1")
    if not _NUMBER.fullmatch(text):
        return _with(setting, text, mistake=Mistake(N_("Give a number, such as 7 or 1.5.")))
    value = float(text.replace(",", ".")) * (float(unit) if unit in UNITS else 1.0)
    mistake = _out_of_range(value, setting.parameter)
    if mistake is not None:
        return _with(setting, text, mistake=mistake)
    whole = value == int(value)
    return _with(setting, plain(value), wanted=int(value) if whole else value)


def _out_of_range(value: float, parameter: Parameter) -> Mistake | None:
    if parameter.whole and value != int(value):
        return Mistake(N_("Give a whole number."))
    if parameter.positive and value == 0:
        return Mistake(N_("Give more than 0 and at most %(high)s."), {"high": parameter.high})
    if not parameter.low <= value <= parameter.high:
        return Mistake(N_("Give from %(low)s to %(high)s."), {"low": parameter.low, "high": parameter.high})
    return None


def _with(setting: Setting, text: str, *, wanted: float | None = None, mistake: Mistake | None = None) -> Setting:
    return Setting(
        name=setting.name,
        path=setting.path,
        channel=setting.channel,
        meaning=setting.meaning,
        parameter=setting.parameter,
        current=setting.current,
        given=text,
        wanted=wanted,
        mistake=mistake,
    )


def _in_order(numbers: list[Setting]) -> list[Setting]:
    """Notes each value that is not below the one it must be below, where either is given."""
    values = {each.name: each.wanted if each.wanted is not None else each.current for each in numbers}
    given = {each.name for each in numbers if each.given is not None}
    found = []
    for each in numbers:
        upper = each.parameter.below
        wrong = upper is not None and {each.name, upper} & given and values[each.name] >= values[upper]
        if upper is not None and wrong and each.mistake is None:
            mistake = Mistake(N_("This must be less than the longest gap, %(high)s."), {"high": values[upper]})
            found.append(_with(each, each.given or plain(each.current), mistake=mistake))
        else:
            found.append(each)
    return found


def scenario_of(settings: Settings, filters: Filters) -> Scenario:
    """The question that settings and filters ask. Raises `Problem` 422 where something is wrong or nothing differs."""
    if filters.from_us is None or filters.to_us is None:
        raise Problem(422, "invalid-scenario", N_("Say which period is looked at: “from” and “to”."))
    if settings.mistaken:
        wrong = ", ".join(each.name for each in settings.numbers if each.mistake is not None)
        raise Problem(422, "invalid-scenario", N_("These settings cannot be taken: %(names)s."), names=wrong)
    changes = settings.changes()
    if not changes:
        raise Problem(422, "invalid-scenario", N_("No setting differs from those in force: there is nothing to try."))
    return Scenario(
        rule=settings.rule,
        settings=changes,
        from_us=filters.from_us,
        to_us=filters.to_us,
        service=filters.service,
        channel=filters.channel,
        territory=filters.territory,
        source=filters.source,
    )


def read_scenario(filters: Filters, given: Mapping[str, str], in_force: Mapping[str, Any]) -> Scenario:
    """The question of an address. Raises `Problem` 422."""
    if filters.rule is None:
        raise Problem(422, "invalid-scenario", N_("Say which rule is to be set otherwise: “rule”."))
    return scenario_of(read_settings(filters.rule, filters.service, given, in_force), filters)


def snippet(scenario: Scenario) -> str:
    """The lines of the rule file that put the scenario's settings in force."""
    head = [scenario.rule] if scenario.service is None else ["service", scenario.service, scenario.rule]
    lines = [f"[{'.'.join(map(_key, head))}]"]
    tables = {name: value for name, value in scenario.settings.items() if isinstance(value, dict)}
    lines += [f"{name} = {_value(value)}" for name, value in scenario.settings.items() if name not in tables]
    for name, table in tables.items():
        lines += [f"{name}.{channel} = {_value(value)}" for channel, value in table.items()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else plain(value)
