"""Silences and maintenance windows: what is not told, from when until when, why, and who said so."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from sqlalchemy import Engine, select

from shared.errors import RecordRefused
from shared.registry.alert_tables import SILENCES
from shared.registry.record import Line, VersionedRecords, checked

MAX_SILENCE_DAYS: Final = 31
"""The longest: whoever needs more changes what is watched."""
_MAX_SILENCE_US: Final = MAX_SILENCE_DAYS * 86_400_000_000
_MAX_INSTANT_US: Final = 2**63 - 1

Instant = Annotated[int, Meta(ge=0, le=_MAX_INSTANT_US)]
Part = Annotated[str, Meta(max_length=256, pattern=r"^[^\x00]*$")]
Code = Annotated[str, Meta(max_length=20, pattern=r"^[a-z_]*$")]
Rule = Annotated[str, Meta(max_length=40, pattern=r"^[a-z_]*$")]
Reason = Annotated[str, Meta(min_length=1, max_length=1_000, pattern=r"^(?=[\s\S]*\S)[^\x00]*$")]


class SilenceValues(Struct, frozen=True, kw_only=True):
    """What is silenced ('' is any; a territory with all below it), from `from_us` until before `until_us`.

    kind: a silence somebody set, or a maintenance that was announced.
    """

    kind: Literal["silence", "maintenance"] = "silence"
    condition: Code = ""
    rule: Rule = ""
    service: Part = ""
    channel: Part = ""
    territory: Part = ""
    from_us: Instant
    until_us: Instant
    reason: Reason
    author: Line


class SilenceRecord(SilenceValues, frozen=True, kw_only=True):
    """A silence as it is kept; `version` grows by 1 with each change."""

    id: str
    version: int
    created_ms: int
    changed_ms: int


class Silences(VersionedRecords[SilenceValues, SilenceRecord]):
    """The silences of one registry; what was changed or removed stays in the history."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, SILENCES, SilenceRecord)

    def check(self, values: SilenceValues) -> None:
        """Raises `RecordRefused` for values that cannot be kept."""
        self._check(checked(values))

    def ending_after(self, instant_us: int) -> list[SilenceRecord]:
        """Those in force then or later, the first to begin first. Raises `RegistryError`."""
        kept = SILENCES.c
        query = select(SILENCES).where(kept.until_us > instant_us).order_by(kept.from_us, kept.id)
        with self._reading() as connection:
            return [self._read(row) for row in connection.execute(query).mappings()]

    def _check(self, values: SilenceValues) -> SilenceValues:
        if values.until_us <= values.from_us:
            raise RecordRefused("until_us", "until_us: it does not lie after the beginning")
        if values.until_us - values.from_us > _MAX_SILENCE_US:
            raise RecordRefused("until_us", f"until_us: a silence lasts at most {MAX_SILENCE_DAYS} days")
        parts = (values.condition, values.rule, values.service, values.channel, values.territory)
        if values.kind == "silence" and not any(parts):
            raise RecordRefused(
                "", "Only a maintenance can silence everything: name a rule, a service, a channel or a place"
            )
        return values
