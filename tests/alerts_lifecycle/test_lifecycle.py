"""An alert's life from round to round, with a clock that jumps, findings that come late, and rounds that are repeated."""

import pytest
from msgspec import structs

from services.alerts.actions import acknowledge, resolve
from services.alerts.extent import MAX_FINDINGS
from services.alerts.lifecycle import matter_since_us
from services.alerts.policy import Policy
from services.alerts.silences import Matcher, Silence
from services.alerts.steps import take
from shared.alerts.finding import Finding, Series
from tests.alerts_lifecycle.build import DAY, HOUR, MINUTE, T0, Life, finding, series

WEB = series()
PHONE = series("repeat_contact", "phone")


@pytest.fixture
def life() -> Life:
    """A life in which the form broke a minute ago."""
    life = Life()
    assert life.round(WEB) == ["fired"]
    return life


def silence(life: Life, minutes: int, **matcher: str) -> None:
    """A silence from now on."""
    until_us = life.now_us + minutes * MINUTE
    life.silences.append(
        Silence(id=f"s{len(life.silences)}", matcher=Matcher(**matcher), from_us=life.now_us, until_us=until_us)
    )


def test_what_lasts_is_told_once(life: Life) -> None:
    """An hour of the same finding: nothing more is told, and the figures are the latest."""
    for number in range(60):
        assert life.round(finding(WEB, life.now_us + MINUTE, observed=20.0 + number)) == []
    assert life.only.findings[0].observed == 79.0
    assert life.only.findings[0].since_us == T0 + MINUTE - 15 * MINUTE
    assert life.told() == ["fired"]


def test_it_ends_after_a_while_without_finding(life: Life) -> None:
    """Nine minutes are not enough, and a finding between begins anew; after ten it has ended."""
    assert life.quiet(9) == []
    assert life.round(WEB) == []
    assert life.quiet(9) == []
    assert life.quiet(1) == ["resolved"]
    assert (life.only.state, life.only.ending, life.only.resolved_us) == ("resolved", "ended", life.now_us)
    assert life.quiet(30) == []


def test_it_is_corrected_when_its_points_were_taken_back(life: Life) -> None:
    """At once, and it says so; only part of what was found last is not enough."""
    assert life.round(WEB, PHONE) == ["spread"]
    assert life.round(corrected=[WEB]) == []
    assert life.round(corrected=[WEB, PHONE]) == ["resolved"]
    assert life.only.ending == "corrected"


def test_what_ended_before_does_not_prevent_a_correction(life: Life) -> None:
    """The calls fell long ago by themselves; what was found last was taken back."""
    life.round(WEB, PHONE)
    life.round(WEB)
    assert life.round(corrected=[WEB]) == ["resolved"]


def test_what_comes_back_within_a_while_is_the_same_alert(life: Life) -> None:
    """An hour later it is reopened, and acknowledgements are gone; three hours later it is another alert of the same key."""
    life.keep(acknowledge(life.only, "Web team", life.now_us, life.policy))
    assert life.quiet(10) == ["resolved"]
    assert life.round(WEB, after_us=HOUR) == ["reopened"]
    assert (life.only.state, life.only.acknowledged_by, life.only.resolved_us) == ("firing", "", None)
    assert life.quiet(10) == ["resolved"]
    assert life.round(WEB, after_us=3 * HOUR) == ["fired"]
    first, second = life.alerts.values()
    assert first.key == second.key
    assert first.id != second.id
    assert life.told() == ["fired", "resolved", "reopened", "resolved", "fired"]


def test_it_becomes_graver_once(life: Life) -> None:
    """A higher severity is told; a lower one does not take it back, and does not tell again when it rises once more."""
    for severity, steps in (("critical", ["worsened"]), ("warning", []), ("critical", [])):
        assert life.round(finding(WEB, life.now_us + MINUTE, severity=severity)) == steps
        assert life.only.severity == "critical"


