"""E-mail through a real server: what arrives, under which encryption, and what refusals mean."""

import logging
import ssl
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from services.alerts.notification.connection import Reach
from services.alerts.notification.message import Message
from services.alerts.notification.plain_text import body_text, one_line
from services.alerts.notification.settings import EmailReceiver
from services.alerts.notification.smtp import EmailChannel, written
from services.alerts.notification.telling import trial_message
from shared.alerts.finding import Series
from shared.detection.declarations.declaration import Words
from shared.errors import ConfigurationError, NotDelivered
from tests.alerts_notification.certificates import Certificates, make_certificates
from tests.alerts_notification.samples import NOW_US, alert, finding, message, settings, transition
from tests.alerts_notification.smtp_server import MailServer, running

HERE = (ip_network("127.0.0.0/8"),)
NAME = "mail.parcours.example"
PASSWORD = "p:ss word"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A certificate for `NAME`."""
    return make_certificates(tmp_path_factory.mktemp("certificates"), NAME)


@pytest.fixture(scope="module")
def context(certificates: Certificates) -> ssl.SSLContext:
    """The server's side of TLS."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificates.server, certificates.key)
    return made


@pytest.fixture
def plain() -> Iterator[MailServer]:
    """A server without encryption."""
    with running(MailServer(None)) as server:
        yield server


def reach(timeout_s: float = 3) -> Reach:
    """The loopback addresses, under any name."""
    return Reach(allow=HERE, timeout_s=timeout_s, resolve=lambda *_: ["127.0.0.1"])


def receiver(port: int, **changes: Any) -> EmailReceiver:
    """Two people, through a server without encryption."""
    values: dict[str, Any] = {
        "name": "on-call",
        "host": NAME,
        "port": port,
        "tls": "none",
        "sender": "parcours@example.org",
        "to": ("on-call@example.org", "head@example.org"),
    }
    return EmailReceiver(**(values | changes))


def parsed(content: bytes) -> EmailMessage:
    """The mail as a mail program reads it."""
    read = message_from_bytes(content, policy=modern)
    assert isinstance(read, EmailMessage)
    return read


def test_a_mail_says_all_in_both_languages(plain: MailServer) -> None:
    """Subject, French text, then English text, with links and the proposed text for the public."""
    EmailChannel(receiver(plain.port), "", reach()).send(message(), NOW_US)
    (taken,) = plain.mails
    assert (taken.sender, taken.to) == ("parcours@example.org", ("on-call@example.org", "head@example.org"))
    mail = parsed(taken.content)
    assert mail["From"] == "Parcours <parcours@example.org>"
    assert mail["To"] == "on-call@example.org, head@example.org"
    assert mail["Subject"].startswith("Alerte (avertissement)")
    assert " / Alert (warning): " in mail["Subject"]
    assert mail["Message-ID"] == "<a1-1@example.org>"
    assert mail["References"] == "<a1@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] == "Mon, 23 Nov 2026 09:00:00 +0000"
    assert mail.get_content_type() == "text/plain"
    text = mail.get_content().replace("\u00a0", " ").replace("\u202f", " ")
    french, english = text.split("-" * 40)
    for part in (
        "Quoi : Hausse",
        "Depuis : 23 novembre 2026",
        "Personnes touchées : au moins 38",
        "Pourquoi : Bien plus",
    ):
        assert part in french
    for part in ("What: Rise", "Since: 23 November 2026", "People affected: at least 38", "Why: Far more forms"):
        assert part in english
    assert "Que faire : https://parcours.example/alerts/playbooks/form_abandoned?lang=fr" in french
    assert "What to do: https://parcours.example/alerts/playbooks/form_abandoned?lang=en" in english
    assert message().citizen_text.fr.replace("\u00a0", " ") in french
    assert message().citizen_text.en.replace("\u00a0", " ") in english


