"""French and English: translations read from .po files at start, numbers and dates as Babel's locales write them.

English texts are the message ids; the files `locale/fr/LC_MESSAGES/*.po`, one a part of the site, hold the French. Nothing is
compiled beforehand.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import (
    format_currency,
    get_decimal_symbol,
    get_group_symbol,
    get_infinity_symbol,
    parse_pattern,
)
from babel.support import Translations

from shared.detection.wording import duration
from shared.journey.instants import from_us, to_text, to_us

CODES: Final = ("fr", "en")
_LOCALES: Final = {"fr": "fr_FR", "en": "en_GB"}
_NAMES: Final = {"fr": "Français", "en": "English"}
_LOCALE_FOLDER: Final = Path(__file__).parent / "locale"
_NO_BREAK: Final = "\u00a0"
MAX_HEADER_CHARS: Final = 256
"""What is read of an `Accept-Language` header."""
_KEPT_NAMES: Final = 10_000
"""Names of months and of stretches of time that are kept once Babel made them: it takes a tenth of a millisecond."""


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for a message that is marked here and translated later
    """Mark a message for extraction."""
    return message


class Language:
    """One language of the interface: texts, numbers, dates, durations; instants as the clocks of `zone` show them."""

    def __init__(self, code: str, translations: Translations, zone: tzinfo = UTC) -> None:
        self.code: Final = code
        self.zone: Final = zone
        self.name: Final = _NAMES[code]
        self.translations: Final = translations
        self.locale: Final = Locale.parse(_LOCALES[code])
        # Python writes numbers as Babel rounds them, with English marks, in a twentieth of the time.
        self._marks: Final = str.maketrans({",": get_group_symbol(self.locale), ".": get_decimal_symbol(self.locale)})
        self._infinity: Final = get_infinity_symbol(self.locale)
        self._percent: Final[str] = parse_pattern(self.locale.percent_formats[None].pattern).suffix[0]

    def in_zone(self, zone: tzinfo) -> "Language":
        """The same language, by other clocks."""
        return Language(self.code, self.translations, zone)

    def text(self, message: str, values: Mapping[str, object] | None = None) -> str:
        """The message in this language, with `%(name)s` replaced by its value."""
        translated = self.translations.ugettext(message)
        return translated % values if values else translated

    def plural(self, singular: str, plural: str, number: float) -> str:
        """The message for a number, with `%(num)s` replaced by the number as it is written here."""
        form = 1 if self.locale.plural_form(number) == "one" else 2
        translated = self.translations.ungettext(singular, plural, form)
        return translated % {"num": self.number(number)}

    def number(self, value: float) -> str:
        """A number with the separators of the language; at most one decimal below 100, none above."""
        return self._short(Decimal(str(value)), 1 if abs(value) < 100 else 0)

    def rate(self, value: float) -> str:
        """A rate with one decimal."""
        return self._written(Decimal(str(value)), 1).translate(self._marks)

    def percent(self, share: float) -> str:
        """A share of 1 as a percentage; one decimal below 10 %; what is there is never 0 %."""
        if 0 < share < 0.001:
            return "< " + self.percent(0.001)
        return self._short(Decimal(str(share)).scaleb(2), 1 if 0 < share < 0.1 else 0) + self._percent

    def _short(self, value: Decimal, decimals: int) -> str:
        """At most so many decimals, 0 or 1; none that is 0."""
        return self._written(value, decimals).removesuffix(".0").translate(self._marks)

    def _written(self, value: Decimal, decimals: int) -> str:
        """Rounded half to even, with English marks."""
        return f"{value:,.{decimals}f}" if value.is_finite() else str(value).replace("Infinity", self._infinity)

    def date(self, instant_us: int) -> str:
        """The day of an instant: `9 September 2020`."""
        moment = from_us(instant_us).astimezone(self.zone)
        day = "1er" if self.code == "fr" and moment.day == 1 else str(moment.day)
        return f"{day}{_NO_BREAK}{_month_name(self.code, moment.year, moment.month)}"

    def day(self, day: str) -> str:
        """A day given as `2020-09-09`."""
        return self.date(to_us(datetime.fromisoformat(day).replace(tzinfo=self.zone)))

    def euros(self, euros: float) -> str:
        """A sum in whole euros."""
        return format_currency(
            euros,
            "EUR",
            format="#,##0\u00a0¤" if self.code == "fr" else "¤#,##0",
            locale=self.locale,
            currency_digits=False,
        )

    def moment(self, instant_us: int) -> str:
        """The minute of an instant: `9 September 2020, 14:05`."""
        day = self.date(instant_us)
        return f"{day}, {self.clock(instant_us)}"

    def machine_time(self, instant_us: int) -> str:
        """An instant for machines: `2020-09-09T14:05:00.000000Z`."""
        return to_text(instant_us)

    def machine_day(self, instant_us: int) -> str:
        """The day of an instant in UTC for machines: `2020-09-09`."""
        return to_text(instant_us)[:10]

    def clock(self, instant_us: int) -> str:
        """The time of day of an instant: `14:05`."""
        return f"{from_us(instant_us).astimezone(self.zone):%H:%M}"

    def bin_label(self, start: datetime, skeleton: str) -> str:
        """The name of a stretch of time: `Sept 2020` for the skeleton `yMMM`."""
        return _stretch_name(self.code, start, skeleton)

    def minutes(self, minutes: float) -> str:
        """A sum of lost time, in short: minutes below two hours, else hours."""
        if minutes < 120:
            return f"{self.number(round(minutes))}{_NO_BREAK}min"
        return f"{self.number(round(minutes / 60))}{_NO_BREAK}{'h' if self.code == 'fr' else 'hours'}"

    def duration(self, seconds: float) -> str:
        """A stretch of time in its two largest units, as sentences say it: `2 days and 5 hours`."""
        return duration(seconds, self.code)


@lru_cache(_KEPT_NAMES)
def _month_name(code: str, year: int, month: int) -> str:
    return format_date(date(year, month, 1), format="MMMM y", locale=_LOCALES[code])


@lru_cache(_KEPT_NAMES)
def _stretch_name(code: str, start: datetime, skeleton: str) -> str:
    return format_skeleton(skeleton, start, locale=_LOCALES[code])


def load_languages() -> dict[str, Language]:
    """All languages of the interface, read from the .po files."""
    return {code: Language(code, _translations(code)) for code in CODES}


def read_catalogue(code: str) -> Catalog:
    """The translations into a language, of all parts of the site."""
    catalogue = Catalog(locale=code)
    for path in sorted((_LOCALE_FOLDER / code / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=code):
                if message.id:
                    catalogue[message.id] = message
    return catalogue


@cache
def _translations(code: str) -> Translations:
    if code == "en":
        return Translations()
    compiled = BytesIO()
    write_mo(compiled, read_catalogue(code))
    compiled.seek(0)
    return Translations(compiled)


def negotiate(asked: str | None, accept_language: str) -> str:
    """The language code to answer in: the one asked for, else the preferred of the header, else English."""
    if asked in CODES:
        return asked
    return max(_preferences(accept_language[:MAX_HEADER_CHARS]), default=(0.0, "en"))[1]


def _preferences(header: str) -> list[tuple[float, str]]:
    found = []
    for rank, part in enumerate(header.split(",")):
        tag, _, quality = part.strip().partition(";q=")
        code = tag.split("-")[0].lower()
        if code in CODES and (weight := _weight(quality)) > 0:
            found.append((weight - rank / 1_000, code))
    return found


def _weight(quality: str) -> float:
    if not quality:
        return 1.0
    whole, _, decimals = quality.strip().partition(".")
    if whole not in {"0", "1"} or not (decimals == "" or (decimals.isascii() and decimals.isdigit())):
        return 0.0
    return float(quality)
