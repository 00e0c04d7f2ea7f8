"""The sockets of the two ports, with one clear line for each way in which a port cannot be had."""

import errno
import socket
from typing import Final

from shared.errors import ConfigurationError, ParcoursError, PortInUse

_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where to reach who binds them


def reachable_host(host: str) -> str:
    """Where a client on this machine reaches what is bound to `host`, as it stands in a URL."""
    reached = _ANY_ADDRESS.get(host, host)
    return f"[{reached}]" if ":" in reached else reached


def open_listener(host: str, port: int, variable: str) -> socket.socket:
    """A socket bound to the address, not listening yet; `variable` names the setting that chose the port.

    Raises `PortInUse`, or `ConfigurationError` when the address cannot be had at all.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"PARCOURS_HOST={host}: not an address of this machine") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _bind_error(error, host, port, variable) from error
    return listener


def _bind_error(error: OSError, host: str, port: int, variable: str) -> ParcoursError:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"port {port} of {host} is in use by another program: stop it, or choose another port with {variable}"
        )
    if error.errno == errno.EACCES:
        return ConfigurationError(f"port {port} may not be opened by this user: choose one above 1023 with {variable}")
    return ConfigurationError(f"PARCOURS_HOST={host}: not an address of this machine ({error.strerror})")
