"""Single points and journeys are opened for a purpose, which is recorded; then they stay open for a while.

A permit is the id of a recorded opening, an end, and a signature of both: what it permits stands in the record. It is part of
the address of the opened page only, never of a link to another, so that an address that is passed on asks again.
"""

import hmac
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct

from services.insights.context import Context
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.problems import Problem
from shared.errors import RecordRefused
from shared.journey.instants import SECOND_US
from shared.registry.openings import PURPOSES, Form, Opened, Opening, OpeningValues, Purpose

PERMIT_S: Final = 900
"""A permit holds for a quarter of an hour."""
OPENED: Final = "opened"
"""The query parameter of pages that carries a permit."""
PURPOSE_PARAMETERS: Final = ("purpose", "purpose_text")
"""The query parameters of the API that state a purpose."""
PURPOSE_TITLES: Final[dict[Purpose, str]] = {
    "improve-service": N_("To improve the service"),
    "citizen-request": N_("To answer a citizen’s request or complaint"),
    "check-rule": N_("To check a rule"),
    "data-protection": N_("Data protection"),
    "other": N_("Another purpose"),
}
_MAC_CHARS: Final = 32
_MAX_TOKEN_CHARS: Final = 80


class Stated(Struct, frozen=True):
    """A purpose as it was stated."""

    purpose: Purpose
    text: str = ""


class Permit(Struct, frozen=True):
    """What may be opened until `until_us` (an instant): `opening` says what, and for which purpose."""

    token: str
    opening: Opening
    until_us: int

    def is_of(self, kind: Opened, opened: str) -> bool:
        """Whether it permits this."""
        return (self.opening.kind, self.opening.opened) == (kind, opened)

    @property
    def stated(self) -> Stated:
        """The purpose it was given for."""
        return Stated(self.opening.purpose, self.opening.text)


def read_purpose(purpose: str | None, text: str | None) -> Stated:
    """A purpose from a form or an address. Raises `Problem` 422 where it is missing or says nothing."""
    found = next((each for each in PURPOSES if each == purpose), None)
    if found is None:
        detail = N_(
            "Single points and journeys are opened for a purpose, which is recorded: “purpose” must be one of: %(allowed)s."
        )
        raise Problem(422, "purpose-required", detail, allowed=", ".join(PURPOSES))
    words = (text or "").strip()
    if found == "other" and not words:
        raise Problem(422, "purpose-required", N_("Please say in words what this other purpose is (“purpose_text”)."))
    return Stated(found, words)


def record_opening(context: Context, kind: Opened, opened: str, form: Form, stated: Stated) -> Permit:
    """Record that something is opened; what was not recorded must not be shown.

    Raises `Problem` 422 for a text that cannot be kept, `RegistryError` while the registry does not answer.
    """
    values = OpeningValues(kind=kind, opened=opened, form=form, purpose=stated.purpose, text=stated.text)
    try:
        opening = context.records.openings.add(values)
    except RecordRefused as error:
        raise Problem(
            422, "purpose-required", N_("The purpose is too long, or holds characters that are none.")
        ) from error
    until_s = context.clock() // SECOND_US + PERMIT_S
    return Permit(_sign(context.opening_key, opening.id, until_s), opening, until_s * SECOND_US)


def find_permit(context: Context, token: str | None, *, grace_s: int = 0) -> Permit | None:
    """The permit of this text; `None` if it was not given here, or ended more than `grace_s` ago.

    Raises `RegistryError`.
    """
    if not token or len(token) > _MAX_TOKEN_CHARS or not token.isascii():
        return None
    name, _, rest = token.partition("-")
    end, _, _mac = rest.partition("-")
    if not end.isdigit() or not hmac.compare_digest(_sign(context.opening_key, name, int(end)), token):
        return None
    until_us = int(end) * SECOND_US
    holds = context.clock() < until_us + grace_s * SECOND_US
    opening = context.records.openings.get(name) if holds else None
    return None if opening is None else Permit(token, opening, until_us)


def _sign(key: bytes, opening: str, until_s: int) -> str:
    signed = f"{opening}-{until_s}"
    return f"{signed}-{hmac.new(key, signed.encode(), 'sha256').hexdigest()[:_MAC_CHARS]}"


def name_of_list(filters: Filters) -> str:
    """How the record names a list of points: its filters."""
    return urlencode(sorted(filters.parameters().items()))
