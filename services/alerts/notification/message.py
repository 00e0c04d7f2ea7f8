"""What is sent for one transition of one alert: the same to every receiver, made once, when the transition is.

The JSON form is described by `message.schema.json` beside this module. It names no person: who acknowledged, wrote or decided
is on the alert's page only.
"""

import hashlib
import re
from typing import Final, Literal

import msgspec
from msgspec import Struct

from services.alerts.extent import lasting
from services.alerts.notification.citizen_texts import CitizenText, citizen_text
from services.alerts.notification.comparison import Comparison, compared
from services.alerts.notification.links import alert_path, evidence_path, playbook_path
from services.alerts.notification.settings import NotificationSettings
from services.alerts.notification.titles import cause_of, place_of, title_of
from shared.alerts.alert import Alert, Ending, State, Step, Transition
from shared.alerts.finding import Condition, Finding, Series, Severity
from shared.detection.declarations.declaration import Words
from shared.detection.wording import typeset
from shared.journey.instants import to_text
from shared.privacy.small_cells import suppress

FORM: Final = "parcours.alert/1"
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


class What(Struct, frozen=True, kw_only=True):
    """`cause` names the playbook: a rule or a condition. `name`: the threshold, level, source or stream, else ''."""

    cause: str
    condition: Condition
    rule: str
    name: str
    title: Words


class Where(Struct, frozen=True, kw_only=True):
    """The place of the gravest series, with the channels of all; '' is any."""

    service: str
    channels: tuple[str, ...]
    territory: str
    text: Words


class Citizens(Struct, frozen=True, kw_only=True):
    """How many journeys were touched, at least: those of the largest series, since series overlap.

    `count` is `None` where the condition counts none, or where it is `withheld` as one below `minimum`.
    """

    count: int | None
    withheld: bool
    minimum: int


class Links(Struct, frozen=True, kw_only=True):
    """Addresses, `None` where the site set none."""

    evidence: str | None = None
    alert: str | None = None
    playbook: Words | None = None


class Message(Struct, frozen=True, kw_only=True):
    """One message. `key`: the same however often it is sent; `number`: of the transition, growing per alert. Instants are
    RFC 3339 texts in UTC. `due`: from when on it may be sent, later than `at` where a route waits for its hours. `test`: sent by hand to try a receiver, about no alert.
    """

    form: Literal["parcours.alert/1"] = FORM
    key: str
    test: bool = False
    alert: str
    cause_key: str
    number: int
    step: Step
    at: str
    due: str
    state: State
    severity: Severity
    suppressed: bool
    ending: Ending | None
    subject: Words
    what: What
    where: Where
    since: str
    fired: str
    resolved: str | None
    citizens: Citizens
    compared: Comparison | None
    why: Words
    links: Links
    citizen_text: CitizenText


_STEPS: Final[dict[Step, Words]] = {
    "fired": Words(fr="Alerte", en="Alert"),
    "spread": Words(fr="Alerte étendue", en="Alert has spread"),
    "worsened": Words(fr="Alerte aggravée", en="Alert has worsened"),
    "acknowledged": Words(fr="Alerte prise en compte", en="Alert acknowledged"),
    "assigned": Words(fr="Alerte attribuée", en="Alert assigned"),
    "commented": Words(fr="Alerte commentée", en="Comment on alert"),
    "resolved": Words(fr="Alerte terminée", en="Alert resolved"),
    "reopened": Words(fr="Alerte de retour", en="Alert is back"),
    "expired": Words(
        fr="Alerte toujours en cours, prise en compte expirée", en="Alert goes on, acknowledgement ran out"
    ),
    "suppressed": Words(fr="Alerte mise en silence", en="Alert silenced"),
    "unsuppressed": Words(fr="Alerte de nouveau signalée", en="Alert no longer silenced"),
    "repeated": Words(fr="Alerte toujours en cours", en="Alert goes on"),
}
_TRIAL: Final = Words(fr="Essai de Parcours : aucune alerte", en="Test of Parcours: no alert")
_GRAVE: Final[dict[Severity, Words]] = {
    "information": Words(fr="pour information", en="information"),
    "warning": Words(fr="avertissement", en="warning"),
    "critical": Words(fr="critique", en="critical"),
}


