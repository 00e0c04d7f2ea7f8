"""One POST over HTTP: to an address that was judged, without redirects or proxies, with bounds on time and size."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from services.alerts.notification.connection import Reach, Target, connect, encrypted, time_limit, tls_context
from shared.errors import NotDelivered
from shared.journey.instants import SECOND_US, to_us

MAX_ANSWER_BYTES: Final = 65_536
"""So much of an answer is read, to be thrown away; one that is longer ends the connection."""
MAX_RETRY_AFTER_S: Final = 3_600.0

FINAL_STATUSES: Final = frozenset({400, 405, 406, 410, 411, 413, 414, 415, 422, 501})
"""Statuses that say the message itself will never be taken."""
_CHUNK_BYTES: Final = 8_192


class HttpAddress:
    """Where to POST: an address of the web and how it is reached. Raises `ValueError` for one that is none."""

    def __init__(self, url: str, ca_file: Path | None, reach: Reach) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self.host: Final = parts.hostname or ""
        self._target = Target(self.host, parts.port or (443 if self._secure else 80), self._secure)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._host_header = parts.netloc
        self._context = tls_context(ca_file) if self._secure else None
        self._reach = reach

    def post(self, body: bytes, headers: Mapping[str, str], now_us: int) -> None:
        """Send the body once and wait for the answer, which must be 2xx. Raises `NotDelivered`."""
        with closing(connect(self._target, self._reach)) as plain, time_limit(plain, self._reach.timeout_s):
            try:
                self._exchange(plain, body, headers, now_us)
            except ssl.SSLCertVerificationError as error:
                raise NotDelivered(f"{self.host}: its certificate is not good ({error.verify_message})") from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                what = type(error).__name__ if isinstance(error, http.client.HTTPException) else str(error)
                raise NotDelivered(f"{self.host}: no answer ({what})") from error

    def _exchange(self, plain: socket.socket, body: bytes, headers: Mapping[str, str], now_us: int) -> None:
        connection = http.client.HTTPConnection(self._target.host, self._target.port)
        connection.sock = encrypted(plain, self.host, self._context) if self._context else plain
        try:
            fixed = {"Host": self._host_header, "User-Agent": "Parcours", "Connection": "close"}
            connection.request("POST", self._path, body, {**fixed, **headers})
            with connection.getresponse() as response:
                _check(self.host, response.status, response.getheader("Retry-After"), now_us)
                _drain(response)
        finally:
            connection.close()


def _check(host: str, status: int, retry_after: str | None, now_us: int) -> None:
    """Raise `NotDelivered` unless the status says that the message was taken."""
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise NotDelivered(f"{host} answered {status}: redirects are not followed, set the final address")
    raise NotDelivered(
        f"{host} answered {status} {http.client.responses.get(status, '')}".rstrip(),
        permanent=status in FINAL_STATUSES,
        retry_after_s=_seconds(retry_after, now_us),
    )


def _seconds(retry_after: str | None, now_us: int) -> float | None:
    """How long a receiver wants to be left alone, bounded: a number of seconds or a date."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_S)
    try:
        at_us = to_us(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max((at_us - now_us) / SECOND_US, 0.0), MAX_RETRY_AFTER_S)


def _drain(response: http.client.HTTPResponse) -> None:
    """Read what is left of the answer, so that the other side is not cut off; no more than the bound."""
    left = MAX_ANSWER_BYTES
    with suppress(OSError, http.client.HTTPException):  # the status has said already that the message was taken
        while left > 0 and (part := response.read(min(left, _CHUNK_BYTES))):
            left -= len(part)
