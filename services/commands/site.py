"""Where the services of this site answer, and in which language the person reads."""

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from services.commands.local_parts import LocalParts
from shared.client.http_client import Patience, ServiceClient
from shared.client.send import IngestClient
from shared.errors import Unreachable
from shared.settings import Settings

LANGUAGES: Final = ("fr", "en")
_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where to reach who binds them
_AT_ONCE: Final = Patience(first_contact_s=0.0)


class Site:
    """The site that the environment describes; settings are read when first needed."""

    def __init__(self, local: LocalParts) -> None:
        self.local = local

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises `ConfigurationError`."""
        return self.local.settings()

    @property
    def ingest_url(self) -> str:
        """Where the gateways answer."""
        return self.settings.ingest_url or self._url(self.settings.ingest_port)

    @property
    def analytics_url(self) -> str:
        """Where pages and API answer."""
        return self._url(self.settings.port)

    def ingest(self) -> IngestClient:
        """A client of the gateways."""
        return IngestClient("the ingest service", self.ingest_url, key=self.settings.ingest_key)

    def analytics(self, *, at_once: bool = False) -> ServiceClient:
        """A client of the analytics service; `at_once` gives up on the first try when it does not run."""
        return ServiceClient("the analytics service", self.analytics_url, patience=_AT_ONCE if at_once else None)

    def ask_platform(self, path: str) -> Any:
        """The JSON that the running platform answers, `None` when it does not run. Raises `ParcoursError`."""
        try:
            with self.analytics(at_once=True) as analytics:
                return analytics.json("GET", path)
        except Unreachable:
            return None

    def _url(self, port: int) -> str:
        host = _ANY_ADDRESS.get(self.settings.host, self.settings.host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def language(environment: Mapping[str, str] | None = None) -> str:
    """`fr` or `en`, as the environment's locale says; English by default."""
    variables = os.environ if environment is None else environment
    locale = next((variables[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if variables.get(name)), "")
    return "fr" if locale.lower().startswith("fr") else "en"
