"""Errors over HTTP: RFC 9457 problem documents, in the language asked for."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shared.ingest.reasons import explain, preferred_language, title

PROBLEM_JSON: Final = "application/problem+json"


class RequestRefused(Exception):
    """A whole request is refused: the HTTP status, a code of `reasons.REQUEST_REASONS` or `EVENT_REASONS`, and, for
    503, after how many seconds to try again. `position` is the byte where an unparsable body stopped making sense.
    """

    def __init__(
        self, status: int, reason: str, *, retry_after_s: int | None = None, position: int | None = None
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.position = position


def request_language(request: Request) -> str:
    """`fr` or `en`, as the request's `Accept-Language` asks."""
    return preferred_language(request.headers.get("accept-language"))


def problem_response(
    status: int,
    reason: str,
    lang: str,
    *,
    headers: Mapping[str, str] | None = None,
    extension: Mapping[str, Any] | None = None,
) -> Response:
    """A problem document: `type`, `title`, `status`, `detail`, our `reason`, and the members of `extension`."""
    document = {
        "type": "about:blank",
        "title": title(status, lang),
        "status": status,
        "detail": explain(reason, lang),
        "reason": reason,
        **(extension or {}),
    }
    return Response(
        msgspec.json.encode(document),
        status,
        {"Content-Language": lang, "Vary": "Accept-Language", **(headers or {})},
        media_type=PROBLEM_JSON,
    )


def refusal_response(refused: RequestRefused, lang: str) -> Response:
    """The answer to a refused request. The connection is closed where a long body would otherwise still be taken."""
    headers: dict[str, str] = {}
    if refused.retry_after_s is not None:
        headers["Retry-After"] = str(refused.retry_after_s)
    if refused.status in {408, 413}:
        headers["Connection"] = "close"
    extension = None if refused.position is None else {"position": refused.position}
    return problem_response(refused.status, refused.reason, lang, headers=headers, extension=extension)
