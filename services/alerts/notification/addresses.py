"""Which addresses requests may go to: public ones, and networks that the settings allow.

A name is resolved once. Each address that it has is judged, and the connection is made to one of those addresses, so that a
name which changes between the judgement and the connection gains nothing.
Source: the registries of special-purpose addresses, RFC 6890 and its updates; RFC 6052 (NAT64), RFC 3056 (6to4).
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from shared.errors import NotDelivered

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a name (host, port), as texts."""

MAX_ADDRESSES: Final = 8
"""At most so many addresses of a name are judged and tried; a name with more is refused."""

_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by providers; also metadata of some clouds
        "127.0.0.0/8",
        "168.63.129.16/32",  # the host of virtual machines in one cloud
        "169.254.0.0/16",  # link-local, metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "3fff::/20",
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")


def judged(host: str, port: int, allow: Sequence[Network], resolve: Resolve) -> tuple[Address, ...]:
    """The addresses of a host, all of which requests may go to.

    Raises `NotDelivered` when the name cannot be resolved now, or one of the addresses is not public and not in `allow`: not
    permanently, since names and settings can be put right.
    """
    texts = list(dict.fromkeys(_resolved(host, port, resolve)))
    if not texts:
        raise NotDelivered(f"{host}: the name has no address")
    if len(texts) > MAX_ADDRESSES:
        raise NotDelivered(f"{host}: the name has more than {MAX_ADDRESSES} addresses")
    addresses = tuple(_parsed(host, text) for text in texts)
    for address in addresses:
        if not may_be_reached(address, allow):
            raise NotDelivered(
                f"{host}: the address {address} is not public; if it is meant, add its network to notification.allow"
            )
    return addresses


def may_be_reached(address: Address, allow: Sequence[Network]) -> bool:
    """Whether requests may go to the address: it is public, or in a network of `allow`."""
    return is_allowed(address, allow) or _is_public(real_address(address))


def is_allowed(address: Address, allow: Sequence[Network]) -> bool:
    """Whether the address, or the IPv4 address that it stands for, is in a network of `allow`."""
    return any(each in network for each in (address, real_address(address)) for network in allow)


def real_address(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to (mapped, NAT64, 6to4), else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def _resolved(host: str, port: int, resolve: Resolve) -> Sequence[str]:
    try:
        return resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise NotDelivered(f"{host}: the name cannot be resolved ({error})") from error


def _parsed(host: str, text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise NotDelivered(f"{host}: {text!r} is not an address") from None


def system_resolve(host: str, port: int) -> list[str]:
    """The addresses of a name as the system knows them. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(entry[4][0]) for entry in found]
