"""The alerts as pages and API see them: the registry's, in words, with small counts withheld."""

from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from functools import lru_cache
from typing import Final

import msgspec

from services.alerts.actions import acknowledge, assign, comment, resolve
from services.alerts.extent import lasting
from services.alerts.keeping import AlertKeeping
from services.alerts.notification.citizen_texts import citizen_text
from services.alerts.notification.comparison import compared
from services.alerts.notification.links import evidence_path
from services.alerts.notification.message import decode
from services.alerts.notification.playbooks import Playbooks
from services.alerts.notification.settings import NotificationSettings
from services.alerts.notification.telling import why_of
from services.alerts.notification.titles import cause_of, place_of, title_of
from services.alerts.policy import Policy
from services.alerts.steps import Taken
from shared.alerts.alert import Alert, Transition
from shared.alerts.finding import Finding, Series
from shared.alerts.sheet import Backlog, Guide, Hidden, Letter, Looking, Measure, Reading, Receiving, Sheet, Touched
from shared.detection.declarations.declaration import Words
from shared.errors import NotDelivered
from shared.journey.instants import from_text
from shared.privacy.small_cells import suppress
from shared.registry.alert_silences import SilenceRecord, SilenceValues
from shared.registry.outbox import OutboxRow, WaitingRow
from shared.registry.registry import Registry

SHEETS_KEPT: Final = 2_048
"""So many alerts are kept in words: twice those that are listed at once."""
_TITLE_LEVEL: Final = 2
"""Playbooks stand under a heading of this level: their sections are of the next."""
_KIND_ENDING: Final = "Receiver"

Trial = Callable[[str], None]
"""Sends a test to a receiver. Raises `NotDelivered`."""


def no_trial(receiver: str) -> None:
    """Where this process cannot send. Raises `NotDelivered`."""
    raise NotDelivered(f"this process sends nothing, so {receiver} cannot be tried from here", permanent=True)


class RegistryDesk:
    """`services.insights.ports.AlertDesk` over a registry.

    clock_us: the time; trial: sends a test; wake: called when something is to be told; looking: how the engine is, else as its
    latest round in the registry says.
    """

    def __init__(
        self,
        registry: Registry,
        keeping: AlertKeeping,
        policy: Policy,
        notification: NotificationSettings,
        *,
        small_cell_min: int,
        clock_us: Callable[[], int],
        trial: Trial = no_trial,
        wake: Callable[[], None] = lambda: None,
        looking: Callable[[], Looking] | None = None,
    ) -> None:
        self._registry = registry
        self._keeping = keeping
        self._policy = policy
        self._notification = notification
        self._clock_us = clock_us
        self._trial = trial
        self._wake = wake
        self._looking = looking
        self._playbooks = Playbooks(notification.playbooks)
        self._sheet = lru_cache(SHEETS_KEPT)(lambda alert: sheet_of(alert, notification, small_cell_min))

    @property
    def zone(self) -> tzinfo:
        return self._notification.zone

    def changes(self) -> int:
        return self._registry.alerts.changes()

    def looking(self) -> Looking:
        return self._looking() if self._looking else Looking(looked_us=self._registry.alerts.round_us())

    def open(self) -> Sequence[Sheet]:
        return self._sheets(self._keeping.open())

    def resolved(self, since_us: int) -> Sequence[Sheet]:
        return self._sheets(self._keeping.resolved(since_us))

    def get(self, alert: str) -> Sheet | None:
        found = self._keeping.get(alert)
        return None if found is None else self._sheet(found)

    def history(self, alert: str) -> Sequence[Transition]:
        return self._keeping.history(alert)

    def acknowledge(self, alert: str, version: int, by: str, until_us: int | None, text: str) -> Sheet:
        now_us, policy = self._clock_us(), self._policy
        return self._act(alert, version, lambda each: acknowledge(each, by, now_us, policy, until_us, text))

    def assign(self, alert: str, version: int, by: str, to: str) -> Sheet:
        now_us = self._clock_us()
        return self._act(alert, version, lambda each: assign(each, by, to, now_us))

    def comment(self, alert: str, version: int, by: str, text: str) -> Sheet:
        now_us = self._clock_us()
        return self._act(alert, version, lambda each: comment(each, by, text, now_us))

    def resolve(self, alert: str, version: int, by: str, text: str) -> Sheet:
        now_us = self._clock_us()
        return self._act(alert, version, lambda each: resolve(each, by, now_us, text))

    def silences(self) -> Sequence[SilenceRecord]:
        return self._registry.silences.ending_after(self._clock_us())

    def preview(self, values: SilenceValues) -> Hidden:
        self._registry.silences.check(values)
        found = self._keeping.preview(values, self._clock_us())
        return Hidden(self._sheets(found.open), self._sheets(found.past))

    def silence(self, values: SilenceValues) -> SilenceRecord:
        return self._keeping.silence(values, self._clock_us())

    def end_silence(self, silence: str, version: int) -> None:
        self._keeping.end_silence(silence, version, self._clock_us())

    def letters(self) -> Sequence[Letter]:
        return [_letter(each) for each in self._registry.outbox.dead_letters()]

    def retry(self, letter: str) -> None:
        self._registry.outbox.retry(letter, self._clock_us())
        self._wake()

    def receivers(self) -> Sequence[Receiving]:
        return [
            Receiving(name=name, kind=type(each).__name__.removesuffix(_KIND_ENDING).lower())
            for name, each in self._notification.receivers.items()
        ]

    def backlogs(self) -> Sequence[Backlog]:
        now_us = self._clock_us()
        return [_backlog(each, now_us) for each in self._registry.outbox.waiting(now_us)]

    def send_test(self, receiver: str) -> None:
        self._trial(receiver)

    def guide(self, cause: str, language: str) -> Guide | None:
        found = self._playbooks.get(cause, language)
        if found is None:
            return None
        html = found.html(_TITLE_LEVEL)
        if html.startswith(f"<h{_TITLE_LEVEL}>"):  # pages show the title themselves
            html = html.partition("\n")[2]
        return Guide(cause=cause, language=found.language, title=found.title, html=html, from_site=found.from_site)

    def _act(self, alert: str, version: int, action: Callable[[Alert], Taken]) -> Sheet:
        after = self._keeping.act(alert, version, action)
        self._wake()
        return self._sheet(after)

    def _sheets(self, alerts: Iterable[Alert]) -> tuple[Sheet, ...]:
        return tuple(map(self._sheet, alerts))


