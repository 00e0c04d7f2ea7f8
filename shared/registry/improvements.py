"""Improvements: repairs of a service, where and since when, against which friction, at what cost."""

from datetime import date
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from sqlalchemy import Engine, select

from shared.errors import RecordRefused
from shared.registry.record import Line, Name, Names, Prose, VersionedRecords, check_day
from shared.registry.record_tables import IMPROVEMENTS

ImprovementStatus = Literal["planned", "pilot", "in_force", "stopped"]
IMPROVEMENT_STATUSES: Final[tuple[ImprovementStatus, ...]] = ("planned", "pilot", "in_force", "stopped")

Cost = Annotated[float, Meta(ge=0, le=1e12)]
RuleName = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z_]+$")]
Address = Annotated[str, Meta(min_length=1, max_length=2_000, pattern=r"^(https?://[^\s\x00]+|/(?!/)[^\s\x00]*)$")]
"""Of a web page, or of a page of this site (`/…`)."""


class Evidence(Struct, frozen=True, kw_only=True):
    """A link to what shows it: a study, minutes of a meeting, a page of this site."""

    title: Line
    address: Address


class Pilot(Struct, frozen=True, kw_only=True):
    """A start of its own: one territory (with all below it) or one office, since a day."""

    territory: Name | None = None
    office: Name | None = None
    since: date


class ImprovementValues(Struct, frozen=True, kw_only=True):
    """What an improvement is.

    services, territories (with all below them), offices: where it works since the day `since`; empty is everywhere.
    rule: the friction that it aims at. owner: a role or a team, not a person. cost_euros: spent once; cost_minutes:
    working time of the administration, spent once; `None` is not known. evidence: links. comparison: territories that it
    does not reach, to compare with. pilots: places that began on days of their own.
    """

    title: Line
    what: Prose = ""
    services: Names = []
    territories: Names = []
    offices: Names = []
    rule: RuleName | None = None
    owner: Line
    since: date
    status: ImprovementStatus = "planned"
    cost_euros: Cost | None = None
    cost_minutes: Cost | None = None
    evidence: Annotated[list[Evidence], Meta(max_length=50)] = []
    comparison: Names = []
    pilots: Annotated[list[Pilot], Meta(max_length=200)] = []


class Improvement(ImprovementValues, frozen=True, kw_only=True):
    """An improvement as it is kept; `version` grows by 1 with each change."""

    id: str
    version: int
    created_ms: int
    changed_ms: int


class Improvements(VersionedRecords[ImprovementValues, Improvement]):
    """The improvements of one registry."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, IMPROVEMENTS, Improvement)

    def all(self) -> list[Improvement]:
        """Every improvement, the latest start first. Raises `RegistryError`."""
        query = select(IMPROVEMENTS).order_by(IMPROVEMENTS.c.since.desc(), IMPROVEMENTS.c.id)
        with self._reading() as connection:
            return [self._read(row) for row in connection.execute(query).mappings()]

    def _check(self, values: ImprovementValues) -> ImprovementValues:
        for pilot in values.pilots:
            check_day("pilots", pilot.since)
            if (pilot.territory is None) == (pilot.office is None):
                raise RecordRefused("pilots", "pilots: each is of one territory or of one office")
        return values
