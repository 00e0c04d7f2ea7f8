"""From points in the log to alerts in the registry: once, in event time, whatever comes late, twice, or is taken back."""

import msgspec
import pytest

from services.alerts.engine_state import EngineState, read_state, write_state
from services.alerts.judging_rises import Alerted
from services.alerts.settings import parse_alerts
from shared.alerts.finding import Series
from shared.errors import LogMismatch
from shared.journey.control import ImportFinished, ImportStarted
from shared.journey.instants import DAY_US, HOUR_US, SECOND_US
from shared.log.port import Kind
from tests.alerts_engine.site import MINUTE_US, TEXT, Site
from tests.alerts_lifecycle.rows import row, write


def test_points_become_one_alert_and_it_ends(site: Site) -> None:
    """Twenty people fail in a form that never failed: one alert, told once; when it is over, one end."""
    site.turn()
    assert site.open() == []
    site.broken(20)
    site.turn(tick=False)
    (alert,) = site.open()
    series = alert.findings[0].series
    assert (series.condition, series.rule, series.service) == ("rise", "error_loop", "housing")
    assert alert.findings[0].citizens == 20
    site.turns(5)
    assert site.steps() == ["fired"]
    for _ in range(25):
        site.turn(60)
    site.turns(12)
    assert site.open() == []
    assert site.steps()[0] == "fired"
    assert site.steps()[-1] == "resolved"
    assert site.steps().count("fired") == site.steps().count("resolved") == 1


def test_too_few_are_no_alert(site: Site) -> None:
    """Four people are no rise, whatever is usual."""
    site.broken(4)
    site.turns(3)
    assert site.open() == []


def test_one_person_a_hundred_times_is_one(site: Site) -> None:
    """A journey counts once a quarter hour."""
    site.broken(100, journey="the same")
    site.turns(3)
    assert site.open() == []


def test_a_round_follows_points_at_once_and_else_a_minute(site: Site) -> None:
    """New points are judged a quarter of a second later; without any the next round is a minute away."""
    site.turn()
    rounds = site.engine.status().rounds
    for _ in range(20):
        site.monotonic_us += SECOND_US // 2
        site.engine.step()
    assert site.engine.status().rounds == rounds
    site.broken(1)
    site.monotonic_us += SECOND_US // 2
    while site.engine.step():
        pass
    assert site.engine.status().rounds == rounds + 1


def test_a_log_that_is_never_at_rest_is_judged(site: Site) -> None:
    """Events come between any two looks, as under load: points are judged as soon as without."""
    site.turn()
    site.broken(20)
    for _ in range(3):
        site.monotonic_us += SECOND_US // 2
        site.logs.append(Kind.EVENTS, [site.event(site.now_us)])
        assert site.engine.step()
    assert len(site.open()) == 1


def test_a_past_that_was_missed_is_read_through_before_it_is_judged(site: Site) -> None:
    """The engine was away for an hour: it judges nothing before it has read what there is."""
    site.turn()
    rounds = site.engine.status().rounds
    for _ in range(60):
        site.now_us += MINUTE_US
        site.broken(1)
    site.now_us += HOUR_US
    site.monotonic_us += 2 * HOUR_US
    assert site.engine.step()
    assert site.engine.status().rounds == rounds
    while site.engine.step():
        pass
    assert site.engine.status().rounds == rounds + 1


def test_what_is_taken_back_was_corrected(site: Site) -> None:
    """All points are retracted: the alert is over at once, and says that it was corrected."""
    points = site.broken(20)
    site.turn()
    assert len(site.open()) == 1
    site.turns(3)
    site.take_back(points)
    site.turn()
    assert site.open() == []
    (alert,) = site.keeping.resolved(0)
    assert alert.ending == "corrected"
    assert site.steps() == ["fired", "resolved"]


def test_a_retraction_that_comes_again_takes_nothing_more(site: Site) -> None:
    """One of twenty is taken back, and that is written three times: nineteen are left."""
    points = site.broken(20)
    for _ in range(3):
        site.take_back(points[:1])
    site.turn()
    (alert,) = site.open()
    assert alert.findings[0].citizens == 19


def test_records_that_come_twice_count_once(site: Site) -> None:
    """Four journeys written fifty times are four journeys."""
    points = [site.point(site.now_us) for _ in range(4)]
    for _ in range(50):
        site.say(points)
    site.turns(2)
    assert site.open() == []


def test_points_that_come_late_count_where_they_belong(site: Site) -> None:
    """Of ten minutes ago they are in the fast window; of yesterday's morning in none."""
    site.say([site.point(site.now_us - 26 * HOUR_US) for _ in range(30)])
    site.turns(2)
    assert site.open() == []
    site.say([site.point(site.now_us - 10 * MINUTE_US) for _ in range(20)])
    site.turn()
    assert len(site.open()) == 1


