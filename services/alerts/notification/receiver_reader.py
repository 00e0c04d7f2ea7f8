"""Reads one table `notification.receiver.NAME`: what each kind of receiver takes."""

import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from services.alerts.notification.secret_source import SecretSource
from services.alerts.notification.settings import (
    NUMBERS,
    PEOPLE_STEPS,
    STEPS,
    SYSTEM_STEPS,
    TLS_KINDS,
    AlertmanagerReceiver,
    EmailReceiver,
    Receiver,
    TopicReceiver,
    WebhookReceiver,
)
from services.alerts.notification.table_reader import TableReader, unknown, written
from services.alerts.notification.web_address import address_problem, base_problem
from shared.alerts.alert import Step

Kind = Literal["webhook", "email", "alertmanager", "topic"]
KINDS: Final[tuple[Kind, ...]] = ("webhook", "email", "alertmanager", "topic")
MAX_RECIPIENTS: Final = 50

_MAILBOX: Final = r"(?=.{3,254}$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
_HOST: Final = r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}"
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_LABEL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_OWN_LABELS: Final = ("alertname", "alert_id", "cause_key", "severity")
_OWN_PREFIX: Final = "PARCOURS_"
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


def read_receiver(name: str, table: TableReader) -> Receiver:
    """The receiver that the table describes; what is wrong is noted."""
    kind = table.choice("kind", KINDS, None)
    receiver = _READERS[kind](name, table)
    if "kind" in table:
        table.finish()
    return receiver


def _webhook(name: str, table: TableReader) -> Receiver:
    return WebhookReceiver(
        name=name,
        url=_url(table),
        key=_secret(table, "key", required=True) or SecretSource(),
        next_key=_secret(table, "next_key"),
        ca_file=_ca_file(table),
        steps=_steps(table, SYSTEM_STEPS),
    )


def _email(name: str, table: TableReader) -> Receiver:
    tls = table.choice("tls", TLS_KINDS, "starttls")
    user = table.text("user")
    receiver = EmailReceiver(
        name=name,
        host=table.text("host", None, _HOST, "the name of a mail server"),
        port=table.whole("port", _PORTS[tls], 1, 65_535),
        tls=tls,
        sender=table.text("from", None, _MAILBOX, "an e-mail address"),
        to=_recipients(table),
        user=user,
        password=_secret(table, "password", required=bool(user)),
        ca_file=_ca_file(table),
        steps=_steps(table, PEOPLE_STEPS),
    )
    if receiver.password and not user:
        table.note("password", "a password without `user` is never used")
    if user and tls == "none":
        table.note("tls", "a password is never sent without encryption: set starttls or tls, or leave out `user`")
    return receiver


def _recipients(table: TableReader) -> tuple[str, ...]:
    to = table.texts("to", _MAILBOX, "an e-mail address")
    if "to" not in table:
        table.problems.add(table.path, "expected `to`, e-mail addresses")
    if len(to) > MAX_RECIPIENTS:
        table.note(
            "to", f"expected at most {MAX_RECIPIENTS} addresses (use a list of the mail server), found {len(to)}"
        )
    return to


def _alertmanager(name: str, table: TableReader) -> Receiver:
    repeat = NUMBERS["repeat_s"]
    return AlertmanagerReceiver(
        name=name,
        url=_url(table, base_problem).rstrip("/"),
        repeat_s=table.whole("repeat_s", repeat.default, repeat.low, repeat.high),
        labels=_labels(table),
        token=_secret(table, "token"),
        ca_file=_ca_file(table),
        steps=_steps(table, SYSTEM_STEPS),
    )


def _labels(table: TableReader) -> dict[str, str]:
    value = table.raw("labels")
    if value is None:
        return {}
    labels = TableReader(value, (*table.path, "labels"), table.problems)
    for name in dict(labels.items()):
        if not _LABEL.fullmatch(name) or name in _OWN_LABELS:
            labels.note(name, f"expected the name of a label of Prometheus, none of {', '.join(_OWN_LABELS)}")
    return {name: labels.text(name) for name, _ in labels.items()}


def _topic(name: str, table: TableReader) -> Receiver:
    return TopicReceiver(name=name, steps=_steps(table, SYSTEM_STEPS))


_READERS: Final = {"webhook": _webhook, "email": _email, "alertmanager": _alertmanager, "topic": _topic}


def _url(table: TableReader, wrong: Callable[[str], str] = address_problem) -> str:
    url = table.text("url", None, wanted="a web address")
    problem = wrong(url) if url else ""
    if problem:
        table.note("url", problem)
    return url


def _secret(table: TableReader, name: str, *, required: bool = False) -> SecretSource | None:
    """Where a secret is kept: `{ environment = "NAME" }` or `{ file = "/path" }`; what is wrong is noted, and gives an empty source."""
    value = table.raw(name)
    here = (*table.path, name)
    if value is None:
        if required:
            table.problems.add(table.path, f"expected `{name}`, {_KEPT_ELSEWHERE}")
        return None
    if not isinstance(value, dict) or len(value) != 1:
        table.note(name, f"secrets do not stand in this file: expected {_KEPT_ELSEWHERE}")
        return None
    source = TableReader(value, here, table.problems)
    noted = len(table.problems.found)
    variable, file = source.text("environment"), source.text("file")
    source.finish()
    if variable and (not _VARIABLE.fullmatch(variable) or variable.startswith(_OWN_PREFIX)):
        source.note("environment", f"expected the name of a variable, which does not begin with {_OWN_PREFIX}")
    if len(table.problems.found) > noted:
        return SecretSource()
    return SecretSource(
        environment=variable,
        file=Path(file) if file else None,
        where=f"{table.problems.where(here)}: {written(here)}",
        line=table.problems.line_of(here),
        setting=written(here),
    )


_KEPT_ELSEWHERE: Final = 'where the secret is kept: { environment = "NAME" } or { file = "/path" }'


def _ca_file(table: TableReader) -> Path | None:
    text = table.text("ca_file")
    if text and not _holds_certificates(text):
        table.note("ca_file", f"expected a file of certificates (PEM); {text} is none")
    return Path(text) if text else None


def _holds_certificates(file: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError:  # an `SSLError` is one
        return False
    return True


def _steps(table: TableReader, default: frozenset[Step]) -> frozenset[Step]:
    given = table.texts("steps")
    for number, step in enumerate(given):
        if step not in STEPS:
            table.problems.add((*table.path, "steps", number), f'"{step}" is {unknown(step, STEPS)}')
    chosen: frozenset[Step] = frozenset(step for step in STEPS if step in given)
    return chosen or default