def sheet_of(alert: Alert, settings: NotificationSettings, small_cell_min: int) -> Sheet:
    """The alert in words; what is about fewer people than `small_cell_min` is withheld."""
    first = alert.findings[0] if alert.findings else None
    series = first.series if first else Series("rise")
    channels = dict.fromkeys(each.series.channel for each in alert.findings if each.series.channel)
    now_met = lasting(alert).series if first else series
    told = citizen_text(alert, now_met, settings.service_names.get(now_met.service), settings.level_of(now_met))
    return Sheet(
        id=alert.id,
        version=alert.version,
        state=alert.state,
        severity=alert.severity,
        fired_us=alert.fired_us,
        changed_us=alert.changed_us,
        resolved_us=alert.resolved_us,
        ending=alert.ending,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_until_us=alert.acknowledged_until_us,
        assigned_to=alert.assigned_to,
        suppressed_by=alert.suppressed_by,
        cause=cause_of(series),
        title=title_of(series),
        place=place_of(series.service, channels, series.territory, settings.service_names),
        since_us=min((each.since_us for each in alert.findings), default=alert.fired_us),
        touched=_touched((each.citizens for each in alert.findings), small_cell_min),
        why=why_of(alert, settings, small_cell_min),
        evidence=evidence_path(first) if first else "",
        citizen_text=Words(fr=told.fr, en=told.en),
        announce=told.announce,
        readings=tuple(_reading(each, settings, small_cell_min) for each in alert.findings),
    )


def _reading(finding: Finding, settings: NotificationSettings, minimum: int) -> Reading:
    series, found = finding.series, compared(finding, minimum)
    channels = [series.channel] if series.channel else []
    return Reading(
        condition=series.condition,
        rule=series.rule,
        service=series.service,
        channel=series.channel,
        territory=series.territory,
        name=series.name,
        place=place_of(series.service, channels, series.territory, settings.service_names),
        severity=finding.severity,
        since_us=finding.since_us,
        touched=_touched([finding.citizens], minimum),
        measure=Measure(
            observed=found.observed,
            expected=found.expected,
            withheld=found.withheld,
            from_us=finding.from_us,
            to_us=finding.to_us,
            text=found.text,
        ),
    )


def _touched(counts: Iterable[int | None], minimum: int) -> Touched:
    """The largest: series overlap, so their counts cannot be added up."""
    known = [each for each in counts if each is not None]
    shown = suppress(max(known), minimum) if known else None
    return Touched(count=shown, withheld=bool(known) and shown is None, minimum=minimum)


def _backlog(row: WaitingRow, now_us: int) -> Backlog:
    """It waits from when it was to be sent: what a route held back for its hours did not wait for its receiver."""
    try:
        due_us = max(row.created_us, from_text(decode(row.message).due))
    except (msgspec.MsgspecError, ValueError):
        due_us = row.created_us
    return Backlog(receiver=row.receiver, waiting=row.waiting, since_us=min(due_us, now_us), last_error=row.last_error)


def _letter(row: OutboxRow) -> Letter:
    try:
        subject: Words | None = decode(row.message).subject
    except msgspec.MsgspecError:
        subject = None
    return Letter(
        id=row.id,
        alert=row.alert,
        number=row.number,
        receiver=row.receiver,
        tries=row.tries,
        created_us=row.created_us,
        last_error=row.last_error,
        subject=subject,
    )
