"""A backtest of this site's alerts over what its ClickHouse holds; it only reads."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from services.alerts.backtest import Backtest, Outcome, Replayed, joined
from services.alerts.calendar_clock import SLOT_US
from services.alerts.counts import SeriesTable
from services.alerts.counts_query import read_events, read_level, read_points, read_rejects, read_touches
from services.alerts.settings import AlertSettings
from services.wiring.alert_settings import site_alerts
from services.wiring.site_store import open_site_store
from shared.journey.instants import DAY_US, HOUR_US, to_us
from shared.settings import Settings
from shared.store.client import Store

Counted = Callable[[int, int], None]
"""Quarter hours done, of all."""
_TOLD_EVERY: Final = 96
_SPARE_WEEKS: Final = 2


def backtest_site(settings: Settings, first: date, last: date, file: Path | None, counted: Counted) -> Outcome:
    """What would have fired on these days, both included, by the clock of the alert settings. Raises `ParcoursError`."""
    alerts = site_alerts(settings.alerts) if file is None else site_alerts(file, "--settings")
    zone = ZoneInfo(alerts.time_zone)
    from_us = to_us(datetime(first.year, first.month, first.day, tzinfo=zone))
    end = last + timedelta(days=1)
    end_us = to_us(datetime(end.year, end.month, end.day, tzinfo=zone))
    store = open_site_store(settings)
    try:
        return backtest(store, alerts, from_us, end_us, counted)
    finally:
        store.close()


def backtest(store: Store, alerts: AlertSettings, from_us: int, end_us: int, counted: Counted) -> Outcome:
    """The rounds from one instant to another over the rows of a store. Raises `StoreError`."""
    limit, levels = alerts.rises.max_series, alerts.rises.territory_levels
    begin_us = from_us - (alerts.rises.weeks + _SPARE_WEEKS) * 7 * DAY_US
    table = SeriesTable(limit, levels)
    past = Replayed(
        table=table,
        points=read_points(store, alerts, begin_us, end_us, table),
        touches=read_touches(store, from_us - (alerts.rises.slow_h + 1) * HOUR_US, end_us),
        events=read_events(store, begin_us, end_us, limit),
        rejects=read_rejects(store, begin_us, end_us, limit),
        shares={each.name: read_level(store, each, from_us - DAY_US, end_us) for each in alerts.service_levels},
    )
    run = Backtest(alerts, past)
    total = -(-(end_us - from_us) // SLOT_US)
    for done, _ in enumerate(run.run(from_us, end_us), 1):
        if done % _TOLD_EVERY == 0 or done == total:
            counted(done, total)
    fired = joined(run.fired, alerts.policy.reopen_s + alerts.policy.resolve_after_s)
    return Outcome(fired=fired, rounds=run.rounds, series=len(table.series), left_out=table.left_out)
