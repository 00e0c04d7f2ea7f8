"""The rules' versions that were published so far, by service."""

from typing import Any, Final

from shared.detection.settings import DEFAULTS, RuleBook, ServiceRules
from shared.errors import DetectionError

MAX_CACHED_SERVICES: Final = 10_000


class _ServiceHistory(dict[int, ServiceRules]):
    """The rules of one service by version, resolved when first asked for."""

    def __init__(self, books: dict[int, RuleBook], service: str) -> None:
        super().__init__()
        self._books = books
        self._service = service

    def __missing__(self, version: int) -> ServiceRules:
        book = self._books.get(version)
        if book is None:
            raise DetectionError(f"the log speaks of version {version} of the rules, which was never published in it")
        rules = self[version] = book.for_service(self._service)
        return rules


class RuleHistory:
    """All versions of the rules; before the first is published, the defaults are version 0."""

    def __init__(self) -> None:
        self._books: dict[int, RuleBook] = {0: RuleBook(DEFAULTS, 0)}
        self._services: dict[str, _ServiceHistory] = {}
        self.version = 0

    @property
    def current(self) -> RuleBook:
        """The rules in force."""
        return self._books[self.version]

    @property
    def documents(self) -> dict[int, dict[str, Any]]:
        """The published documents by version."""
        return {version: dict(book.document) for version, book in self._books.items() if version}

    def publish(self, version: int, document: dict[str, Any]) -> None:
        """From here on, `version` is in force. The same version again changes nothing."""
        if version not in self._books:
            self._books[version] = RuleBook(document, version)
        self.version = version

    def of_service(self, service: str) -> _ServiceHistory:
        """The rules of one service by version."""
        history = self._services.get(service)
        if history is None:
            if len(self._services) >= MAX_CACHED_SERVICES:
                self._services.clear()
            history = self._services[service] = _ServiceHistory(self._books, service)
        return history
