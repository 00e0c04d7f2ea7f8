"""The desk of alerts that pages and API work with: on one machine beside engine and sender, in a cluster apart from them."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from msgspec import structs

from services.alerts.engine_status import EngineStatus
from services.alerts.notification.channels import open_channels
from services.alerts.notification.telling import trial_message
from services.wiring.alert_desk import RegistryDesk, Trial
from services.wiring.alert_parts import AlertRules, open_keeping, read_alert_rules
from services.wiring.alerts import Alerting
from services.wiring.cluster.alerts import SERVICE
from services.wiring.cluster.heart import SILENT_S
from shared.alerts.sheet import Looking
from shared.clock import now_us
from shared.errors import ConfigurationError, NotDelivered
from shared.registry.registry import Registry
from shared.settings import Settings

_LOOKING: Final = "looking"


def machine_desk(settings: Settings, registry: Registry, alerting: Alerting) -> RegistryDesk:
    """Where engine and sender are in this process."""
    minimum = settings.small_cell_min

    def trial(receiver: str) -> None:
        alerting.sender.send_test(receiver, trial_message(alerting.rules.notification, now_us(), minimum))

    def looking() -> Looking:
        return _as_it_says(alerting.status(), registry)

    return _desk(settings, registry, alerting.rules, trial, looking, alerting.sender.wake)


def cluster_desk(settings: Settings, registry: Registry) -> RegistryDesk:
    """Where another process looks and tells; what is to be told, it finds in the registry. Raises `ConfigurationError`."""
    rules = read_alert_rules(settings)

    def looking() -> Looking:
        return _as_last_heard(registry)

    return _desk(settings, registry, rules, _trial_from_here(rules, settings.small_cell_min), looking, lambda: None)


def _desk(
    settings: Settings,
    registry: Registry,
    rules: AlertRules,
    trial: Trial,
    looking: Callable[[], Looking],
    wake: Callable[[], None],
) -> RegistryDesk:
    return RegistryDesk(
        registry,
        open_keeping(settings, rules, registry),
        rules.alerts.policy,
        rules.notification,
        small_cell_min=settings.small_cell_min,
        clock_us=now_us,
        trial=trial,
        wake=wake,
        looking=looking,
    )


def _as_it_says(status: EngineStatus, registry: Registry) -> Looking:
    """Before its first round, an engine that was started again looked when the registry says so."""
    looked_us = registry.alerts.round_us() if status.looked_us is None else status.looked_us
    return Looking(looked_us=looked_us, through_us=status.through_us, trouble=status.trouble())


def _as_last_heard(registry: Registry) -> Looking:
    """What the process that looks said last, if it still speaks; else when the registry was written last."""
    for beat in registry.heartbeats.latest(SERVICE):
        said: Mapping[str, Any] = beat.document
        if beat.age_s < SILENT_S and said.get("state") == _LOOKING and said.get("looked_us") is not None:
            return Looking(
                looked_us=said["looked_us"], through_us=said.get("through_us"), trouble=str(said.get("trouble", ""))
            )
    return Looking(looked_us=registry.alerts.round_us())


def _trial_from_here(rules: AlertRules, minimum: int) -> Trial:
    """Sends by a channel opened for it. What only the process that tells has (a secret, the topic) cannot be tried from here."""

    def trial(receiver: str) -> None:
        notification = rules.notification
        chosen = {receiver: notification.receivers[receiver]}
        try:
            channel = open_channels(structs.replace(notification, receivers=chosen), os.environ, None)[receiver]
        except ConfigurationError as error:
            raise NotDelivered(
                f"this cannot be tried from the process of the pages: {error}", permanent=True
            ) from error
        try:
            channel.send(trial_message(notification, now_us(), minimum), now_us())
        finally:
            with suppress(OSError):
                channel.close()

    return trial
