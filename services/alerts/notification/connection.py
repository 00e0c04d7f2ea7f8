"""Connections that go where they were judged to go, and end when their time is over."""

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

from msgspec import Struct

from services.alerts.notification.addresses import (
    Network,
    Resolve,
    is_allowed,
    judged,
    may_be_reached,
    system_resolve,
)
from shared.errors import NotDelivered


class Reach(Struct, frozen=True, kw_only=True):
    """Where connections may go, how names are resolved, and the longest time for one message."""

    allow: tuple[Network, ...] = ()
    timeout_s: float = 10.0
    resolve: Resolve = system_resolve


class Target(Struct, frozen=True):
    """A host (a name or an address) and port. encrypted: whether TLS is used; without it, only allowed networks are reached."""

    host: str
    port: int
    encrypted: bool


def connect(target: Target, reach: Reach) -> socket.socket:
    """A TCP connection to the first of the host's addresses that takes it. The name is resolved once, here.

    Raises `NotDelivered` also for an address that requests may not go to, or may not go to without encryption.
    """
    addresses = judged(target.host, target.port, reach.allow, reach.resolve)
    for address in addresses:
        if not target.encrypted and not is_allowed(address, reach.allow):
            raise NotDelivered(
                f"{target.host}: without encryption only networks of notification.allow are reached, and {address} is in none"
            )
    last: OSError | None = None
    for address in addresses:
        try:
            opened = socket.create_connection((str(address), target.port), timeout=reach.timeout_s / len(addresses))
        except OSError as error:
            last = error
        else:
            opened.settimeout(reach.timeout_s)
            return opened
    raise NotDelivered(f"{target.host}, port {target.port}: no connection ({last})") from last


def literal_problem(target: Target, allow: Sequence[Network]) -> str:
    """Why a host written as an address would never be reached; '' if it would, or is a name, judged when it is resolved."""
    try:
        address = ip_address(target.host)
    except ValueError:
        return ""
    if not may_be_reached(address, allow):
        return f"the address {address} is not public; if it is meant, add its network to notification.allow"
    if not target.encrypted and not is_allowed(address, allow):
        return f"without encryption only networks of notification.allow are reached, and {address} is in none"
    return ""


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """What certificates are checked with: those of the system, and of a site's own authority. Raises `OSError`."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def encrypted(connection: socket.socket, host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    """The connection under TLS; the certificate must be the name's, whatever address was connected to."""
    return context.wrap_socket(connection, server_hostname=host)


@contextmanager
def time_limit(connection: socket.socket, limit_s: float) -> Iterator[None]:
    """End the connection after so many seconds, whatever it is waiting for: a peer that sends a byte now and then cannot
    hold it longer. Raises `NotDelivered` when the limit was reached.
    """
    ended = threading.Event()
    twin = connection.dup()  # the same connection, which stays reachable under TLS

    def end() -> None:
        ended.set()
        with suppress(OSError):
            twin.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, EOFError, ValueError, NotDelivered) as error:
        if ended.is_set():
            raise NotDelivered(f"no answer within {limit_s:g} s") from error
        raise
    finally:
        timer.cancel()
        timer.join()
        twin.close()
