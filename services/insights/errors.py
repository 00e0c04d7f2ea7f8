"""What becomes of a request that fails: problem+json for the API, a page in the reader's language for people."""

import logging
from collections.abc import Callable
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.insights.context import Context
from services.insights.language import N_
from services.insights.pages.rendering import Pages
from services.insights.problems import Problem
from shared.errors import ParcoursError, QueryLimitExceeded, RedetectionRefused, StoreBusy, StoreError

logger = logging.getLogger(__name__)

_MACHINE_PATHS: Final = ("/api/", "/healthz", "/readyz", "/metrics")
_RETRY_AFTER_S: Final = 5


def handle_errors(app: FastAPI, context: Context, pages: Pages) -> None:
    """Register what answers for each kind of failure."""

    def respond(request: Request, problem: Problem) -> Response:
        language = context.language(request)
        headers = {} if problem.retry_after_s is None else {"retry-after": str(problem.retry_after_s)}
        machine = request.url.path.startswith(_MACHINE_PATHS)
        document = problem.document(language, labels=not machine)
        if machine:
            media_type = "application/problem+json"
            return JSONResponse(document, problem.status, {**headers, "content-language": language.code}, media_type)
        return pages.error(request, language, document, headers)

    @app.exception_handler(Problem)
    def on_problem(request: Request, error: Problem) -> Response:
        return respond(request, error)

    @app.exception_handler(HTTPException)
    def on_http(request: Request, error: HTTPException) -> Response:
        return respond(request, _of_status(error.status_code))

    @app.exception_handler(RequestValidationError)
    def on_invalid(request: Request, error: RequestValidationError) -> Response:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])[:64] if error.errors() else "body"
        detail = N_("“%(where)s” is missing or not of the expected kind.")
        return respond(request, Problem(422, "invalid-request", detail, where=where))

    @app.exception_handler(ParcoursError)
    def on_known(request: Request, error: ParcoursError) -> Response:
        return respond(request, _of_known(error))

    def on_defect(request: Request) -> Response:
        return respond(request, Problem(500, "defect", N_("This is our fault, not yours. It has been written down.")))

    app.add_middleware(AnswerDefects, answer=on_defect)


class AnswerDefects:
    """ASGI middleware: an error that nothing else handles becomes an answer, if none has begun, and one line in the log.

    Left to the framework, it would be logged with its text, which may quote a person, and break the connection.
    """

    def __init__(self, app: ASGIApp, answer: Callable[[Request], Response]) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as error:
            logger.exception("request failed", extra={"route": _route(scope)})
            if begun or scope["type"] != "http":
                raise ConnectionAbortedError from error
            await self._answer(Request(scope))(scope, receive, send)


def _of_status(status: int) -> Problem:
    if status == 404:
        return Problem(404, "not-found", N_("There is nothing at this address. The link may be old or mistyped."))
    if status == 405:
        return Problem(405, "method", N_("This address exists, but it does not take this method."))
    return Problem(status, "http", N_("This request cannot be answered."))


def _of_known(error: ParcoursError) -> Problem:
    if isinstance(error, QueryLimitExceeded):
        detail = N_("This question is too large to answer in time. Choose a shorter period or fewer services.")
        return Problem(422, "too-large", detail)
    if isinstance(error, StoreBusy):
        detail = N_("Too many questions are being answered at once. Please try again in a moment.")
        return Problem(503, "busy", detail, retry_after_s=error.retry_after_s)
    if isinstance(error, StoreError):
        logger.error("store failed", exc_info=error)
        detail = N_("The figures cannot be read now. Please try again in a moment.")
        return Problem(503, "store", detail, retry_after_s=_RETRY_AFTER_S)
    if isinstance(error, RedetectionRefused):
        return Problem(409, "redetection-refused", N_("The past cannot be detected again now: %(why)s"), why=str(error))
    logger.error("request failed", exc_info=error)
    return Problem(503, "unavailable", N_("A part of the platform does not answer now. Please try again in a moment."))


def _route(scope: Scope) -> str:
    """The route's pattern, never the address itself: it may hold what a person typed."""
    return str(getattr(scope.get("route"), "path", "none"))
