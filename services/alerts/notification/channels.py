"""Opens the ways to all receivers of the settings, with their secrets."""

from collections.abc import Mapping

from msgspec.structs import replace

from services.alerts.notification.alertmanager import AlertmanagerChannel
from services.alerts.notification.channel import Channel
from services.alerts.notification.connection import Reach
from services.alerts.notification.secret_source import SecretSource
from services.alerts.notification.settings import (
    AlertmanagerReceiver,
    EmailReceiver,
    NotificationSettings,
    Receiver,
    TopicReceiver,
    WebhookReceiver,
)
from services.alerts.notification.signature import key_bytes
from services.alerts.notification.smtp import EmailChannel
from services.alerts.notification.topic import TopicChannel
from services.alerts.notification.webhook import WebhookChannel
from shared.errors import ConfigurationError
from shared.log.port import LogWriter


def secret_problems(settings: NotificationSettings, environment: Mapping[str, str]) -> list[tuple[int, str]]:
    """The line of each secret that is missing or cannot be used, and what is wrong with it; none is kept."""
    found = []
    for receiver in settings.receivers.values():
        for source in _sources(receiver):
            try:
                secret = source.reveal(environment)
                if isinstance(receiver, WebhookReceiver):
                    key_bytes(secret, source.where)
            except ConfigurationError as error:
                found.append((source.line, str(error)))
    return found


def _sources(receiver: Receiver) -> list[SecretSource]:
    """Where the secrets of a receiver are kept, without those that the settings give wrongly."""
    given: tuple[SecretSource | None, ...] = ()
    match receiver:
        case WebhookReceiver():
            given = (receiver.key, receiver.next_key)
        case EmailReceiver():
            given = (receiver.password,)
        case AlertmanagerReceiver():
            given = (receiver.token,)
    return [replace(each, where=each.setting) for each in given if each is not None and each.setting]


def open_channels(
    settings: NotificationSettings, environment: Mapping[str, str], topic: LogWriter | None
) -> dict[str, Channel]:
    """A channel for each receiver. `environment`: the variables that hold secrets; `topic`: the writer of the topic `alerts`.

    Raises `ConfigurationError` for a secret that is missing, or certificates that cannot be read.
    """
    reach = Reach(allow=settings.allow, timeout_s=settings.timeout_s)
    return {name: _opened(each, environment, topic, reach) for name, each in settings.receivers.items()}


def _opened(receiver: Receiver, environment: Mapping[str, str], topic: LogWriter | None, reach: Reach) -> Channel:
    try:
        match receiver:
            case WebhookReceiver():
                return _webhook(receiver, environment, reach)
            case EmailReceiver():
                password = receiver.password.reveal(environment) if receiver.password else ""
                return EmailChannel(receiver, password, reach)
            case AlertmanagerReceiver():
                return _alertmanager(receiver, environment, reach)
            case TopicReceiver():
                if topic is None:
                    raise ConfigurationError(
                        f"notification.receiver.{receiver.name}: there is no topic `alerts` to write"
                    )
                return TopicChannel(topic)
    except OSError as error:
        raise ConfigurationError(f"notification.receiver.{receiver.name}: ca_file cannot be used ({error})") from error


def _webhook(receiver: WebhookReceiver, environment: Mapping[str, str], reach: Reach) -> WebhookChannel:
    sources = [each for each in (receiver.key, receiver.next_key) if each is not None]
    keys = [key_bytes(each.reveal(environment), each.where) for each in sources]
    return WebhookChannel(receiver.url, keys, receiver.ca_file, reach)


def _alertmanager(receiver: AlertmanagerReceiver, environment: Mapping[str, str], reach: Reach) -> AlertmanagerChannel:
    return AlertmanagerChannel(
        receiver.url,
        repeat_s=receiver.repeat_s,
        labels=receiver.labels,
        token=receiver.token.reveal(environment) if receiver.token else "",
        ca_file=receiver.ca_file,
        reach=reach,
    )
