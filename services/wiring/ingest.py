"""The ingest process: the gateways on one port, and the log they write."""

import threading
from contextlib import ExitStack
from functools import partial
from typing import Final

from services.casework import app as casework
from services.channel_counter import app as channel_counter
from services.channel_phone import app as channel_phone
from services.channel_web import app as channel_web
from services.wiring.folder import DataFolder
from services.wiring.http import serve
from services.wiring.listener import open_listener
from services.wiring.pruning import Pruning
from services.wiring.redetection import PlatformOnly, platform_token
from services.wiring.rules import site_rules
from services.wiring.site_keys import open_site_keys
from services.wiring.streams import EVENTS, EVENTS_CONSUMERS, INGEST_REJECTS, REJECTS_CONSUMERS
from shared.clock import now_ms, now_us
from shared.ingest.app import build_ingest_app
from shared.ingest.gateway import Gateway, GatewayParts
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.privacy.keys import Keys
from shared.privacy.pseudonyms import Pseudonymiser, normalise_subject
from shared.privacy.scrubbing import scrub
from shared.privacy.sealing import Sealer
from shared.settings import Settings

_MB: Final = 1_000_000
_CHANNELS: Final = (channel_web, channel_phone, channel_counter, casework)


def run_ingest(settings: Settings, stop: threading.Event) -> None:
    """Serve the gateways until `stop` is set. Raises `ParcoursError` when that cannot begin."""
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
        gateway = Gateway(_parts(settings, folder, keys, events, reader, rejects))
        app = build_ingest_app(gateway, [channel.routes(gateway) for channel in _CHANNELS])
        app.add_middleware(PlatformOnly, token=platform_token(keys))
        serve(app, listener, stop)


def _parts(
    settings: Settings,
    folder: DataFolder,
    keys: Keys,
    events: LocalLogWriter,
    reader: LocalLogReader,
    rejects: LocalLogWriter,
) -> GatewayParts:
    return GatewayParts(
        events_log=events,
        events_reader=reader,
        rejects_log=rejects,
        keys=Pseudonymiser(keys, events.partitions),
        normalise=partial(normalise_subject, phone_region=settings.phone_region),
        scrub=scrub,
        sealer=Sealer(keys.sealing),
        rules=site_rules(settings.rules),
        published_rules=folder.published_rules,
        data_folder=folder.root,
        min_free_bytes=settings.min_free_mb * _MB,
        linger_ms=settings.linger_ms,
        max_pending_bytes=settings.max_pending_mb * _MB,
        now_us=now_us,
    )