def test_small_counts_and_trials_are_said_so() -> None:
    """A withheld count is said to be one; a trial says that there is no alert; what ended says when."""
    few = body_text(message(alert(finding(citizens=3, observed=3.0))))
    assert "moins de 10" in few
    assert "fewer than 10" in few
    trial = body_text(trial_message(settings(), NOW_US, 10))
    assert "Ceci est un essai" in trial
    assert "This is a test" in trial
    over = message(alert(state="resolved", resolved_us=NOW_US, ending="ended"), transition("resolved", 2))
    assert "Resolved: 23 November 2026 at 9:00 UTC" in body_text(over).replace("\u00a0", " ")
    uncounted = message(alert(finding(Series("lag", name="x"), citizens=None)))
    assert "People affected" not in body_text(uncounted)


@given(st.text(max_size=300), st.text(max_size=60))
def test_no_text_of_an_alert_can_begin_a_header_or_a_line(text: str, name: str) -> None:
    """Whatever stands in names and sentences, the headers are ours and the text stays below its label."""
    base = message()
    subject = Words(fr=text, en=f"{text}\r\nBcc: thief@example.org\r\n\r\nbody")
    hostile: Message = structs.replace(
        base, subject=subject, why=Words(fr=name, en=f"{name}\nAlert: http://evil.example")
    )
    mail = written(hostile, receiver(25), NOW_US)
    read = parsed(mail.as_bytes())
    assert {name.lower() for name in read.keys()} == {  # noqa: SIM118  # a message has a key as often as it has the header
        *("from", "to", "subject", "date", "message-id", "references", "auto-submitted"),
        *("content-type", "content-transfer-encoding", "mime-version"),
    }
    assert read["To"] == "on-call@example.org, head@example.org"
    assert not any(line.startswith("Alert: http://evil") for line in body_text(hostile).splitlines())
    assert len(one_line(text).splitlines()) <= 1


def test_starttls_comes_before_anything_is_said(certificates: Certificates, context: ssl.SSLContext) -> None:
    """User, password and mail go encrypted, to a server whose certificate bears the name of the settings."""
    with running(MailServer(context, auth=f"me:{PASSWORD}")) as server:
        to = receiver(server.port, tls="starttls", user="me", ca_file=certificates.authority)
        EmailChannel(to, PASSWORD, reach()).send(message(), NOW_US)
        (taken,) = server.mails
        assert (taken.encrypted, taken.user) == (True, "me")
        names = [command.split(" ")[0] for command in server.commands]
        assert names[:3] == ["ehlo", "STARTTLS", "ehlo"]
        assert server.commands[0] == "ehlo example.org"


def test_tls_from_the_start(certificates: Certificates, context: ssl.SSLContext) -> None:
    """The other way to encrypt: TLS before the first word."""
    with running(MailServer(context, tls_from_the_start=True)) as server:
        to = receiver(server.port, tls="tls", ca_file=certificates.authority)
        EmailChannel(to, "", reach()).send(message(), NOW_US)
        assert [mail.encrypted for mail in server.mails] == [True]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_of_another_name_ends_it(certificates: Certificates, context: ssl.SSLContext, tls: Any) -> None:
    """Nothing is sent to a server that is not the one of the settings, nor to one whose authority is unknown."""
    with running(MailServer(context, tls_from_the_start=tls == "tls")) as server:
        for host, authority in (("other.example", certificates.authority), (NAME, None)):
            to = receiver(server.port, host=host, tls=tls, ca_file=authority)
            with pytest.raises(NotDelivered, match="certificate is not good") as caught:
                EmailChannel(to, "", reach()).send(message(), NOW_US)
            assert not caught.value.permanent
        assert server.mails == []


def test_a_server_without_starttls_gets_nothing(plain: MailServer) -> None:
    """The mail is not sent in the open instead."""
    with pytest.raises(NotDelivered, match="does not offer what the settings ask for"):
        EmailChannel(receiver(plain.port, tls="starttls"), "", reach()).send(message(), NOW_US)
    assert plain.mails == []


