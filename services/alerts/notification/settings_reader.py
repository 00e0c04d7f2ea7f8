"""Reads the table `notification` of the alerts file: everything wrong with it is reported at once, each with its line.

Source: docs/alerts/notification.md, section "Settings".
"""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from services.alerts.notification.connection import Target, literal_problem
from services.alerts.notification.receiver_reader import read_receiver
from services.alerts.notification.settings import (
    DAY_MIN,
    NUMBERS,
    OUTSIDE_HOURS,
    WEEKDAYS,
    EmailReceiver,
    Network,
    NotificationSettings,
    Receiver,
    Route,
    TopicReceiver,
)
from services.alerts.notification.table_reader import LineOf, Problems, TableReader, unknown
from services.alerts.notification.web_address import address_problem, base_problem
from shared.alerts.finding import SEVERITIES
from shared.detection.declarations.declaration import Words
from shared.errors import ConfigurationError

MAX_RECEIVERS: Final = 50
MAX_ROUTES: Final = 200
DEFAULT_ZONE: Final = "Europe/Paris"

_NAME: Final = r"[a-z0-9][a-z0-9_-]{0,63}"
_HOURS: Final = r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)"
_TABLE: Final = "notification"


def read(
    document: Mapping[str, Any], line_of: LineOf, name: str = "alerts.toml", site_zone: str = DEFAULT_ZONE
) -> NotificationSettings:
    """The settings that the table gives. Takes what `noted` takes.

    Raises `ConfigurationError` with a line `NAME, line N: …` for each error.
    """
    settings, problems = noted(document, line_of, name, site_zone)
    if problems.found:
        raise ConfigurationError(problems.lines())
    return settings


def noted(
    document: Mapping[str, Any], line_of: LineOf, name: str = "alerts.toml", site_zone: str = DEFAULT_ZONE
) -> tuple[NotificationSettings, Problems]:
    """The settings that the table gives, and what is wrong with it. `document`: the table `notification`; `line_of`: the line of a key of the file,
    whose path begins with "notification"; elements of lists are numbers from 0 in it. `name`: the file's, for messages. `site_zone`: the
    site's time zone, of clock times in texts and of the hours of routes that name no other.
    """
    problems = Problems(name, line_of)
    table = TableReader(document, (_TABLE,), problems)
    receivers = _receivers(table)
    zone = ZoneInfo(site_zone)
    settings = NotificationSettings(
        receivers=receivers,
        routes=tuple(_route(each, receivers, zone) for each in _bounded(table)),
        otherwise=_names(table, "otherwise", receivers),
        zone=zone,
        allow=_networks(table),
        pages_url=_pages_url(table),
        playbooks=_folder(table),
        service_names=_service_names(table),
        timeout_s=_number(table, "timeout_s"),
        max_tries=_number(table, "max_tries"),
        max_age_s=_number(table, "max_age_s"),
    )
    table.finish()
    _reached(settings, table)
    if not any(what.startswith(f"{_TABLE}.allow") for _, what in problems.found):
        _note_addresses(settings, problems)
    return settings, problems


def _number(table: TableReader, name: str) -> int:
    each = NUMBERS[name]
    return table.whole(name, each.default, each.low, each.high)


def _receivers(table: TableReader) -> dict[str, Receiver]:
    tables = table.named_tables("receiver")
    if len(tables) > MAX_RECEIVERS:
        table.note("receiver", f"expected at most {MAX_RECEIVERS} receivers, found {len(tables)}")
        return {}
    receivers = {}
    for name, each in tables.items():
        if not re.fullmatch(_NAME, name):
            table.problems.add(each.path, "expected a name of small letters, digits, - and _, at most 64 characters")
        receivers[name] = read_receiver(name, each)
    return receivers


def _bounded(table: TableReader) -> list[TableReader]:
    tables = table.tables("route")
    if len(tables) > MAX_ROUTES:
        table.note("route", f"expected at most {MAX_ROUTES} routes, found {len(tables)}")
    return tables[:MAX_ROUTES]