@pytest.mark.parametrize("source", ["/import/kansas", "/old-system"])
def test_an_import_alerts_nothing(site: Site, source: str) -> None:
    """Neither while it runs nor after it, though it brings the last minutes; what comes live after its end counts."""
    site.turn()
    site.control(ImportStarted(source))
    site.broken(50, source=source)
    site.turns(2)
    site.control(ImportFinished(source))
    site.turn()
    site.say([site.point(site.now_us - 2 * MINUTE_US, source=source) for _ in range(50)])
    site.turns(2)
    assert site.open() == []
    site.broken(20, source="/web")
    site.turn()
    assert len(site.open()) == 1


def test_a_source_that_was_imported_counts_when_it_is_live(site: Site) -> None:
    """Its points after the end of the import alert as others do, also after a restart in between."""
    site.turn()
    site.control(ImportStarted("/crm"))
    site.broken(50, source="/crm")
    site.turn(1)
    site.control(ImportFinished("/crm"))
    site.turn(1)
    site.load()
    site.start()
    site.turn(1)
    assert site.open() == []
    site.now_us += MINUTE_US
    site.broken(20, source="/crm")
    site.turn()
    assert len(site.open()) == 1


def test_an_import_is_known_of_before_its_points_are_seen(site: Site) -> None:
    """The announcement and the points lie in two streams: the points wait for it."""
    site.turn()
    site.control(ImportStarted("/crm"))
    offset = max(site.logs.writers["journey-events.ingest"].ends().values()) - 1
    site.say([site.point(site.now_us, source="/crm", offset=offset) for _ in range(50)])
    site.turn()
    assert site.open() == []


@pytest.mark.parametrize("loaded", [True, False])
def test_a_restart_forgets_and_repeats_nothing(site: Site, *, loaded: bool) -> None:
    """Half of the points before it, half after: neither half is enough. What is loaded counts once, and what is not yet."""
    site.turn()
    site.broken(4)
    site.turn()
    if loaded:
        site.load()
    assert site.open() == []
    site.start()
    site.broken(4)
    site.turn()
    (alert,) = site.open()
    assert alert.findings[0].citizens == 8
    site.load()
    for _ in range(3):
        site.start()
        site.turn()
    assert [each.id for each in site.open()] == [alert.id]
    assert site.open()[0].findings[0].citizens == 8
    assert site.steps() == ["fired"]


def test_a_clock_that_jumps_ahead_ends_nothing_and_tells_nothing_twice(site: Site) -> None:
    """The clock is three hours ahead for a minute, and then right again."""
    site.broken(20)
    site.turn()
    site.now_us += 3 * HOUR_US
    site.turn()
    site.now_us -= 3 * HOUR_US
    site.turn()
    site.turns(3)
    assert len(site.open()) == 1
    assert site.steps() == ["fired"]


def test_a_clock_that_is_put_back_loses_nothing(site: Site) -> None:
    """An hour back: rounds go on, and new trouble is found."""
    site.turn()
    site.now_us -= HOUR_US
    site.turn()
    site.broken(20)
    site.turn()
    assert len(site.open()) == 1


def test_points_of_a_clock_that_is_wrong_are_not_kept(site: Site) -> None:
    """A point of next year is in no window, and takes no room."""
    site.say([site.point(site.now_us + 300 * DAY_US) for _ in range(20)])
    site.turns(2)
    assert site.open() == []
    assert site.engine.status().rows == 0


def test_time_is_that_of_detection(site: Site) -> None:
    """Detection is half an hour behind: what it finds then is judged in its own time, and the delay is told."""
    site.turn()
    site.now_us += 30 * MINUTE_US
    site.monotonic_us += 30 * MINUTE_US
    site.tick(detected=False)
    site.logs.append(Kind.POINTS, [site.point(site.now_us - 30 * MINUTE_US) for _ in range(20)])
    while site.engine.step():
        pass
    assert sorted(alert.findings[0].series.condition for alert in site.open()) == ["lag", "rise"]
    lag = next(alert.findings[0] for alert in site.open() if alert.findings[0].series.condition == "lag")
    assert (lag.series.name, lag.severity, round(lag.observed)) == ("frictions", "critical", 1800)


def test_gateways_that_fall_silent_are_told(site: Site) -> None:
    """No tick for ten minutes: the log is late, and nothing else is said."""
    site.turn()
    site.turn(10, tick=False)
    (alert,) = site.open()
    assert (alert.findings[0].series.condition, alert.findings[0].series.name) == ("lag", "journey-events")


