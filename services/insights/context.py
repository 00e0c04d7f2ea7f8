"""What every route shares, made once by `build_app`: no globals."""

from typing import Final

from starlette.requests import Request

from services.insights.figures.improvements_memory import Effects
from services.insights.language import Language, load_languages, negotiate
from services.insights.ports import (
    AlertDesk,
    Clock,
    Doctor,
    Loading,
    Migrations,
    ReadinessChecks,
    Records,
    Redetections,
    RulesInForce,
    Simulations,
    Store,
)
from shared.settings import Settings


class Context:
    """The ports insights works with, its settings, and its languages."""

    def __init__(
        self,
        *,
        store: Store,
        rules: RulesInForce,
        loading: Loading,
        doctor: Doctor,
        migrations: Migrations,
        redetections: Redetections,
        settings: Settings,
        clock: Clock,
        version: str,
        checks: ReadinessChecks,
        records: Records,
        opening_key: bytes,
        simulations: Simulations | None,
        alerts: AlertDesk | None,
    ) -> None:
        self.store: Final = store
        self.rules: Final = rules
        self.loading: Final = loading
        self.doctor: Final = doctor
        self.migrations: Final = migrations
        self.redetections: Final = redetections
        self.settings: Final = settings
        self.clock: Final = clock
        self.version: Final = version
        self.checks: Final = checks
        self.records: Final = records
        self.opening_key: Final = opening_key
        self.simulations: Final = simulations
        self.alerts: Final = alerts
        self.effects: Final = Effects()
        self.languages: Final = load_languages()

    def language(self, request: Request) -> Language:
        """The language to answer in: `?lang=`, else the browser's, else English."""
        code = negotiate(request.query_params.get("lang"), request.headers.get("accept-language", ""))
        return self.languages[code]
