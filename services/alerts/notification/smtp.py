"""E-mail: one message to all addresses of a receiver, in plain text, in French and then in English."""

import logging
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final

from services.alerts.notification.channel import OnceOnly
from services.alerts.notification.connection import Reach, Target, connect, encrypted, time_limit, tls_context
from services.alerts.notification.message import Message
from services.alerts.notification.plain_text import body_text, one_line
from services.alerts.notification.settings import EmailReceiver
from shared.errors import ConfigurationError, NotDelivered
from shared.journey.instants import from_us

MAX_SUBJECT_CHARS: Final = 200

_log = logging.getLogger(__name__)


class EmailChannel(OnceOnly):
    """Sends through one mail server.

    Raises `OSError` when the certificates of the settings cannot be read, `ConfigurationError` for a password not in ASCII.
    """

    def __init__(self, receiver: EmailReceiver, password: str, reach: Reach) -> None:
        if not (password + receiver.user).isascii():
            raise ConfigurationError(f"notification.receiver.{receiver.name}: user and password must be in ASCII")
        self._receiver = receiver
        self._password = password
        self._reach = reach
        self._context = None if receiver.tls == "none" else tls_context(receiver.ca_file)

    def send(self, message: Message, now_us: int) -> None:
        """Send it once. Taken by the server for at least one address, it has arrived; the others are logged.

        Raises `NotDelivered`: permanently for what the server will never take.
        """
        content = written(message, self._receiver, now_us)
        target = Target(self._receiver.host, self._receiver.port, self._receiver.tls != "none")
        connection = connect(target, self._reach)
        try:
            with time_limit(connection, self._reach.timeout_s), self._failures():
                refused = self._deliver(connection, content)
        finally:
            connection.close()
        if refused:
            _log.warning(
                "a mail server refused addresses", extra={"receiver": self._receiver.name, "count": len(refused)}
            )

    def _deliver(self, connection: socket.socket, content: EmailMessage) -> dict[str, Any]:
        """The addresses that were refused, where one at least was not."""
        receiver, context = self._receiver, self._context
        if receiver.tls == "tls" and context is not None:
            connection = encrypted(connection, receiver.host, context)
        client = _PinnedClient(connection, receiver, self._reach.timeout_s)
        try:
            if receiver.tls == "starttls":
                client.starttls(context=context)
                client.ehlo()
            if receiver.user:
                client.login(receiver.user, self._password)
            refused = client.send_message(content, receiver.sender, list(receiver.to))
            with suppress(OSError, smtplib.SMTPException):  # it is taken; how the server says goodbye changes nothing
                client.quit()
            return refused
        finally:
            client.close()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what the client raises into `NotDelivered`, without what the server said beyond its code."""
        host = self._receiver.host
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise NotDelivered(f"{host}: its certificate is not good ({error.verify_message})") from error
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            refused = f"{host} refused all addresses ({', '.join(str(code) for code in sorted(set(codes)))})"
            raise NotDelivered(refused, permanent=min(codes, default=0) >= 500) from error
        except smtplib.SMTPAuthenticationError as error:
            raise NotDelivered(f"{host} refused user and password ({error.smtp_code})") from error
        except smtplib.SMTPNotSupportedError as error:
            raise NotDelivered(f"{host} does not offer what the settings ask for ({error})") from error
        except smtplib.SMTPResponseException as error:
            at_data = isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused)
            refused = f"{host} answered {error.smtp_code}"
            raise NotDelivered(refused, permanent=at_data and error.smtp_code >= 500) from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            what = str(error) if isinstance(error, OSError) else type(error).__name__
            raise NotDelivered(f"{host}: no answer ({what})") from error


class _PinnedClient(smtplib.SMTP):
    """A client on a connection that is there already; it resolves no name. `_host` is what a certificate must bear."""

    def __init__(self, connection: socket.socket, receiver: EmailReceiver, timeout_s: float) -> None:
        self._pinned = connection
        super().__init__(
            receiver.host, receiver.port, local_hostname=receiver.sender.rpartition("@")[2], timeout=timeout_s
        )

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002  # the client's own signature
        """What `connect` takes as its connection."""
        return self._pinned


def written(message: Message, receiver: EmailReceiver, now_us: int) -> EmailMessage:
    """The e-mail of a message. Values of headers are made from one line each, so none can begin another header.

    The same message has the same `Message-ID` at each try, and refers to its alert, so that mail programs show an alert as one thread.
    """
    domain = receiver.sender.rpartition("@")[2]
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address("Parcours", addr_spec=receiver.sender)
    mail["To"] = [Address(addr_spec=each) for each in receiver.to]
    mail["Subject"] = one_line(f"{message.subject.fr} / {message.subject.en}")[:MAX_SUBJECT_CHARS]
    mail["Date"] = format_datetime(from_us(now_us))
    mail["Message-ID"] = f"<{message.key}@{domain}>"
    thread = message.key.rpartition("-")[0]
    mail["References"] = f"<{thread}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body_text(message), cte="quoted-printable")
    return mail