def _route(table: TableReader, receivers: Mapping[str, Receiver], zone: ZoneInfo) -> Route:
    hours = table.text("hours", "00:00-24:00", _HOURS, 'hours as "08:00-18:30"')
    begin, _, end = hours.partition("-")
    route = Route(
        receivers=_names(table, "receivers", receivers, required=True),
        services=table.texts("service"),
        territories=tuple(each.rstrip("/") for each in table.texts("territory")),
        severity=table.choice("severity", SEVERITIES, "information"),
        zone=_zone(table, zone),
        from_min=_minutes(begin),
        to_min=_minutes(end),
        weekdays=_weekdays(table),
        outside_hours=table.choice("outside_hours", OUTSIDE_HOURS, "wait"),
    )
    table.finish()
    return route


def _minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return min(int(hour) * 60 + int(minute), DAY_MIN)


def _weekdays(table: TableReader) -> frozenset[int]:
    days = table.texts("weekdays")
    for number, day in enumerate(days):
        if day not in WEEKDAYS:
            table.problems.add((*table.path, "weekdays", number), f'"{day}" is {unknown(day, WEEKDAYS)}')
    return frozenset(WEEKDAYS.index(day) for day in days if day in WEEKDAYS) or frozenset(range(7))


def _zone(table: TableReader, default: ZoneInfo) -> ZoneInfo:
    name = table.text("time_zone", default.key)
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # an unknown one is a `KeyError`
        table.note("time_zone", f'expected the name of a time zone, such as "Europe/Paris", found {name!r}')
        return default


def _names(
    table: TableReader, name: str, receivers: Mapping[str, Receiver], *, required: bool = False
) -> tuple[str, ...]:
    """The receivers that a list names, those that exist."""
    given = table.texts(name)
    if required and name not in table:
        table.problems.add(table.path, f"expected `{name}`, the names of receivers")
    for each in given:
        if each not in receivers:
            table.note(name, f'the receiver "{each}" is {unknown(each, receivers)}')
    return tuple(each for each in given if each in receivers)


def _networks(table: TableReader) -> tuple[Network, ...]:
    networks: list[Network] = []
    for number, text in enumerate(table.texts("allow")):
        try:
            networks.append(ip_network(text))
        except ValueError as error:
            table.problems.add((*table.path, "allow", number), f'expected a network such as "10.1.0.0/16": {error}')
    return tuple(networks)


def _pages_url(table: TableReader) -> str:
    url = table.text("pages_url")
    problem = base_problem(url) if url else ""
    if problem:
        table.note("pages_url", problem)
    return url.rstrip("/")


def _folder(table: TableReader) -> Path | None:
    text = table.text("playbooks")
    if text and not os.path.isdir(text):  # noqa: PTH112  # which raises nothing
        table.note("playbooks", f"expected a folder with the subfolders fr and en; {text} is none")
    return Path(text) if text else None


def _service_names(table: TableReader) -> dict[str, Words]:
    names = {}
    for service, each in table.named_tables("service_name").items():
        names[service] = Words(
            fr=each.text("fr", None, wanted="the name of the service in French"),
            en=each.text("en", None, wanted="its name in English"),
        )
        each.finish()
    return names


def _reached(settings: NotificationSettings, table: TableReader) -> None:
    """Note a receiver that no route and no `otherwise` leads to: nobody would miss what it is never told."""
    reached = set(settings.otherwise).union(*(route.receivers for route in settings.routes))
    for name in settings.receivers:
        if name not in reached:
            table.problems.add((_TABLE, "receiver", name), "no route and no `otherwise` leads to this receiver")


def _note_addresses(settings: NotificationSettings, problems: Problems) -> None:
    """Note each receiver whose address is none that requests may go to. Names are judged when something is sent."""
    for name, receiver in settings.receivers.items():
        if isinstance(receiver, EmailReceiver):
            key, target = "host", Target(receiver.host, receiver.port, receiver.tls != "none")
        elif isinstance(receiver, TopicReceiver) or address_problem(receiver.url):
            continue
        else:
            parts = urlsplit(receiver.url)
            key, target = "url", Target(parts.hostname or "", parts.port or 0, parts.scheme == "https")
        if problem := literal_problem(target, settings.allow):
            problems.add((_TABLE, "receiver", name, key), problem)