def test_refused_events_are_told_once_by_their_source(site: Site) -> None:
    """A publisher sends forty wrong events: one alert, which names it; those of an import give none."""
    site.turn()
    site.refuse(40, "/import/kansas")
    site.turns(2)
    assert site.open() == []
    site.refuse(40, "/web")
    site.turn(0.1)
    site.turns(1)
    (alert,) = site.open()
    assert (alert.findings[0].series.condition, alert.findings[0].series.name) == ("rejects", "/web")


def test_a_service_that_is_new_is_not_compared(site: Site) -> None:
    """Nobody knows what is usual in a service that begins today; a threshold needs no past."""
    site.broken(30, service="new")
    site.turns(2)
    assert site.open() == []
    assert site.engine.status().unknown > 0


def test_a_threshold_needs_no_past(tmp_path_factory: pytest.TempPathFactory, site: Site) -> None:
    """Ten journeys within an hour, said by the site."""
    threshold = '[[threshold]]\nname = "ten"\nservice = "new"\nat_least = 10\n'
    site.settings = parse_alerts(threshold + TEXT, "alerts.toml")
    site.start()
    site.broken(10, service="new")
    site.turn()
    (alert,) = site.open()
    assert alert.findings[0].series.name == "ten"


def test_a_threshold_counts_series_at_once_that_were_met_just_now(site: Site) -> None:
    """Two kinds of trouble that were never met before begin within a second: both count, though their rises are judged later."""
    threshold = '[[threshold]]\nname = "ten"\nservice = "new"\nat_least = 10\n'
    site.settings = parse_alerts(threshold + TEXT, "alerts.toml")
    site.start()
    for rule in ("error_loop", "repeated_click"):
        site.broken(5, service="new", rule=rule)
        site.monotonic_us += SECOND_US // 2
        while site.engine.step():
            pass
    (alert,) = site.open()
    assert alert.findings[0].observed == 10


def test_the_past_is_read_again_every_hour(site: Site) -> None:
    """What is loaded meanwhile belongs to the past then; what is counted of the present stays."""
    site.turn()
    points = [site.point(site.now_us - week * 7 * DAY_US) for week in range(1, 9) for _ in range(20)]
    site.say(points)
    site.load()
    for _ in range(62):
        site.turn(1)
    site.say([site.point(site.now_us) for _ in range(8)])
    site.turn()
    assert site.open() == []


def test_a_log_that_was_pruned_is_begun_again_from_what_is_loaded(site: Site) -> None:
    """The engine was away for longer than the log is kept: it goes on from ClickHouse, and looks."""
    site.broken(3)
    site.turn()
    engine = site.start()
    for _ in range(5):
        site.tick()
    site.broken(10)
    site.load()
    for stream, writer in site.logs.writers.items():
        writer.prune(2**62, {0: site.loaded().get(stream, 0)}, 10_000)
    with pytest.raises(LogMismatch, match="pruned"):
        site.turn()
    engine.run(_Once())
    site.turn()
    assert len(site.open()) == 1


class _Once:
    """Ends a loop after a few turns."""

    def __init__(self) -> None:
        self.left = 6

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0

    def wait(self, timeout: float) -> bool:
        return self.is_set()


def test_state_is_small_and_what_it_holds_is_bounded(site: Site) -> None:
    """A thousand points do not make it larger: it holds where to read on, not the counts."""
    site.broken(1_000)
    site.turns(2)
    state = site.keeping.begin(site.now_us).state
    assert 100 < len(state) < 20_000
    assert msgspec.json.decode(state)["version"] == 1


def test_more_old_alerts_than_are_forgotten_at_once_are_forgotten_with_the_next_rounds(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: what a busy site leaves does not grow for ever."""
    for module in ("services.alerts.engine", "shared.registry.alerts"):
        monkeypatch.setattr(f"{module}.MAX_FORGOTTEN", 2)
    old = [row(name, state="resolved", resolved_us=1) for name in "abcde"]
    site.registry.alerts.commit_round(write(0, *old, receivers=()))
    site.turns(4)
    assert site.registry.alerts.held(0).alerts == []


def test_spans_that_alerted_are_bounded_while_it_runs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are when they are kept: series that come and go for months fill no memory."""
    monkeypatch.setattr("services.alerts.rounds.MAX_ALERTED", 2)
    spans = [Alerted(Series("rise", "error_loop"), site.now_us, site.now_us + number) for number in range(5)]
    site.registry.alerts.commit_round(write(0, state=write_state(EngineState(alerted=tuple(spans)))))
    site.turn()
    assert read_state(site.keeping.begin(site.now_us).state).alerted == tuple(spans[-2:])