def test_a_wrong_password_is_said_without_it(certificates: Certificates, context: ssl.SSLContext) -> None:
    """People can put it right: it is tried again, and the message holds no secret."""
    with running(MailServer(context, auth="me:right")) as server:
        to = receiver(server.port, tls="starttls", user="me", ca_file=certificates.authority)
        with pytest.raises(NotDelivered, match=r"refused user and password \(535\)") as caught:
            EmailChannel(to, "wr0ng", reach()).send(message(), NOW_US)
        assert not caught.value.permanent
        assert "wr0ng" not in str(caught.value)


def test_a_password_that_cannot_be_sent_is_told_at_the_start() -> None:
    """Mail servers take ASCII only, as this client speaks to them; the error does not hold the password."""
    with pytest.raises(ConfigurationError, match="must be in ASCII") as caught:
        EmailChannel(receiver(25, user="me"), "sécret", reach())
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("replies", "what", "permanent"),
    [
        ({"greeting": "554 go away"}, "answered 554", False),
        ({"MAIL": "451 later"}, "answered 451", False),
        ({"MAIL": "550 never"}, "answered 550", True),
        ({"RCPT": "450 later"}, r"refused all addresses \(450\)", False),
        ({"RCPT": "550 who"}, r"refused all addresses \(550\)", True),
        ({"DATA": "451 later"}, "answered 451", False),
        ({"content": "552 too much"}, "answered 552", True),
        ({"content": "452 full"}, "answered 452", False),
    ],
)
def test_what_a_refusal_means(plain: MailServer, replies: dict[str, str], what: str, permanent: bool) -> None:
    """What begins with 5 and is about this mail is final; the rest is tried again."""
    plain.replies = replies
    with pytest.raises(NotDelivered, match=what) as caught:
        EmailChannel(receiver(plain.port), "", reach()).send(message(), NOW_US)
    assert caught.value.permanent is permanent
    assert plain.mails == []


def test_one_good_address_is_enough(plain: MailServer, caplog: pytest.LogCaptureFixture) -> None:
    """The mail is not sent again to those who have it because another's address is wrong; that is logged."""
    plain.replies = {"rcpt TO:<head@example.org>": "550 who"}
    with caplog.at_level(logging.WARNING):
        EmailChannel(receiver(plain.port), "", reach()).send(message(), NOW_US)
    assert [mail.to for mail in plain.mails] == [("on-call@example.org",)]
    assert "refused addresses" in caplog.text


def test_a_goodbye_that_fails_changes_nothing(plain: MailServer) -> None:
    """A mail that the server took is delivered, however the conversation ends."""
    plain.replies = {"QUIT": "421 gone"}
    EmailChannel(receiver(plain.port), "", reach()).send(message(), NOW_US)
    assert len(plain.mails) == 1


def test_a_silent_server_is_given_up_in_time(plain: MailServer) -> None:
    """One that takes the connection and says nothing costs the timeout, no more."""
    plain.replies = {"silent": ""}
    began = time.monotonic()
    with pytest.raises(NotDelivered, match="no answer"):
        EmailChannel(receiver(plain.port), "", reach(0.3)).send(message(), NOW_US)
    assert time.monotonic() - began < 2


def test_a_private_address_gets_nothing(plain: MailServer) -> None:
    """A mail server inside is reached only if its network is allowed."""
    closed = Reach(timeout_s=1, resolve=lambda *_: ["127.0.0.1"])
    with pytest.raises(NotDelivered, match="is not public"):
        EmailChannel(receiver(plain.port), "", closed).send(message(), NOW_US)
    assert plain.commands == []


def test_the_same_mail_at_each_try() -> None:
    """Mail programs and servers can tell a repeat by its identity."""
    first, second = (written(message(), receiver(25), NOW_US + later) for later in (0, 60_000_000))
    assert first["Message-ID"] == second["Message-ID"]
