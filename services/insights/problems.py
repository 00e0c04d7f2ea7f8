"""Errors as RFC 9457 `application/problem+json`, or as a page, in the language asked for."""

from typing import Any, Final

from services.insights.language import N_, Language

_LABELS: Final = {
    "from": N_("From"),
    "to": N_("To"),
    "through": N_("To"),
    "rule": N_("Rule"),
    "service": N_("Service"),
    "channel": N_("Channel"),
    "territory": N_("Territory"),
    "source": N_("Source"),
}


def _label(value: object, language: Language) -> object:
    return language.text(_LABELS[value]) if isinstance(value, str) and value in _LABELS else value


class Problem(Exception):
    """A request that cannot be answered as asked. `detail` is a message id, `values` what its places hold."""

    def __init__(
        self, status: int, name: str, detail: str, /, *, retry_after_s: int | None = None, **values: object
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.values = values
        self.retry_after_s = retry_after_s

    def document(self, language: Language, *, labels: bool = False) -> dict[str, Any]:
        """The problem as JSON values; with `labels`, filters are named as the forms of pages do."""
        values = {name: _label(value, language) if labels else value for name, value in self.values.items()}
        return {
            "type": f"urn:parcours:problem:{self.name}",
            "title": title(self.status, language),
            "status": self.status,
            "detail": language.text(self.detail, values),
        }


def record_conflict() -> Problem:
    """What is to be changed or removed is no longer as it was seen."""
    detail = N_("Somebody else changed or removed this meanwhile. Look at it again before you go on.")
    return Problem(409, "record-conflict", detail)


def title(status: int, language: Language) -> str:
    """What a status means, in a few words."""
    _ = language.text
    titles = {
        400: _("This request cannot be read"),
        403: _("This request is refused"),
        404: _("Not found"),
        405: _("This method is not allowed here"),
        409: _("Not possible now"),
        422: _("This request cannot be answered as asked"),
        503: _("Not available now"),
    }
    return titles.get(status, _("Something went wrong on our side") if status >= 500 else titles[400])
