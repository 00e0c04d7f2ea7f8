"""What alerts consist of in any process: the settings, what is kept, who is told, and the engine of one lease."""

import os
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial

from msgspec import Struct

from services.alerts.engine import Engine, Streams
from services.alerts.keeping import AlertKeeping, Message
from services.alerts.notification.channels import open_channels
from services.alerts.notification.sender import Sender
from services.alerts.notification.settings import NotificationSettings, TopicReceiver
from services.alerts.notification.telling import told, trial_message
from services.alerts.notification.worker import Bounds
from services.alerts.settings import AlertSettings
from services.alerts.steps import Taken
from services.wiring.alert_settings import site_alerts, site_notification
from shared.clock import now_us
from shared.log.port import LogWriter
from shared.registry.alert_rows import Fence
from shared.registry.registry import Registry
from shared.settings import Settings
from shared.store.client import Store

_NS_PER_US = 1_000


class AlertRules(Struct, frozen=True):
    """The alert settings of a site, and those of notification in them."""

    alerts: AlertSettings
    notification: NotificationSettings

    def needs_topic(self) -> bool:
        """Whether any receiver is the topic `alerts`."""
        return any(isinstance(each, TopicReceiver) for each in self.notification.receivers.values())


def read_alert_rules(settings: Settings, secrets: Mapping[str, str] | None = None) -> AlertRules:
    """Everything of `PARCOURS_ALERTS`, and the site's playbooks.

    secrets: the variables of the environment, where this process or one that it starts sends messages: the secrets that the
    file names are looked at, too.

    Raises `ConfigurationError`, which names the line of each mistake.
    """
    alerts = site_alerts(settings.alerts, secrets=secrets)
    return AlertRules(alerts, site_notification(alerts, settings.alerts))


def open_keeping(
    settings: Settings, rules: AlertRules, registry: Registry, fence: Callable[[], Fence | None] = lambda: None
) -> AlertKeeping:
    """The alerts of the registry; who is told of a step, the settings say."""
    return AlertKeeping(registry, rules.alerts.policy, partial(_tell, settings, rules), fence)


def open_sender(rules: AlertRules, registry: Registry, topic: LogWriter | None) -> Sender:
    """Sends what the outbox holds, once it is started. Raises `ConfigurationError` for a secret that is missing."""
    notification = rules.notification
    bounds = Bounds(
        timeout_s=notification.timeout_s, max_tries=notification.max_tries, max_age_s=notification.max_age_s
    )
    channels = open_channels(notification, os.environ, topic)
    return Sender(channels, registry.outbox, registry.outbox, bounds=bounds, clock_us=now_us, random=random.random)


def trial_of(sender: Sender, rules: AlertRules, small_cell_min: int) -> Callable[[str], None]:
    """Sends a receiver a message that is plainly a test. It raises `NotDelivered`."""

    def trial(receiver: str) -> None:
        sender.send_test(receiver, trial_message(rules.notification, now_us(), small_cell_min))

    return trial


def open_engine(
    store: Store,
    streams: Streams,
    keeping: AlertKeeping,
    rules: AlertRules,
    background: Executor,
    told: Callable[[], None],
) -> Engine:
    """An engine by the clocks of this machine."""
    return Engine(
        store,
        streams,
        keeping,
        rules.alerts,
        clock_us=now_us,
        monotonic_us=lambda: time.monotonic_ns() // _NS_PER_US,
        background=background,
        told=told,
    )


def _tell(settings: Settings, rules: AlertRules, taken: Taken) -> list[Message]:
    messages = told(rules.notification, taken.alert, taken.transition, settings.small_cell_min)
    return [Message(*each) for each in messages]