def test_it_spreads_once_into_each_place(life: Life) -> None:
    """What flickers in a place that is known already is not told again; a rule more in a known place is none either."""
    assert life.round(WEB, PHONE) == ["spread"]
    assert life.history[-1].transition.text == "housing phone"
    assert life.round(WEB) == []
    assert life.round(WEB, PHONE, series("status_chasing", "phone", "fr/75")) == []
    assert [each.series.rule for each in life.only.findings[:1]] == ["error_loop"]


def test_an_acknowledgement_runs_out(life: Life) -> None:
    """Until then nothing is repeated; then it fires again, told once."""
    life.keep(acknowledge(life.only, "Web team", life.now_us, life.policy, life.now_us + 5 * HOUR))
    assert [step for _ in range(4 * 60 + 50) for step in life.round(WEB)] == []
    assert [step for _ in range(15) for step in life.round(WEB)] == ["expired"]
    assert (life.only.state, life.only.acknowledged_by) == ("firing", "")


def test_what_nobody_takes_on_is_told_again(life: Life) -> None:
    """Every four hours while it fires."""
    steps = [step for _ in range(10 * 60) for step in life.round(WEB)]
    assert steps == ["repeated", "repeated"]


def test_by_hand_is_not_opened_again_by_what_lasts(life: Life) -> None:
    """The slow window still counts what was repaired: nothing is told for a day, then it is open again."""
    life.keep(resolve(life.only, "Web team", life.now_us))
    for _ in range(23):
        assert life.round(WEB, after_us=HOUR) == []
    assert life.round(WEB, after_us=HOUR) == ["reopened"]


@pytest.mark.parametrize("what", ["calm", "graver", "spread"])
def test_by_hand_is_opened_again_by_what_is_new(life: Life, what: str) -> None:
    """It came back after it was calm, became graver, or reached another channel."""
    life.keep(resolve(life.only, "Web team", life.now_us))
    assert life.round(WEB) == []
    if what == "calm":
        assert life.quiet(10) == []
    graver = finding(WEB, life.now_us + MINUTE, severity="critical")
    news: dict[str, list[Series | Finding]] = {"calm": [WEB], "graver": [graver], "spread": [WEB, PHONE]}
    assert life.round(*news[what]) == ["reopened"]


ASKED = series("status_chasing", "", service="", condition="threshold", name="asked anywhere")
ASKED_HERE = series("status_chasing", "", condition="threshold", name="asked here")
GIVEN_UP = series("queue_abandoned", "phone", condition="threshold", name="given up here")


@pytest.mark.parametrize(
    ("new", "step"), [((ASKED_HERE,), "reopened"), ((GIVEN_UP,), "fired"), ((ASKED_HERE, GIVEN_UP), "reopened")]
)
def test_by_hand_ends_only_what_was_found_then(new: tuple[Series, ...], step: str) -> None:
    """A threshold on all services was resolved; one service begins to burn within it. Resolved again, that lasts too."""
    life = Life()
    assert life.round(ASKED) == ["fired"]
    life.keep(resolve(life.only, "Web team", life.now_us))
    assert life.round(ASKED) == []
    assert life.round(ASKED, *new) == [step]
    assert life.told()[-1] == step
    for alert in life.open:
        life.keep(resolve(alert, "Web team", life.now_us))
    assert life.round(ASKED, *new) == []


def test_by_hand_is_opened_by_a_part_that_was_not_in_it(life: Life) -> None:
    """A town within the whole country, which had nothing of its own when it was resolved."""
    life.keep(resolve(life.only, "Web team", life.now_us))
    assert life.round(WEB, series(territory="fr/29")) == ["reopened"]


def test_by_hand_is_not_opened_by_what_is_found_late_of_the_time_before(life: Life) -> None:
    """Forms left while it lasted are known a day later; those left after the end are news."""
    life.round(WEB, after_us=HOUR)
    life.keep(resolve(life.only, "Web team", life.now_us))
    left = series("form_abandoned")
    assert [step for _ in range(8) for step in life.round(WEB, left, after_us=HOUR)] == []
    later = Life(structs.replace(life.policy, delays_s={"form_abandoned": 60}))
    later.round(WEB)
    later.keep(resolve(later.only, "Web team", later.now_us))
    assert later.round(WEB, left, after_us=HOUR) == ["reopened"]


