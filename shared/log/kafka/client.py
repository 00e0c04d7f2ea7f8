"""How this project talks to Kafka: settings that bound every wait, and clients that leave nothing behind when they fail."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from shared.errors import LogUnavailable

REQUEST_TIMEOUT_MS: Final = 5_000
BOOTSTRAP_TIMEOUT_MS: Final = 3_000
RECONNECT_MAX_MS: Final = 1_000
CLOSE_TIMEOUT_MS: Final = 1_000

CLIENT_FAILURES: Final = (KafkaError, OSError, RuntimeError)
"""What kafka-python raises while brokers are away or its own loop has ended."""


def broker_list(brokers: str) -> list[str]:
    """The addresses of `host:port,host:port`."""
    return [address.strip() for address in brokers.split(",") if address.strip()]


def client_settings(brokers: str) -> dict[str, Any]:
    """The settings that producers, consumers and administration share."""
    return {
        "bootstrap_servers": broker_list(brokers),
        "client_id": "parcours",
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS,
        "reconnect_backoff_max_ms": RECONNECT_MAX_MS,
    }


def make_client(kind: Callable[..., Any], **settings: Any) -> Any:
    """A producer, consumer or administration client, connected.

    A constructor of kafka-python that fails leaves its input-output thread running; here it ends. Raises `KafkaError`.
    """
    made: list[Any] = []

    def network(*arguments: Any, **options: Any) -> Any:
        made.append(KafkaNetClient(*arguments, **options))
        return made[-1]

    try:
        return kind(kafka_client=network, **settings)
    except BaseException:
        for client in made:
            with suppress(*CLIENT_FAILURES):
                client.close()
        raise


@contextmanager
def administration(brokers: str) -> Iterator[Any]:
    """A client for topics, for a short while. Raises `LogUnavailable` when the brokers do not answer."""
    with kafka_failures(brokers):
        admin = make_client(KafkaAdminClient, **client_settings(brokers))
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def kafka_failures(brokers: str, what: str = "Kafka") -> Iterator[None]:
    """Turn the client's failures into `LogUnavailable`, one line, without anything of a record."""
    try:
        yield
    except CLIENT_FAILURES as error:
        raise LogUnavailable(f"{what}: {brokers} cannot be reached or refuses ({type(error).__name__})") from error


def close_quietly(consumer: Any) -> None:
    """Close a consumer at once, without waiting for its group."""
    with suppress(*CLIENT_FAILURES):
        consumer.close(autocommit=False, timeout_ms=CLOSE_TIMEOUT_MS)
