"""The form of an improvement: its fields as texts, read into values; every error is named at its field."""

from collections.abc import Mapping
from datetime import date
from typing import Final, cast

from msgspec import Struct

from services.insights.language import N_
from shared.detection.settings import RULES
from shared.registry.improvements import (
    IMPROVEMENT_STATUSES,
    Evidence,
    Improvement,
    ImprovementStatus,
    ImprovementValues,
    Pilot,
)

MAX_PILOTS: Final = 15
MAX_EVIDENCE: Final = 10
MAX_LINES: Final = 200
_SPARE_ROWS: Final = 2
_LINE_CHARS: Final = 200
_NAME_CHARS: Final = 256
_PROSE_CHARS: Final = 4_000
_ADDRESS_CHARS: Final = 2_000
_MOST: Final = 1e12
_YEARS: Final = (1900, 2299)
_LISTS: Final = ("services", "territories", "offices", "comparison")

_TITLE: Final = N_("Please give a title of at most 200 characters.")
_OWNER: Final = N_("Please name who is responsible: a role or a team, at most 200 characters.")
_WHAT: Final = N_("The description may have at most 4,000 characters.")
_DAY: Final = N_("Please give a day such as 2026-03-31, from 1900 to 2299.")
_STATUS: Final = N_("Please choose one of the states offered.")
_RULE: Final = N_("Please choose one of the frictions offered.")
_NAMES: Final = N_("One name a line, each of at most 256 characters, at most 200 lines.")
_AMOUNT: Final = N_("Please give a number of 0 or more, or leave it empty.")
_EVIDENCE: Final = N_("Evidence needs a title and an address that begins with https://, http:// or /.")
_PILOT: Final = N_("A pilot needs the name of a territory or office, and the day of its start.")
OTHER: Final = N_(
    "This cannot be kept as it is: there are too many improvements, or a text holds characters that are none."
)


class Filled(Struct, frozen=True, kw_only=True):
    """A form: its fields as texts, and what is wrong, by field (messages); '' holds for the whole form."""

    fields: Mapping[str, str]
    problems: Mapping[str, str] = {}

    def text(self, name: str) -> str:
        """What stands in a field."""
        return self.fields.get(name, "")

    def pilot_rows(self) -> range:
        """The numbers of the rows for pilots: those filled in, and some to spare."""
        return _rows(self.fields, "pilot_place_", MAX_PILOTS)

    def evidence_rows(self) -> range:
        """The numbers of the rows for evidence."""
        return _rows(self.fields, "evidence_title_", MAX_EVIDENCE)


def _rows(fields: Mapping[str, str], prefix: str, most: int) -> range:
    filled = [number for number in range(1, most + 1) if fields.get(f"{prefix}{number}")]
    return range(1, min(max(filled, default=0) + _SPARE_ROWS, most) + 1)


