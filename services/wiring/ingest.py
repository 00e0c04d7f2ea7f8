"""The ingest process: the gateways on one port, and the log they write."""

import threading
from contextlib import ExitStack
from typing import Final

from services.casework import app as casework
from services.channel_counter import app as channel_counter
from services.channel_phone import app as channel_phone
from services.channel_web import app as channel_web
from services.wiring.folder import DataFolder
from services.wiring.gateway import check_publishers, gateway_parts, guard_app
from services.wiring.http import serve
from services.wiring.listener import open_listener
from services.wiring.pruning import Pruning
from services.wiring.site_keys import open_site_keys
from services.wiring.streams import EVENTS, EVENTS_CONSUMERS, INGEST_REJECTS, REJECTS_CONSUMERS
from shared.clock import now_ms
from shared.ingest.app import build_ingest_app
from shared.ingest.clock_duty import AlwaysOnDuty
from shared.ingest.gateway import Gateway
from shared.ingest.published_rules import PublishedRulesFile
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.settings import Settings

_CHANNELS: Final = (channel_web, channel_phone, channel_counter, casework)


def run_ingest(settings: Settings, stop: threading.Event) -> None:
    """Serve the gateways until `stop` is set. Raises `ParcoursError` when that cannot begin."""
    check_publishers(settings)
    folder = DataFolder(settings.data)
    folder.create()
    with ExitStack() as stack:
        stack.enter_context(folder.hold_service("ingest"))
        listener = stack.enter_context(open_listener(settings.host, settings.ingest_port, "PARCOURS_INGEST_PORT"))
        keys = open_site_keys(folder)
        events = LocalLogWriter(folder.stream(EVENTS), EVENTS, settings.partitions)
        rejects = LocalLogWriter(folder.stream(INGEST_REJECTS), INGEST_REJECTS)
        reader = LocalLogReader(folder.stream(EVENTS), EVENTS)
        stack.callback(reader.close)
        pruning = Pruning(folder.positions, now_ms, stop)
        pruning.add(events, settings.log_retention_days, EVENTS_CONSUMERS)
        pruning.add(rejects, settings.rejected_retention_days, REJECTS_CONSUMERS)
        pruning.start()
        published = PublishedRulesFile(folder.published_rules, reader)
        gateway = Gateway(gateway_parts(settings, keys, events, rejects, published, AlwaysOnDuty(), folder.root))
        app = build_ingest_app(gateway, [channel.routes(gateway) for channel in _CHANNELS])
        guard_app(app, settings, keys)
        serve(app, listener, stop)
