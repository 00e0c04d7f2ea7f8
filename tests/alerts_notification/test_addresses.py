"""Requests go to public addresses and to networks that are allowed, however an address is written or a name behaves."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.notification.addresses import MAX_ADDRESSES, judged, may_be_reached, real_address, system_resolve
from services.alerts.notification.connection import Reach, Target, connect
from shared.errors import NotDelivered
from tests.alerts_notification.http_server import serving

NOT_PUBLIC = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254
169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1
239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b:1::1 100::1
2001::1 2001:db8::1 2002:7f00:1:: 2002:a00:1:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ff0e::1
"""
PUBLIC = """
1.1.1.1 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 169.253.255.255 172.15.255.255 172.32.0.1
192.0.1.1 192.167.255.255 192.169.0.1 223.255.255.255 2a00::1 2600:1f00::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::
"""


@pytest.mark.parametrize("text", NOT_PUBLIC.split())
def test_what_is_not_public_is_not_reached(text: str) -> None:
    """Private, loopback, link-local, multicast, reserved and metadata addresses, in every way to write them."""
    assert not may_be_reached(ip_address(text), ())


@pytest.mark.parametrize("text", PUBLIC.split())
def test_what_is_public_is_reached(text: str) -> None:
    """The neighbours of those ranges, and IPv6 addresses that lead to a public IPv4 one."""
    assert may_be_reached(ip_address(text), ())


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_the_same_in_every_form(address: IPv4Address) -> None:
    """Mapped, through NAT64 and through 6to4 it is the same address."""
    value = int(address)
    forms = [
        IPv6Address(0xFFFF << 32 | value),
        IPv6Address(int(IPv6Address("64:ff9b::")) | value),
        IPv6Address(0x2002 << 112 | value << 80),
    ]
    assert {real_address(form) for form in forms} == {address}
    assert {may_be_reached(form, ()) for form in forms} == {may_be_reached(address, ())}


@given(st.ip_addresses())
def test_nothing_is_reached_that_the_standard_library_calls_private(address: IPv4Address | IPv6Address) -> None:
    """Never more than Python's own list of special addresses lets through."""
    real = real_address(address)
    if may_be_reached(address, ()):
        special = [real.is_private, real.is_loopback, real.is_link_local, real.is_multicast, real.is_reserved]
        assert not any(special)


def test_allowed_networks_are_reached_in_every_form() -> None:
    """A site names its own network once, as IPv4 or IPv6, and only that opens."""
    allow = (ip_network("10.20.0.0/16"), ip_network("fd00:12::/32"))
    for text in ("10.20.3.4", "::ffff:10.20.3.4", "64:ff9b::10.20.3.4", "fd00:12::9"):
        assert may_be_reached(ip_address(text), allow)
    for text in ("10.21.0.1", "fd00:13::1", "127.0.0.1"):
        assert not may_be_reached(ip_address(text), allow)


def test_one_bad_address_of_a_name_refuses_the_name() -> None:
    """A name that has a public and a private address is not trusted with the public one."""
    with pytest.raises(NotDelivered, match=r"169\.254\.169\.254 is not public"):
        judged("hooks.example", 443, (), lambda *_: ["1.1.1.1", "169.254.169.254"])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost", "0", "::1"])
def test_loopback_is_refused_however_it_is_written(host: str) -> None:
    """What the system makes of a host is judged, not the text."""
    with pytest.raises(NotDelivered, match="is not public"):
        judged(host, 80, (), system_resolve)


def test_a_name_without_a_usable_address_is_said_to_be_one() -> None:
    """No address, an error of the resolver, something that is no address, too many: each is said."""

    def fails(*_: object) -> list[str]:
        raise OSError("no such name")

    for resolve, what in (
        (lambda *_: [], "has no address"),
        (fails, "cannot be resolved"),
        (lambda *_: ["fe80::1%eth0"], "not public"),
        (lambda *_: ["nonsense"], "is not an address"),
        (lambda *_: [f"1.1.1.{number}" for number in range(MAX_ADDRESSES + 1)], "more than 8"),
    ):
        with pytest.raises(NotDelivered, match=what):
            judged("hooks.example", 443, (), resolve)  # type: ignore[arg-type]


def test_a_name_that_changes_between_look_and_connection_gains_nothing() -> None:
    """The name is resolved once: the second answer of a rebinding server, a private address, is never asked for."""
    answers = [["127.0.0.2"], ["127.0.0.1"]]
    asked: list[str] = []

    def rebinding(host: str, _: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    with serving() as server:
        reach = Reach(allow=(ip_network("127.0.0.2/32"),), timeout_s=5, resolve=rebinding)
        target = Target("hooks.example", server.port, encrypted=False)
        with pytest.raises(NotDelivered, match="no connection"):  # the server listens on 127.0.0.1 only
            connect(target, reach)
        assert asked == ["hooks.example"]
        with pytest.raises(NotDelivered, match=r"127\.0\.0\.1 is not public"):
            connect(target, reach)


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    """A name with two good addresses is reached through the one that works."""
    with serving() as server:
        reach = Reach(allow=(ip_network("127.0.0.0/8"),), timeout_s=5, resolve=lambda *_: ["127.0.0.3", "127.0.0.1"])
        with connect(Target("hooks.example", server.port, encrypted=False), reach) as connection:
            assert connection.getpeername()[0] == "127.0.0.1"
            assert connection.gettimeout() == 5


def test_without_encryption_only_allowed_networks_are_reached() -> None:
    """A public address is never written to in the open, and no connection is tried."""
    reach = Reach(timeout_s=0.001, resolve=lambda *_: ["1.1.1.1"])
    with pytest.raises(NotDelivered, match="without encryption"):
        connect(Target("hooks.example", 80, encrypted=False), reach)
