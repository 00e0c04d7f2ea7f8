"""Keeps alerts in the registry: a round, an action or a silence is written whole, with what is to be told of it."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from services.alerts.lifecycle import Outcome, Round, matter_since_us, pass_round
from services.alerts.policy import US_PER_S, Policy
from services.alerts.silences import PREVIEWED_US, Matcher, Preview, Silence, preview
from services.alerts.steps import Taken
from shared.alerts.alert import Alert, Transition
from shared.errors import RecordConflict, RecordRefused
from shared.registry.alert_rows import AlertRow, Change, Fence, NewDelivery, RoundWrite, TransitionRow
from shared.registry.alert_silences import SilenceRecord, SilenceValues
from shared.registry.registry import Registry

ROUND_TRIES: Final = 5
"""A round that meets people's actions is judged again so often; an action takes milliseconds, a round comes once a minute."""
_US_PER_DAY: Final = 86_400 * US_PER_S

_decoder = msgspec.json.Decoder(Alert)


class Message(NamedTuple):
    """What one receiver is told of one transition, and from when on (µs; `None`: at once)."""

    receiver: str
    content: bytes
    due_us: int | None = None


Tell = Callable[[Taken], Sequence[Message]]
"""To whom what is told of a step; asked for each step that may be told."""


class Begun(Struct, frozen=True, kw_only=True):
    """What a round begins with: what the engine wrote last (b'' at first), the instant of its round, and the alerts."""

    state: bytes
    round_us: int | None
    alerts: tuple[Alert, ...]
    version: int


