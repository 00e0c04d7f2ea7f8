"""ASGI middleware: the span of each request, and how long it took.

Only the method, the route's pattern and the status are told: an address may hold an id, a query what a person typed, and
headers who they are.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from time import monotonic
from typing import Any, Final

from fastapi.telemetry import TelemetryConfig

from shared.telemetry import tracing

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ObserveRequest = Callable[[str, int, float], None]
"""Takes route, status and seconds of a request."""

NO_NATIVE_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}
"""For every FastAPI application: by itself it tells address, query and the text of exceptions, once there is a provider."""
NO_ROUTE: Final = "none"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_TRACEPARENT: Final = b"traceparent"


class HttpTelemetry:
    """Wraps an application whose router leaves the matched route in the scope. Probes leave no span."""

    def __init__(self, app: App, observe: ObserveRequest) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if tracing.enabled() and scope["path"] not in _PROBES:
            await self._traced(scope, receive, send)
        else:
            await self._timed(scope, receive, send)

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer; gives the status."""
        started_s = monotonic()
        status = 500

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        finally:
            self._observe(route_of(scope), status, monotonic() - started_s)
        return status

    async def _traced(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        attributes = {"http.request.method": method}
        with tracing.request_span(method, _traceparent(scope), attributes) as span:
            try:
                status = await self._timed(scope, receive, send)
            except BaseException:
                _describe(span, method, route_of(scope), 500)
                raise
            _describe(span, method, route_of(scope), status)
            if status >= 500:
                span.fail(str(status))


def route_of(scope: Scope) -> str:
    """The pattern of the route that was matched, never the address itself."""
    return str(getattr(scope.get("route"), "path", NO_ROUTE))


def _describe(span: tracing.Span, method: str, route: str, status: int) -> None:
    known: dict[str, str | int] = {"http.response.status_code": status}
    if route != NO_ROUTE:
        span.rename(f"{method} {route}")
        known["http.route"] = route
    span.set(known)


def _traceparent(scope: Scope) -> str:
    found = [value for name, value in scope["headers"] if name == _TRACEPARENT]
    return str(found[0], "ascii", "replace") if len(found) == 1 else ""
