"""Annotations: what happened on a day that explains a change in the figures (a reform, a new system, a campaign)."""

from datetime import date
from typing import Final, Literal

from msgspec import Struct
from sqlalchemy import Engine, or_, select

from shared.errors import RecordRefused
from shared.registry.record import Line, Name, Prose, VersionedRecords
from shared.registry.record_tables import ANNOTATIONS

AnnotationKind = Literal["reform", "system", "campaign", "other"]
ANNOTATION_KINDS: Final[tuple[AnnotationKind, ...]] = ("reform", "system", "campaign", "other")


class AnnotationValues(Struct, frozen=True, kw_only=True):
    """What an annotation says. It lasts from `first_day` to `last_day`, included; one without holds from its day on,
    and is shown at that day. `service` and `territory` (a path, with all below it) are where; `None` is everywhere.
    """

    first_day: date
    last_day: date | None = None
    title: Line
    text: Prose = ""
    kind: AnnotationKind = "other"
    service: Name | None = None
    territory: Name | None = None


class Annotation(AnnotationValues, frozen=True, kw_only=True):
    """An annotation as it is kept; `version` grows by 1 with each change."""

    id: str
    version: int
    created_ms: int
    changed_ms: int


class Annotations(VersionedRecords[AnnotationValues, Annotation]):
    """The annotations of one registry."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, ANNOTATIONS, Annotation)

    def all(self) -> list[Annotation]:
        """Every annotation, the latest day first. Raises `RegistryError`."""
        return self._found()

    def between(
        self, first: date, last: date, service: str | None = None, territory: str | None = None
    ) -> list[Annotation]:
        """Those of any day from `first` to `last`, included, that concern figures of this service and territory.

        Of a territory are also those of one above it or below it. In order of time. Raises `RegistryError`.
        """
        found = [each for each in self._found(first, last, service) if _meets(each.territory, territory)]
        return sorted(found, key=lambda each: (each.first_day, each.id))

    def _found(
        self, first: date | None = None, last: date | None = None, service: str | None = None
    ) -> list[Annotation]:
        kept = ANNOTATIONS.c
        query = select(ANNOTATIONS).order_by(kept.first_day.desc(), kept.id)
        if first is not None and last is not None:
            ended = or_(kept.last_day >= first, kept.first_day >= first)
            query = query.where(kept.first_day <= last, ended)
        if service is not None:
            query = query.where(or_(kept.service.is_(None), kept.service == service))
        with self._reading() as connection:
            return [self._read(row) for row in connection.execute(query).mappings()]

    def _check(self, values: AnnotationValues) -> AnnotationValues:
        if values.last_day is not None and values.last_day < values.first_day:
            raise RecordRefused("last_day", "last_day: it lies before the first day")
        return values


def _meets(noted: str | None, shown: str | None) -> bool:
    """Whether an annotation of one territory concerns figures of another."""
    if noted is None or shown is None or noted == shown:
        return True
    return noted.startswith(shown + "/") or shown.startswith(noted + "/")