class _Reader:
    """Reads fields one by one and keeps what is wrong with them."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        self.problems: dict[str, str] = {}

    def line(self, name: str, problem: str) -> str:
        text = self._fields.get(name, "")
        if not text.strip() or len(text) > _LINE_CHARS:
            self.problems[name] = problem
        return text

    def prose(self, name: str, problem: str) -> str:
        text = self._fields.get(name, "")
        if len(text) > _PROSE_CHARS:
            self.problems[name] = problem
        return text

    def choice(self, name: str, offered: tuple[str, ...], problem: str) -> str:
        text = self._fields.get(name, "")
        if text not in offered:
            self.problems[name] = problem
        return text

    def day(self, name: str, problem: str, at: str | None = None) -> date:
        try:
            found = date.fromisoformat(self._fields.get(name, ""))
            if _YEARS[0] <= found.year <= _YEARS[1]:
                return found
        except ValueError:
            pass
        self.problems.setdefault(at or name, problem)
        return date(2000, 1, 1)

    def amount(self, name: str) -> float | None:
        text = self._fields.get(name, "").replace("\u202f", "").replace("\u00a0", "").replace(" ", "").replace(",", ".")
        if not text:
            return None
        whole, _, decimals = text.partition(".")
        if text.isascii() and len(text) <= 16 and whole.isdigit() and (not decimals or decimals.isdigit()):
            value = float(text)
            if value <= _MOST:
                return value
        self.problems[name] = _AMOUNT
        return None

    def names(self, name: str) -> list[str]:
        lines = [line.strip() for line in self._fields.get(name, "").split("\n")]
        found = list(
            dict.fromkeys(line.rstrip("/") if name in {"territories", "comparison"} else line for line in lines if line)
        )
        if len(found) > MAX_LINES or any(not line or len(line) > _NAME_CHARS for line in found):
            self.problems[name] = _NAMES
        return found

    def evidence(self) -> list[Evidence]:
        found = []
        for number in range(1, MAX_EVIDENCE + 1):
            title, address = (self._fields.get(f"evidence_{part}_{number}", "") for part in ("title", "address"))
            if title or address:
                if not title.strip() or len(title) > _LINE_CHARS or not _is_address(address):
                    self.problems[f"evidence_title_{number}"] = _EVIDENCE
                found.append(Evidence(title=title, address=address))
        return found

    def pilots(self) -> list[Pilot]:
        found = []
        for number in range(1, MAX_PILOTS + 1):
            place, since = (self._fields.get(f"pilot_{part}_{number}", "") for part in ("place", "since"))
            if not place and not since:
                continue
            field = f"pilot_place_{number}"
            day = self.day(f"pilot_since_{number}", _PILOT, at=field)
            kind = self._fields.get(f"pilot_kind_{number}", "territory")
            name = place.rstrip("/") if kind == "territory" else place
            if not name or len(name) > _NAME_CHARS or kind not in {"territory", "office"}:
                self.problems[field] = _PILOT
            office = kind == "office"
            found.append(Pilot(territory=None if office else name, office=name if office else None, since=day))
        return found


def _is_address(text: str) -> bool:
    web = text.startswith(("https://", "http://")) and len(text) > len("https://")
    own = text.startswith("/") and not text.startswith("//")
    return (web or own) and len(text) <= _ADDRESS_CHARS and not any(each.isspace() for each in text)


def read_improvement(fields: Mapping[str, str]) -> tuple[ImprovementValues | None, dict[str, str]]:
    """The values of a form, or what is wrong, by field (messages)."""
    reader = _Reader(fields)
    rule = reader.choice("rule", ("", *RULES), _RULE)
    hours = reader.amount("cost_hours")
    values = ImprovementValues(
        title=reader.line("title", _TITLE),
        what=reader.prose("what", _WHAT),
        services=reader.names("services"),
        territories=reader.names("territories"),
        offices=reader.names("offices"),
        rule=rule or None,
        owner=reader.line("owner", _OWNER),
        since=reader.day("since", _DAY),
        status=cast("ImprovementStatus", reader.choice("status", IMPROVEMENT_STATUSES, _STATUS)),
        cost_euros=reader.amount("cost_euros"),
        cost_minutes=None if hours is None else hours * 60,
        evidence=reader.evidence(),
        comparison=reader.names("comparison"),
        pilots=reader.pilots(),
    )
    return (None if reader.problems else values), reader.problems


def fields_of(improvement: Improvement) -> dict[str, str]:
    """A kept improvement as the texts of its form."""
    fields = {name: "\n".join(getattr(improvement, name)) for name in _LISTS}
    fields |= {
        "title": improvement.title,
        "what": improvement.what,
        "rule": improvement.rule or "",
        "owner": improvement.owner,
        "since": improvement.since.isoformat(),
        "status": improvement.status,
        "cost_euros": _plain(improvement.cost_euros),
        "cost_hours": _plain(None if improvement.cost_minutes is None else improvement.cost_minutes / 60),
        "version": str(improvement.version),
    }
    for number, each in enumerate(improvement.evidence, start=1):
        fields |= {f"evidence_title_{number}": each.title, f"evidence_address_{number}": each.address}
    for number, pilot in enumerate(improvement.pilots, start=1):
        fields |= {
            f"pilot_kind_{number}": "office" if pilot.office else "territory",
            f"pilot_place_{number}": pilot.office or pilot.territory or "",
            f"pilot_since_{number}": pilot.since.isoformat(),
        }
    return fields


def _plain(number: float | None) -> str:
    return "" if number is None else f"{round(number, 4):.10g}"