def test_a_full_alert_that_was_resolved_by_hand_is_not_opened_by_what_it_may_have_had() -> None:
    """Of hundreds of towns it holds fifty: the others lasted when it was resolved, as far as anybody knows."""
    life = Life()
    towns = [series(territory=f"fr/{number}") for number in range(60)]
    life.round(*towns, finding(WEB, life.now_us + MINUTE, observed=5_000.0))
    life.keep(resolve(life.only, "Web team", life.now_us))
    assert len(life.only.findings) == MAX_FINDINGS
    assert life.round(*towns, finding(WEB, life.now_us + MINUTE, observed=5_000.0)) == []


def test_what_is_silenced_lives_on_unheard(life: Life) -> None:
    """It becomes quiet, ends its silence with a message, and its end is told to those who knew of it."""
    silence(life, 30, service="housing")
    assert life.round(WEB) == ["suppressed"]
    assert life.only.suppressed_by == "silence:s0"
    assert life.round(WEB, PHONE) == ["spread"]
    for _ in range(27):
        assert life.round(WEB) == []
    assert life.round(WEB) == ["unsuppressed"]
    assert life.told() == ["fired", "unsuppressed"]
    silence(life, 30, service="housing")
    assert life.quiet(10) == ["suppressed", "resolved"]
    assert life.told() == ["fired", "unsuppressed", "resolved"]


def test_who_was_told_is_told_that_it_becomes_quiet(life: Life) -> None:
    """Receivers that show what is open can take it away; of what was never told nothing is said."""
    silence(life, 5, service="housing")
    life.round(WEB)
    assert [taken.told for taken in life.history] == [True, True]
    other = Life()
    silence(other, 5, service="housing")
    other.round(WEB)
    assert [taken.told for taken in other.history] == [False, False]


def test_what_begins_in_silence_is_never_told_if_it_ends_in_it() -> None:
    """It is on the page, with its silence, and in the history; nobody is called."""
    life = Life()
    silence(life, 600, channel="web")
    assert life.round(WEB) == ["fired", "suppressed"]
    assert life.quiet(10) == ["resolved"]
    assert life.round(WEB) == ["reopened", "suppressed"]
    assert life.quiet(10) == ["resolved"]
    assert life.told() == []


def test_what_spills_out_of_a_silence_is_told() -> None:
    """A silence of the web hides the form, until it reaches the telephone."""
    life = Life()
    silence(life, 600, channel="web")
    assert life.round(WEB) == ["fired", "suppressed"]
    assert life.round(WEB, PHONE) == ["unsuppressed", "spread"]
    assert life.told() == ["unsuppressed"]


def test_the_silence_that_hides_may_change(life: Life) -> None:
    """One silence follows another: nothing is told, and the alert names the present one."""
    silence(life, 5, channel="web")
    life.round(WEB)
    silence(life, 60, service="housing")
    life.silences[0] = structs.replace(life.silences[0], until_us=life.now_us)
    assert life.round(WEB) == []
    assert life.only.suppressed_by == "silence:s1"


def test_the_same_round_again_changes_nothing(life: Life) -> None:
    """Repeated rounds, of findings, of silence, at the end and after it."""
    found = [finding(WEB, life.now_us + MINUTE), finding(PHONE, life.now_us + MINUTE)]
    life.now_us += MINUTE
    life.at(found)
    before = dict(life.alerts)
    for _ in range(3):
        assert life.at(found) == []
        assert life.alerts == before
    life.quiet(9)
    for _ in range(30):
        assert life.at([]) == []
    assert life.round() == ["resolved"]
    assert life.at([]) == []


def test_a_clock_that_jumps_ahead_ends_nothing(life: Life) -> None:
    """A night without rounds is no evidence: the wait begins with the first round after it, five minutes at most at once."""
    assert life.round(after_us=30 * DAY) == []
    assert life.quiet(4) == []
    assert life.quiet(1) == ["resolved"]


