"""The bearer key that publishers show, where the site has set one."""

import hmac
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import ConfigurationError
from shared.ingest.problem import problem_response, request_language

MIN_KEY_CHARS: Final = 32
_GUARDED: Final = "/v1/"


class PublisherKey:
    """Refuses requests below `/v1/` that do not show the key (401). Health and metrics stay open.

    Paths that begin with one of `guarded_otherwise` are left to what guards them. Without a key everything passes. Raises
    `ConfigurationError` for a key that is too short, or cannot stand in a header.
    """

    def __init__(self, app: ASGIApp, key: str, guarded_otherwise: Sequence[str] = ()) -> None:
        if key:
            check_key(key)
        self._app = app
        self._expected = f"Bearer {key}".encode() if key else None
        self._guarded_otherwise = tuple(guarded_otherwise)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._expected is None or not self._asks(scope) or self._shown(scope, self._expected):
            await self._app(scope, receive, send)
            return
        headers = {"WWW-Authenticate": "Bearer", "Connection": "close"}  # a body that nobody reads stays unread
        refusal = problem_response(401, "key_required", request_language(Request(scope)), headers=headers)
        await refusal(scope, receive, send)

    def _asks(self, scope: Scope) -> bool:
        if scope["type"] != "http" or not scope["path"].startswith(_GUARDED):
            return False
        return not scope["path"].startswith(self._guarded_otherwise) if self._guarded_otherwise else True

    @staticmethod
    def _shown(scope: Scope, expected: bytes) -> bool:
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(shown) == 1 and hmac.compare_digest(shown[0], expected)


def check_key(key: str) -> None:
    """Raise `ConfigurationError` unless the key can be shown in a header and is long enough."""
    if len(key) < MIN_KEY_CHARS:
        raise ConfigurationError(f"PARCOURS_INGEST_KEY has {len(key)} characters; it needs at least {MIN_KEY_CHARS}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("PARCOURS_INGEST_KEY holds what cannot stand in a header; use letters and digits")
