"""What every gateway process is made of, on one machine and on a cluster."""

import ipaddress
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from services.wiring.redetection import PLATFORM_ROUTES, PlatformOnly, platform_token
from services.wiring.rules import site_rules
from shared.clock import now_us
from shared.errors import ConfigurationError
from shared.ingest.clock_duty import ClockDuty
from shared.ingest.control import OwnLog
from shared.ingest.gateway import GatewayParts
from shared.ingest.published_rules import PublishedRulesMemory
from shared.ingest.publisher_key import PublisherKey, check_key
from shared.log.port import LogWriter
from shared.privacy.keys import Keys
from shared.privacy.pseudonyms import Pseudonymiser, normalise_subject
from shared.privacy.scrubbing import scrub
from shared.privacy.sealing import Sealer
from shared.settings import Settings

_MB: Final = 1_000_000


def gateway_parts(
    settings: Settings,
    keys: Keys,
    events: OwnLog,
    rejects: LogWriter,
    published: PublishedRulesMemory,
    duty: ClockDuty,
    space: Path | None,
) -> GatewayParts:
    """The parts. `space` is the folder whose file system must have room; `None` where the log lies elsewhere."""
    return GatewayParts(
        events_log=events,
        rejects_log=rejects,
        keys=Pseudonymiser(keys),
        normalise=partial(normalise_subject, phone_region=settings.phone_region),
        scrub=scrub,
        sealer=Sealer(keys.sealing),
        rules=site_rules(settings.rules),
        published_rules=published,
        data_folder=space or settings.data,
        min_free_bytes=settings.min_free_mb * _MB if space else 0,
        linger_ms=settings.linger_ms,
        max_pending_bytes=settings.max_pending_mb * _MB,
        now_us=now_us,
        duty=duty,
    )


def guard_app(app: FastAPI, settings: Settings, keys: Keys) -> None:
    """Let in who shows the publishers' key, if there is one; to the routes of a redetection only the platform itself."""
    app.add_middleware(PlatformOnly, token=platform_token(keys))
    app.add_middleware(PublisherKey, key=settings.ingest_key, guarded_otherwise=(PLATFORM_ROUTES,))


def check_publishers(settings: Settings) -> None:
    """Raise `ConfigurationError` when gateways would stand open to other machines without asking for a key."""
    if settings.ingest_key:
        check_key(settings.ingest_key)
    elif not _is_loopback(settings.host):
        raise ConfigurationError(
            f"PARCOURS_HOST={settings.host} opens the gateways to other machines: set PARCOURS_INGEST_KEY, at least 32 "
            f"characters that publishers show as a bearer key (`openssl rand -hex 32` makes one)"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
