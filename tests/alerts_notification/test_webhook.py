"""Signed webhooks against a real server: what it gets, what its answers mean, and how long it may take."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.notification.connection import Reach
from services.alerts.notification.http_post import MAX_ANSWER_BYTES, HttpAddress
from services.alerts.notification.message import encode
from services.alerts.notification.signature import key_bytes, signed_headers
from services.alerts.notification.webhook import WebhookChannel
from shared.errors import ConfigurationError, NotDelivered
from tests.alerts_notification.certificates import Certificates, make_certificates
from tests.alerts_notification.http_server import Answer, Server, serving
from tests.alerts_notification.samples import NOW_US, message

KEY = b"k" * 32
NEXT_KEY = b"n" * 32
HERE = (ip_network("127.0.0.0/8"),)
REACH = Reach(allow=HERE, timeout_s=2, resolve=lambda *_: ["127.0.0.1"])
NAME = "hooks.parcours.example"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server without TLS."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A certificate for `NAME`."""
    return make_certificates(tmp_path_factory.mktemp("certificates"), NAME)


def channel(server: Server, *, keys: tuple[bytes, ...] = (KEY,), reach: Reach = REACH) -> WebhookChannel:
    """A webhook to it."""
    return WebhookChannel(f"http://{NAME}:{server.port}/parcours?team=web", keys, None, reach)


def is_signed(headers: dict[str, str], body: bytes, key: bytes) -> bool:
    """Whether one of the signatures is the key's: computed here anew, as a receiver does."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, each) for each in headers["webhook-signature"].split(" "))


def test_a_message_arrives_signed(server: Server) -> None:
    """The body is the message's JSON; identity, time and signature stand in the headers; the host keeps its name."""
    channel(server).send(message(), NOW_US)
    (request,) = server.requests
    assert request.path == "/parcours?team=web"
    assert request.body == encode(message())
    assert json.loads(request.body)["alert"] == "a1"
    assert request.headers["host"] == f"{NAME}:{server.port}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == message().key
    assert request.headers["idempotency-key"] == '"a1-1"'
    assert request.headers["webhook-timestamp"] == str(NOW_US // 1_000_000)
    assert is_signed(request.headers, request.body, KEY)
    assert not is_signed(request.headers, request.body, NEXT_KEY)
    assert not is_signed(request.headers, request.body + b" ", KEY)
    assert not is_signed(request.headers | {"webhook-timestamp": "1"}, request.body, KEY)


def test_while_keys_are_changed_both_sign(server: Server) -> None:
    """A receiver that knows the old key or the new one takes the message."""
    channel(server, keys=(KEY, NEXT_KEY)).send(message(), NOW_US)
    (request,) = server.requests
    assert is_signed(request.headers, request.body, KEY)
    assert is_signed(request.headers, request.body, NEXT_KEY)


@given(st.binary(max_size=200), st.binary(min_size=24, max_size=64))
def test_a_signature_is_of_one_body_and_one_key(body: bytes, key: bytes) -> None:
    """Whatever the body and the key, it is good for them, and not for a body with one byte more."""
    headers = signed_headers("id", body, [key], NOW_US)
    assert is_signed(headers, body, key)
    assert not is_signed(headers, body + b"\0", key)


def test_keys_are_texts_or_base64() -> None:
    """`whsec_` announces base64, as existing libraries write keys; what is too short or not base64 is refused."""
    text = base64.b64encode(KEY).decode()
    assert key_bytes("whsec_" + text, "line 1") == KEY
    assert key_bytes("k" * 32, "line 1") == KEY
    with pytest.raises(ConfigurationError, match="line 1: the key is shorter than 24 bytes"):
        key_bytes("short", "line 1")
    with pytest.raises(ConfigurationError, match="not base64"):
        key_bytes("whsec_%%%", "line 1")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_status_of_success_is_delivery(server: Server, status: int) -> None:
    """2xx means that it was taken."""
    server.answers = [Answer(status, body=b"" if status == 204 else b"ok")]
    channel(server).send(message(), NOW_US)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (401, False),
        (403, False),
        (404, False),
        (408, False),
        (410, True),
        (413, True),
        (422, True),
        (429, False),
        (500, False),
        (501, True),
        (502, False),
        (503, False),
    ],
)
def test_what_a_refusal_means(server: Server, status: int, permanent: bool) -> None:
    """What says that this message will never be taken is final; what people can put right is tried again."""
    server.answers = [Answer(status, body=b"secret of the receiver")]
    with pytest.raises(NotDelivered, match=f"answered {status}") as caught:
        channel(server).send(message(), NOW_US)
    assert caught.value.permanent is permanent
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(server: Server, status: int) -> None:
    """A redirect, which could lead anywhere, is an error that names it; nothing else is asked for."""
    server.answers = [Answer(status, (("Location", f"http://127.0.0.1:{server.port}/elsewhere"),))]
    with pytest.raises(NotDelivered, match="redirects are not followed"):
        channel(server).send(message(), NOW_US)
    assert [request.path for request in server.requests] == ["/parcours?team=web"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17),
        (" 0 ", 0),
        ("99999999999999", 3_600),
        ("Mon, 23 Nov 2026 09:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 08:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
    ],
)
def test_a_receiver_may_ask_for_time(server: Server, header: str, seconds: float | None) -> None:
    """`Retry-After` as seconds or a date, bounded; nonsense counts as not said."""
    server.answers = [Answer(503, (("Retry-After", header),))]
    with pytest.raises(NotDelivered) as caught:
        channel(server).send(message(), NOW_US)
    assert caught.value.retry_after_s == seconds


