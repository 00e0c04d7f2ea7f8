"""The desk of alerts that pages and API work with: on one machine beside engine and sender, in a cluster apart from them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from services.alerts.engine_status import EngineStatus
from services.wiring.alert_desk import RegistryDesk, Trial
from services.wiring.alert_parts import AlertRules, open_keeping, read_alert_rules, trial_of
from services.wiring.alerts import Alerting
from services.wiring.cluster.alert_trials import answer_limit_s, ask
from services.wiring.cluster.alerts import SERVICE
from services.wiring.cluster.heart import SILENT_S
from shared.alerts.sheet import Looking
from shared.clock import now_us
from shared.errors import NotDelivered
from shared.registry.registry import Registry
from shared.settings import Settings

_LOOKING: Final = "looking"


def machine_desk(settings: Settings, registry: Registry, alerting: Alerting) -> RegistryDesk:
    """Where engine and sender are in this process."""
    trial = trial_of(alerting.sender, alerting.rules, settings.small_cell_min)

    def looking() -> Looking:
        return _as_it_says(alerting.status(), registry)

    return _desk(settings, registry, alerting.rules, trial, looking, alerting.sender.wake)


def cluster_desk(settings: Settings, registry: Registry) -> RegistryDesk:
    """Where another process looks and tells; what is to be told, and tests, it finds in the registry.

    Needs the settings of that process, none of its secrets. Raises `ConfigurationError`.
    """
    rules = read_alert_rules(settings)

    def trial(receiver: str) -> None:
        if _said_by_who_looks(registry) is None:
            raise NotDelivered("the service that tells of alerts does not run, so nothing can be sent")
        ask(registry.values, receiver, answer_limit_s(rules.notification.timeout_s))

    def looking() -> Looking:
        return _as_last_heard(registry)

    return _desk(settings, registry, rules, trial, looking, lambda: None)


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
    said = _said_by_who_looks(registry)
    if said is None or said.get("looked_us") is None:
        return Looking(looked_us=registry.alerts.round_us())
    return Looking(looked_us=said["looked_us"], through_us=said.get("through_us"), trouble=str(said.get("trouble", "")))


def _said_by_who_looks(registry: Registry) -> Mapping[str, Any] | None:
    """The latest sign of the process that looks and tells; `None` where none speaks."""
    for beat in registry.heartbeats.latest(SERVICE):
        if beat.age_s < SILENT_S and beat.document.get("state") == _LOOKING:
            return beat.document
    return None
