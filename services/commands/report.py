"""What doctor and migrate say, over HTTP or from this process: their shapes, and their text."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec import Struct, field

from shared.errors import ParcoursError

T = TypeVar("T")

_MARKS: Final = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


class Part(Struct, frozen=True):
    """One part of the platform: what is wrong in `message`, what to do in `advice`."""

    name: str
    status: Literal["ok", "warning", "error"]
    message: str = ""
    advice: str = ""


class Report(Struct, frozen=True):
    """The answer of `/api/v1/doctor`."""

    parts: list[Part] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether no part is in error."""
        return all(part.status != "error" for part in self.parts)


class Migration(Struct, frozen=True):
    """One of the list of `/api/v1/migrations`."""

    name: str
    status: Literal["applied", "planned"]


def read_as(kind: type[T], value: Any) -> T:
    """A value of JSON as `kind`. Raises `ParcoursError` when it is something else."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ParcoursError(f"the answer is not understood: {error}; is the platform of another version?") from error


def report_lines(report: Report) -> Iterator[str]:
    """A report for a person: a line for each part, and what to do below it."""
    width = max((len(part.name) for part in report.parts), default=0)
    for part in report.parts:
        yield f"{_MARKS[part.status]}  {part.name:<{width}}  {part.message}".rstrip()
        if part.advice:
            yield f"{'':<{width + 11}}{part.advice}"


def migration_lines(migrations: Sequence[Migration]) -> Iterator[str]:
    """A line for each migration."""
    for migration in migrations:
        yield f"{migration.status:<8} {migration.name}"
