"""HTTP to a service of the platform: patient with one that is starting, overloaded or restarting, within bounds."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import httpx
import msgspec
from msgspec import Struct

from shared.errors import ConfigurationError, ParcoursError, Unreachable

RETRIED_STATUSES: Final = frozenset({408, 429, 502, 503, 504})
REQUEST_TIMEOUT_S: Final = 60.0
_CONNECT_TIMEOUT_S: Final = 5.0
_START_ADVICE: Final = "; is Parcours running? `make run` starts it (PARCOURS_PORT and PARCOURS_INGEST_PORT as there)"

Sleep = Callable[[float], None]


class Patience(Struct, frozen=True):
    """How long to wait for a service, in seconds, apart from the requests themselves.

    A service that has never answered is probably not running: less is waited for it.
    """

    total_s: float = 60.0
    first_contact_s: float = 2.0
    first_pause_s: float = 0.2
    longest_pause_s: float = 10.0


class ServiceClient:
    """Requests to one service. `what` names it in errors; `key` is shown as a bearer key."""

    def __init__(
        self,
        what: str,
        base_url: str,
        *,
        key: str = "",
        patience: Patience | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._what = what
        self.base_url = base_url
        self._patience = patience or Patience()
        self._sleep = sleep
        self._reached = False
        # The platform is reached directly: a proxy of the environment is for elsewhere.
        timeout = httpx.Timeout(REQUEST_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
        try:
            shown = {"Authorization": f"Bearer {key}"} if key else None
            self._client = httpx.Client(base_url=base_url, timeout=timeout, trust_env=False, headers=shown)
        except httpx.InvalidURL as error:
            raise ConfigurationError(f"{base_url} is not an address: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer, whatever its status, but for those that ask to try again later.

        Raises `Unreachable` when the service does not answer, or puts off, for longer than `Patience` says.
        """
        waited_s, pause_s = 0.0, self._patience.first_pause_s
        while True:
            problem, wanted_s = "", 0.0
            try:
                response = self._client.request(method, path, content=content, headers=headers, params=parameters)
            except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                raise ConfigurationError(f"{self.base_url} is not an address of a service: {error}") from error
            except httpx.TransportError as error:
                problem = str(error) or type(error).__name__
            else:
                self._reached = True
                if response.status_code not in RETRIED_STATUSES:
                    return response
                problem, wanted_s = problem_text(response), _retry_after_s(response)
            wait_s = min(max(pause_s, wanted_s), self._patience.longest_pause_s)
            if waited_s + wait_s > self._limit_s():
                advice = "" if self._reached else _START_ADVICE
                raise Unreachable(f"{self._what} at {self.base_url} does not answer: {problem}{advice}")
            self._sleep(wait_s)
            waited_s += wait_s
            pause_s = min(pause_s * 2, self._patience.longest_pause_s)

    def _limit_s(self) -> float:
        return self._patience.total_s if self._reached else self._patience.first_contact_s

    def json(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        lang: str = "en",
        parameters: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON of a successful answer to a JSON request. Raises `ParcoursError` for any other answer."""
        headers = {"Accept-Language": lang} | ({"Content-Type": "application/json"} if body is not None else {})
        content = msgspec.json.encode(body) if body is not None else None
        response = self.request(method, path, content=content, headers=headers, parameters=parameters)
        if not response.is_success:
            raise self.refusal(response)
        return self.decoded(response, Any)

    def decoded(self, response: httpx.Response, kind: Any) -> Any:
        """The body of an answer as `kind`. Raises `ParcoursError` when it is something else."""
        try:
            return msgspec.json.decode(response.content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ParcoursError(
                f"{self._what} at {response.url} gives an answer that is not understood: {error}"
            ) from error

    def refusal(self, response: httpx.Response) -> ParcoursError:
        """The error that an answer without success is."""
        return ParcoursError(f"{self._what} at {response.url} refuses: {problem_text(response)}")


def problem_text(response: httpx.Response) -> str:
    """What an answer without success says: the status, and the detail of a problem document if there is one."""
    try:
        problem = msgspec.json.decode(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        problem = None
    detail = (problem.get("detail") or problem.get("title")) if isinstance(problem, dict) else None
    return f"{response.status_code} {detail or response.reason_phrase}".strip()


def _retry_after_s(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 6 else 0.0
