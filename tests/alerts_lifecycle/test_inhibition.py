"""Which alert keeps which other quiet."""

from collections.abc import Sequence

import pytest

from shared.alerts.finding import Series
from tests.alerts_lifecycle.build import DAY, HOUR, MINUTE, Life, finding, series

LAG = series("", "", condition="lag", service="", name="frictions")
COUNTER_SILENT = series("", "counter", "fr/75", condition="silence")
ANSWERED = series("", "counter", "fr/75", condition="service_level", name="answered")


def quiet(found: Sequence[Series]) -> set[str]:
    """The conditions of the alerts that are kept quiet when these findings come, one a minute."""
    life = Life()
    for number in range(len(found)):
        life.round(*found[: number + 1])
    return {alert.findings[0].series.condition for alert in life.open if alert.suppressed_by.startswith("alert:")}


@pytest.mark.parametrize(
    ("found", "kept_quiet"),
    [
        ([LAG, COUNTER_SILENT], {"silence"}),
        ([COUNTER_SILENT, LAG], {"silence"}),
        ([LAG, ANSWERED], {"service_level"}),
        ([LAG, series()], set()),
        ([COUNTER_SILENT, ANSWERED], {"service_level"}),
        ([COUNTER_SILENT, series("", "counter", "fr/29", condition="service_level")], set()),
        ([series("", "counter", condition="rejects", name="/c"), COUNTER_SILENT], {"silence"}),
        ([series("", "phone", condition="rejects", name="/c"), COUNTER_SILENT], set()),
        ([series("", "", condition="rejects", service="", name="/c"), COUNTER_SILENT], set()),
        ([LAG, COUNTER_SILENT, ANSWERED], {"silence", "service_level"}),
    ],
)  # fmt: skip
def test_what_another_alert_accounts_for_is_kept_quiet(found: Sequence[Series], kept_quiet: set[str]) -> None:
    """Lag keeps silences and shares quiet, refused events the silence of their place, a silent channel its shares."""
    assert quiet(found) == kept_quiet


def test_it_is_told_when_the_other_is_over() -> None:
    """The silence that was no lag is told once the lag has ended."""
    life = Life()
    assert life.round(LAG, COUNTER_SILENT) == ["fired", "fired", "suppressed"]
    steps = [step for _ in range(11) for step in life.round(COUNTER_SILENT)]
    assert steps == ["resolved", "unsuppressed"]


def test_forms_left_yesterday_are_no_new_alert() -> None:
    """`form_abandoned` comes a day after its cause: on the page, quiet, since the broken form was told; a new one is told."""
    life = Life()
    life.round(series())
    for _ in range(60):
        life.round(series())
    life.quiet(20)
    life.now_us += DAY - 90 * MINUTE
    assert life.round(series("form_abandoned")) == ["fired", "suppressed"]
    assert life.open[0].suppressed_by == f"alert:{next(iter(life.alerts))}"
    later = Life()
    later.round(series())
    later.quiet(20)
    later.now_us += DAY + 6 * HOUR
    assert later.round(series("form_abandoned")) == ["fired"]


def test_what_is_more_than_an_echo_is_told() -> None:
    """Yesterday's broken form explains forms left, not calls that rise today, nor another service's forms."""
    life = Life()
    life.round(series())
    life.quiet(20)
    life.now_us += DAY - 20 * MINUTE
    assert life.round(series("form_abandoned"), series("repeat_contact", "phone")) == ["fired"]
    assert life.round(series("form_abandoned", service="taxes")) == ["fired"]


def test_forms_left_day_after_day_are_told_each_day() -> None:
    """Yesterday's alert was about forms left the day before: it explains nothing of today's."""
    life = Life()
    life.round(series("form_abandoned"))
    life.quiet(20)
    life.now_us += DAY - 20 * MINUTE
    assert life.round(series("form_abandoned")) == ["fired"]


def test_what_was_told_first_is_no_echo_of_what_came_later() -> None:
    """Forms left in Paris were told; errors everywhere that the slow window finds hours later do not make them quiet."""
    left = series("form_abandoned", "web", "fr/75")
    life = Life()
    life.round(left)
    life.now_us += 2 * HOUR
    wide = finding(series(), life.now_us + MINUTE, window="slow", since_us=life.now_us - DAY)
    assert life.round(left, wide) == ["fired"]
    assert [alert.suppressed_by for alert in life.open] == ["", ""]