def message_of(
    alert: Alert,
    transition: Transition,
    why: Words,
    *,
    settings: NotificationSettings,
    small_cell_min: int,
    test: bool = False,
) -> Message:
    """The message for a transition. `why`: one sentence that says why there is an alert, without withheld figures.

    test: sent by hand, about no alert; its subject says so.
    """
    first = alert.findings[0] if alert.findings else None
    series = first.series if first else Series("rise")
    now_met = lasting(alert).series if first else series
    what = What(
        cause=cause_of(series), condition=series.condition, rule=series.rule, name=series.name, title=title_of(series)
    )
    where = _where(alert, series, settings)
    return Message(
        key=idempotency_key(alert.id, transition.number),
        test=test,
        alert=alert.id,
        cause_key=alert.key,
        number=transition.number,
        step=transition.step,
        at=to_text(transition.at_us),
        due=to_text(transition.at_us),
        state=alert.state,
        severity=alert.severity,
        suppressed=bool(alert.suppressed_by),
        ending=alert.ending,
        subject=_TRIAL if test else _subject(alert, transition, what, where),
        what=what,
        where=where,
        since=to_text(min((each.since_us for each in alert.findings), default=alert.fired_us)),
        fired=to_text(alert.fired_us),
        resolved=None if alert.resolved_us is None else to_text(alert.resolved_us),
        citizens=_citizens(alert, small_cell_min),
        compared=compared(first, small_cell_min) if first else None,
        why=why,
        links=_links(alert, first, settings.pages_url),
        citizen_text=citizen_text(
            alert, now_met, settings.service_names.get(now_met.service), settings.level_of(now_met)
        ),
    )


def idempotency_key(alert: str, number: int) -> str:
    """Names the message of a transition wherever it is sent, in letters that stand in any header."""
    key = f"{alert}-{number}"
    return key if _KEY.fullmatch(key) else f"{hashlib.sha256(alert.encode()).hexdigest()[:32]}-{number}"


def is_active(message: Message) -> bool:
    """Whether the alert was going on, and not kept quiet, when the message was made."""
    return message.state != "resolved" and not message.suppressed


def encode(message: Message) -> bytes:
    """The JSON form."""
    return msgspec.json.encode(message)


def decode(content: bytes) -> Message:
    """The message of a JSON form. Raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(content, type=Message)


def _where(alert: Alert, series: Series, settings: NotificationSettings) -> Where:
    channels = tuple(dict.fromkeys(each.series.channel for each in alert.findings if each.series.channel))
    return Where(
        service=series.service,
        channels=channels,
        territory=series.territory,
        text=place_of(series.service, channels, series.territory, settings.service_names),
    )


def _citizens(alert: Alert, minimum: int) -> Citizens:
    counts = [each.citizens for each in alert.findings if each.citizens is not None]
    shown = suppress(max(counts), minimum) if counts else None
    return Citizens(count=shown, withheld=bool(counts) and shown is None, minimum=minimum)


def _subject(alert: Alert, transition: Transition, what: What, where: Where) -> Words:
    step, grave = _STEPS[transition.step], _GRAVE[alert.severity]
    return Words(
        fr=typeset(f"{step.fr} ({grave.fr}) : {what.title.fr}, {where.text.fr}", "fr"),
        en=typeset(f"{step.en} ({grave.en}): {what.title.en}, {where.text.en}", "en"),
    )


def _links(alert: Alert, first: Finding | None, base: str) -> Links:
    if not base:
        return Links()
    if first is None:
        return Links(alert=base + alert_path(alert.id))
    playbook = Words(fr=base + playbook_path(first, "fr"), en=base + playbook_path(first, "en"))
    return Links(evidence=base + evidence_path(first), alert=base + alert_path(alert.id), playbook=playbook)
