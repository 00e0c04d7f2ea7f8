"""The gateways of a cluster: one process a channel, and casework, which also writes time, rule settings and control events."""

import threading
from contextlib import ExitStack
from types import ModuleType
from typing import Final, NamedTuple

from services.casework import app as casework
from services.channel_counter import app as channel_counter
from services.channel_phone import app as channel_phone
from services.channel_web import app as channel_web
from services.wiring.cluster.cluster_keys import open_cluster_keys
from services.wiring.cluster.parts import instance_name, when_it_answers
from services.wiring.cluster.published_rules import PublishedRulesInRegistry, read_published
from services.wiring.folder import DataFolder
from services.wiring.gateway import check_publishers, gateway_parts, guard_app
from services.wiring.http import serve
from services.wiring.listener import open_listener
from services.wiring.registry import open_registry
from services.wiring.signals import expose_lease
from shared.ingest.app import build_ingest_app
from shared.ingest.clock_duty import ClockDuty
from shared.ingest.gateway import Gateway
from shared.ingest.raw_topic import RawTopic
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.port import JOURNEY_EVENTS, REJECTED_EVENTS
from shared.registry.keeper import LeaseKeeper
from shared.registry.values import Values
from shared.settings import Settings

CLOCK_LEASE: Final = "journey-events clock"
"""Held by the one process that writes ticks and rule settings."""
_STOP_S: Final = 3.0


class Channel(NamedTuple):
    """A gateway of one channel: its name is that of its target and of its raw topic."""

    name: str
    channel: str
    routes: ModuleType


def run_channel_web(settings: Settings, stop: threading.Event) -> None:
    """Serve `/v1/web/events` and read the raw topic `channel-web` until `stop` is set. Raises `ParcoursError`."""
    _run_channel(Channel("channel-web", "web", channel_web), settings, stop)


def run_channel_phone(settings: Settings, stop: threading.Event) -> None:
    """Serve `/v1/phone/events` and read the raw topic `channel-phone` until `stop` is set. Raises `ParcoursError`."""
    _run_channel(Channel("channel-phone", "phone", channel_phone), settings, stop)


def run_channel_counter(settings: Settings, stop: threading.Event) -> None:
    """Serve `/v1/counter/events` and read the raw topic `channel-counter` until `stop` is set. Raises `ParcoursError`."""
    _run_channel(Channel("channel-counter", "counter", channel_counter), settings, stop)


def run_casework(settings: Settings, stop: threading.Event) -> None:
    """Serve `/v1/events` and the control routes; write the log's time while holding the lease. Raises `ParcoursError`."""
    with ExitStack() as stack:
        site = GatewaySite(settings, stack, stop)
        keeper = stack.enter_context(LeaseKeeper(site.registry.leases, CLOCK_LEASE, instance_name(settings)))
        expose_lease(keeper)
        gateway = site.gateway(RegistryClock(site.registry.values, site.events.log_id(), keeper))
        site.serve(gateway, casework, stop, control=True)


def _run_channel(channel: Channel, settings: Settings, stop: threading.Event) -> None:
    with ExitStack() as stack:
        site = GatewaySite(settings, stack, stop)
        gateway = site.gateway(RegistryClock(site.registry.values, site.events.log_id(), None))
        raw = RawTopic(
            settings.brokers,
            channel.name,
            channel.channel,
            gateway,
            stop.set,
            instance=instance_name(settings),
            session_ms=settings.group_session_ms,
        )
        raw.start()
        stack.callback(raw.stop, _STOP_S)
        site.serve(gateway, channel.routes, stop, control=False)
        if raw.failure is not None:
            raise raw.failure


class GatewaySite:
    """What a gateway process of a cluster opens, waiting for servers that only start; `stack` closes it."""

    def __init__(self, settings: Settings, stack: ExitStack, stop: threading.Event) -> None:
        check_publishers(settings)
        self._settings = settings
        self._listener = stack.enter_context(open_listener(settings.host, settings.ingest_port, "PARCOURS_INGEST_PORT"))
        self.registry = stack.enter_context(open_registry(settings))
        folder, values = DataFolder(settings.data), self.registry.values
        self._keys = when_it_answers(lambda: open_cluster_keys(folder, values), stop)
        self.events = when_it_answers(
            lambda: KafkaLogWriter(settings.brokers, JOURNEY_EVENTS, settings.partitions), stop
        )
        stack.callback(self.events.close)
        self._rejects = when_it_answers(lambda: KafkaLogWriter(settings.brokers, REJECTED_EVENTS), stop)
        stack.callback(self._rejects.close)
        reader = KafkaLogReader(settings.brokers, JOURNEY_EVENTS)
        stack.callback(reader.close)
        self._published = PublishedRulesInRegistry(self.registry.values, reader)

    def gateway(self, duty: ClockDuty) -> Gateway:
        """The gateway on Kafka. Nothing of it lies on this machine, so no free space is asked for."""
        return Gateway(
            gateway_parts(self._settings, self._keys, self.events, self._rejects, self._published, duty, None)
        )

    def serve(self, gateway: Gateway, routes: ModuleType, stop: threading.Event, *, control: bool) -> None:
        """Serve it until `stop` is set."""
        app = build_ingest_app(gateway, [routes.routes(gateway)], control=control)
        guard_app(app, self._settings, self._keys)
        serve(app, self._listener, stop)


class RegistryClock:
    """The duty of the log's clock by the registry's lease; a process that does not stand for it has no keeper."""

    def __init__(self, values: Values, log_id: str, keeper: LeaseKeeper | None) -> None:
        self._values = values
        self._log_id = log_id
        self._keeper = keeper

    def held(self) -> bool:
        return self._keeper is not None and self._keeper.held()

    def rules_are_published(self) -> bool:
        published = read_published(self._values)
        return published is not None and published.log_id == self._log_id