class AlertKeeping:
    """The alerts of one registry. tell: what is told of a step; fence: the lease under which rounds are written, `None` where
    there is no other process. Every method raises `RegistryError`.
    """

    def __init__(
        self, registry: Registry, policy: Policy, tell: Tell, fence: Callable[[], Fence | None] = lambda: None
    ) -> None:
        self._alerts = registry.alerts
        self._silences = registry.silences
        self._policy = policy
        self._tell = tell
        self._fence = fence

    def begin(self, now_us: int) -> Begun:
        """What the engine goes on with after a start, or before a round."""
        held = self._alerts.held(matter_since_us(now_us, self._policy))
        return Begun(state=held.state, round_us=held.round_us, alerts=_read(held.alerts), version=held.version)

    def pass_round(self, begun: Begun, now: Round, state: bytes) -> Outcome:
        """Judge a round and keep what it leaves, with the engine's state after it; then `begin` again.

        `now.previous_us` is taken from `begun`. A person's action meanwhile is respected: the round is judged again with it.
        Raises `RecordConflict` when another engine has written since `begun`.
        """
        alerts = begun.alerts
        now = msgspec.structs.replace(now, previous_us=begun.round_us)
        for tried in range(1, ROUND_TRIES + 1):
            silences = [silence_of(each) for each in self._silences.ending_after(now.now_us)]
            outcome = pass_round(alerts, silences, now, self._policy)
            try:
                self._alerts.commit_round(self._written(begun.version, alerts, outcome, now.now_us, state))
            except RecordConflict:
                held = self._alerts.held(matter_since_us(now.now_us, self._policy))
                if held.version != begun.version or tried == ROUND_TRIES:
                    raise
                alerts = _read(held.alerts)
            else:
                return outcome
        raise RecordConflict("Alerts change too fast")  # pragma: no cover - the loop ends before

    def act(self, alert: str, version: int, action: Callable[[Alert], Taken]) -> Alert:
        """What a person does to the alert as it was when it had this version (`services.alerts.actions`).

        Raises `RecordConflict` when it has another version by now, `RecordRefused` for what cannot be done.
        """

        def change(row: AlertRow) -> Change:
            taken = action(_decoder.decode(row.document))
            return Change(alert=_row(taken.alert), transition=_step(taken.transition), deliveries=self._told(taken))

        return _decoder.decode(self._alerts.change(alert, version, change).document)

    def get(self, alert: str) -> Alert | None:
        """The alert with this id; `None` when there is none (any more)."""
        row = self._alerts.get(alert)
        return None if row is None else _decoder.decode(row.document)

    def open(self) -> tuple[Alert, ...]:
        """Those that are not resolved, the latest first."""
        return _read(self._alerts.open())

    def resolved(self, since_us: int) -> tuple[Alert, ...]:
        """Those resolved since then, the latest first, at most 1,000."""
        return _read(self._alerts.resolved(since_us))

    def history(self, alert: str) -> list[Transition]:
        """What happened to it, from the first."""
        return [msgspec.convert(each, Transition, from_attributes=True) for each in self._alerts.history(alert)]

    def preview(self, values: SilenceValues, now_us: int) -> Preview:
        """What a silence would hide of what is open, and would have hidden of the last 7 days."""
        alerts = [*self.open(), *self.resolved(now_us - PREVIEWED_US)]
        return preview(_silence("", values), alerts, now_us)

    def silence(self, values: SilenceValues, now_us: int) -> SilenceRecord:
        """Set a silence or announce a maintenance. Raises `RecordRefused`."""
        if values.until_us <= now_us:
            raise RecordRefused("until_us", "until_us: that is over already")
        return self._silences.add(values)

    def end_silence(self, silence: str, version: int, now_us: int) -> None:
        """End it now; one that has not begun is removed. Raises `RecordConflict` when it changed or ended meanwhile."""
        record = self._silences.get(silence)
        if record is None or record.version != version or record.until_us <= now_us:
            raise RecordConflict("Somebody else changed or ended this silence meanwhile")
        if record.from_us >= now_us:
            self._silences.remove(silence, version)
            return
        values = {name: getattr(record, name) for name in SilenceValues.__struct_fields__}
        self._silences.change(silence, version, SilenceValues(**values | {"until_us": now_us}))

    def forget(self, now_us: int) -> int:
        """Remove what is older than the retention; how many alerts, at most 500 at once."""
        return self._alerts.forget(now_us - self._policy.retention_days * _US_PER_DAY)

    def _written(
        self, version: int, before: Sequence[Alert], outcome: Outcome, now_us: int, state: bytes
    ) -> RoundWrite:
        read = {alert.id: alert.version for alert in before}
        return RoundWrite(
            replaces=version,
            round_us=now_us,
            state=state,
            alerts=[(_row(alert), read.get(alert.id, 0)) for alert in outcome.alerts],
            transitions=[_step(taken.transition) for taken in outcome.taken],
            deliveries=[each for taken in outcome.taken for each in self._told(taken)],
            fence=self._fence(),
        )

    def _told(self, taken: Taken) -> list[NewDelivery]:
        if not taken.told:
            return []
        step = taken.transition
        return [
            NewDelivery(
                alert=step.alert,
                number=step.number,
                receiver=message.receiver,
                message=message.content,
                created_us=step.at_us,
                due_us=step.at_us if message.due_us is None else message.due_us,
            )
            for message in self._tell(taken)
        ]


def silence_of(record: SilenceRecord) -> Silence:
    """A silence of the registry, as rounds and previews take it."""
    return _silence(record.id, record)


def _silence(silence: str, values: SilenceValues) -> Silence:
    parts = {name: getattr(values, name) for name in Matcher.__struct_fields__}
    return Silence(
        id=silence,
        kind=values.kind,
        matcher=Matcher(**parts),
        from_us=values.from_us,
        until_us=values.until_us,
        reason=values.reason,
        author=values.author,
    )


def _read(rows: Sequence[AlertRow]) -> tuple[Alert, ...]:
    return tuple(_decoder.decode(row.document) for row in rows)


def _row(alert: Alert) -> AlertRow:
    return AlertRow(
        id=alert.id,
        key=alert.key,
        state=alert.state,
        severity=alert.severity,
        suppressed_by=alert.suppressed_by,
        fired_us=alert.fired_us,
        changed_us=alert.changed_us,
        resolved_us=alert.resolved_us,
        version=alert.version,
        document=msgspec.json.encode(alert).decode(),
    )


def _step(step: Transition) -> TransitionRow:
    """PostgreSQL keeps no NUL, which the name of a place may hold; in the alert's document it is escaped."""
    return TransitionRow(
        alert=step.alert,
        number=step.number,
        step=step.step,
        at_us=step.at_us,
        by=step.by,
        text=step.text.replace("\0", ""),
        until_us=step.until_us,
    )