def test_a_receiver_that_does_not_answer_is_given_up_in_time(server: Server) -> None:
    """One that takes the request and says nothing costs the timeout, no more."""
    server.answers = [Answer(hold=threading.Event())]
    began = time.monotonic()
    with pytest.raises(NotDelivered, match="no answer"):
        channel(server, reach=Reach(allow=HERE, timeout_s=0.3, resolve=REACH.resolve)).send(message(), NOW_US)
    assert time.monotonic() - began < 2


def test_a_receiver_that_answers_byte_by_byte_is_given_up_in_time() -> None:
    """The limit is on the whole exchange: an answer that never begins in earnest, a byte now and then, does not hold it longer."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 ")
                try:
                    while not stop.wait(0.05):
                        connection.sendall(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        reach = Reach(allow=HERE, timeout_s=0.5, resolve=REACH.resolve)
        with pytest.raises(NotDelivered, match=r"no answer within 0\.5 s"):
            WebhookChannel(f"http://{NAME}:{listening.getsockname()[1]}/", (KEY,), None, reach).send(message(), NOW_US)
        assert time.monotonic() - began < 3
        stop.set()
        thread.join()


def test_a_long_answer_is_not_read_to_its_end(server: Server) -> None:
    """So much is read and no more; the message was taken nevertheless."""
    server.answers = [Answer(200, body=b"x" * (MAX_ANSWER_BYTES * 50))]
    channel(server).send(message(), NOW_US)
    server.answers = [Answer(200, drip=200)]  # ten seconds of it
    began = time.monotonic()
    channel(server, reach=Reach(allow=HERE, timeout_s=0.5, resolve=REACH.resolve)).send(message(), NOW_US)
    assert time.monotonic() - began < 3


def test_what_is_no_http_is_said_to_be_no_answer() -> None:
    """A server of something else, and one that hangs up."""
    for said in (b"220 mail.example ESMTP\r\n", b""):
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def answer(said: bytes = said, listening: socket.socket = listening) -> None:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(said)

            thread = threading.Thread(target=answer)
            thread.start()
            with pytest.raises(NotDelivered, match="no answer"):
                WebhookChannel(f"http://{NAME}:{listening.getsockname()[1]}/", (KEY,), None, REACH).send(
                    message(), NOW_US
                )
            thread.join()


def test_nobody_listens() -> None:
    """A closed port is said as such."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(NotDelivered, match=f"port {port}: no connection"):
        WebhookChannel(f"http://{NAME}:{port}/", (KEY,), None, REACH).send(message(), NOW_US)


def test_a_private_address_gets_nothing(server: Server) -> None:
    """Without the settings' permission the request is not made at all."""
    with pytest.raises(NotDelivered, match=r"is not public; if it is meant, add its network to notification\.allow"):
        channel(server, reach=Reach(timeout_s=2, resolve=REACH.resolve)).send(message(), NOW_US)
    assert server.requests == []


def test_tls_is_for_the_name_whatever_the_address(certificates: Certificates) -> None:
    """The certificate is checked against the name of the settings, though the connection is to a pinned address."""
    with serving(certificates.server, certificates.key) as server:
        good = WebhookChannel(f"https://{NAME}:{server.port}/x", (KEY,), certificates.authority, REACH)
        good.send(message(), NOW_US)
        assert [request.path for request in server.requests] == ["/x"]
        other = WebhookChannel(f"https://other.example:{server.port}/x", (KEY,), certificates.authority, REACH)
        with pytest.raises(NotDelivered, match=r"certificate is not good \(Hostname mismatch"):
            other.send(message(), NOW_US)
        unknown = WebhookChannel(f"https://{NAME}:{server.port}/x", (KEY,), None, REACH)
        with pytest.raises(NotDelivered, match="certificate is not good"):
            unknown.send(message(), NOW_US)
        assert len(server.requests) == 1


def test_tls_to_a_server_without_it_fails(server: Server) -> None:
    """It is not tried in the open instead."""
    with pytest.raises(NotDelivered, match="no answer"):
        WebhookChannel(f"https://{NAME}:{server.port}/", (KEY,), None, REACH).send(message(), NOW_US)
    assert server.requests == []


def test_no_proxy_of_the_environment_is_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name itself."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    channel(server).send(message(), NOW_US)
    assert len(server.requests) == 1


def test_certificates_that_cannot_be_read_are_an_error_at_the_start(tmp_path: Path) -> None:
    """A file that is no certificate is told before anything is sent."""
    file = tmp_path / "ca.pem"
    file.write_text("nothing", encoding="utf-8")
    with pytest.raises(OSError, match=r"certificate|PEM|found"):
        HttpAddress("https://hooks.example/", file, REACH)