def test_a_clock_that_is_put_back_loses_nothing(life: Life) -> None:
    """What lasts goes on, what ends ends after its wait by the new clock, what comes back comes back, at once."""
    assert life.round(WEB, after_us=-3 * HOUR) == []
    assert life.only.findings[0].to_us == life.now_us
    assert life.quiet(9) == []
    assert life.quiet(1) == ["resolved"]
    assert life.round(WEB, after_us=-1 * DAY) == ["reopened"]
    steps = [step for _ in range(4 * 60 + 1) for step in life.round(WEB)]
    assert steps == ["repeated"]


def test_a_clock_that_is_put_back_while_it_fires_still_reminds(life: Life) -> None:
    """The last message seems to lie in the future: the interval begins anew."""
    life.round(WEB, after_us=-10 * DAY)
    assert [step for _ in range(4 * 60) for step in life.round(WEB)] == ["repeated"]


def test_a_clock_that_is_put_back_takes_nothing_from_a_wait(life: Life) -> None:
    """Five minutes of quiet before and five after it are ten."""
    assert life.quiet(5) == []
    assert life.round(after_us=-3 * HOUR) == []
    assert life.quiet(4) == []
    assert life.quiet(1) == ["resolved"]


def test_what_was_last_found_by_the_earlier_clock_comes_back(life: Life) -> None:
    """Calls were found before the clock was put back, and not since; when they rise after the end, they are news."""
    life.round(WEB, PHONE)
    life.round(WEB, after_us=-3 * HOUR)
    assert life.quiet(10) == ["resolved"]
    assert life.round(PHONE, after_us=10 * MINUTE) == ["reopened"]


def test_a_late_finding_does_not_open_what_is_over(life: Life) -> None:
    """A finding of a window that was known when it ended says nothing new; a later one does."""
    known = life.only.findings[0]
    life.quiet(10)
    assert life.round(known) == []
    assert life.round(structs.replace(known, to_us=known.to_us - HOUR)) == []
    assert life.round(structs.replace(known, to_us=known.to_us + 1)) == ["reopened"]


def test_a_late_finding_does_not_replace_what_is_known(life: Life) -> None:
    """The figures of an open alert are those of the latest window."""
    assert life.round(finding(WEB, T0 - HOUR, observed=99.0)) == []
    assert life.only.findings[0].observed == 20.0


def test_two_windows_of_one_series_are_one_finding() -> None:
    """The gravest is kept, of equals the fast one."""
    life = Life()
    slow = finding(WEB, T0, observed=90.0, window="slow")
    fast = finding(WEB, T0, observed=30.0)
    assert life.at([slow, fast]) == ["fired"]
    assert life.only.findings == (fast,)
    assert life.at([structs.replace(slow, severity="critical"), fast]) == ["worsened"]
    assert life.only.findings[0].window == "slow"


def test_two_lives_of_one_cause_are_never_open_at_once() -> None:
    """After a clock was put back, an earlier alert of the same cause stays resolved while the later one is open."""
    life = Life()
    life.round(WEB, PHONE)
    life.quiet(10)
    life.round(WEB, after_us=4 * HOUR)
    assert [alert.state for alert in life.alerts.values()] == ["resolved", "firing"]
    life.round(WEB, after_us=-3 * HOUR)
    life.round(PHONE, WEB)
    assert len({alert.key for alert in life.open}) == len(life.open)


def test_figures_that_are_no_numbers_are_refused() -> None:
    """They could not be read again."""
    with pytest.raises(ValueError, match="not finite"):
        Life().round(finding(WEB, observed=float("nan")))


def test_a_step_that_is_not_allowed_is_refused(life: Life) -> None:
    """What is open cannot be reopened."""
    with pytest.raises(ValueError, match="does not follow"):
        take(life.only, "reopened", life.now_us)


def test_resolved_alerts_matter_as_long_as_they_may_come_back() -> None:
    """The longest of all waits, and what rules find late."""
    assert T0 - matter_since_us(T0, Policy()) == 2 * DAY
    long = Policy(by_hand_s=604_800)
    assert T0 - matter_since_us(T0, long) == 7 * DAY + 2 * HOUR
    assert T0 - matter_since_us(T0, Policy(delays_s={}, by_hand_s=0, reopen_s=0)) == DAY
