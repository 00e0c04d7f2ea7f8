"""Times of a file."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.importer.times import TimeTextError, check_format, time_parser
from shared.journey.instants import to_us

CHICAGO = ZoneInfo("America/Chicago")
PARIS = ZoneInfo("Europe/Paris")
LOCAL = "%Y-%m-%d %H:%M"


def us(text: str) -> int:
    """The instant of an ISO text with an offset."""
    return to_us(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-10-11T13:45:40.276+02:00", "2011-10-11T13:45:40.276000+02:00"),
        ("2011-10-11 13:45:40.276000+02:00", "2011-10-11T13:45:40.276000+02:00"),
        ("2011-10-11 13:45:40.123456789Z", "2011-10-11T13:45:40.123456+00:00"),
        ("2011-10-11 13:45:40.1+0200", "2011-10-11T13:45:40.100000+02:00"),
        ("2011-10-11t13:45:40z", "2011-10-11T13:45:40+00:00"),
        ("2011-10-11 13:45:40 +02", "2011-10-11T13:45:40+02:00"),
        ("2011-10-11 13:45", "2011-10-11T13:45:00+02:00"),
        ("2011-10-11", "2011-10-11T00:00:00+02:00"),
        ("2011-12-11T13:45:40,5", "2011-12-11T13:45:40.500000+01:00"),
    ],
)
def test_iso_8601(text: str, expected: str):
    """ISO 8601 with T or a blank and any number of decimals; without an offset it is local."""
    moment = time_parser(None, PARIS)(text)
    assert moment.text == expected
    assert moment.instant_us == us(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2011-13-01T00:00:00Z",
        "2011-02-30",
        "2011-10-11X13:45",
        "2011-10-11T25:00:00Z",
        "2011-10-11T13:45:40.Z",
        "20111011",
        "2011-10-11T13:45:40+02:00:30",
        "٢٠١١-10-11",
        "0001-01-01T00:00:00+14:00",
        "2011-10-11T13:45:40." + "1" * 100,
    ],
)
def test_what_is_no_time_is_refused(text: str):
    """Anything else is an error, never a guess."""
    with pytest.raises(TimeTextError):
        time_parser(None, PARIS)(text)


def test_a_local_time_needs_a_zone():
    """Without an offset and without a zone there is no instant."""
    with pytest.raises(TimeTextError, match="timezone"):
        time_parser(None, None)("2011-10-11 13:45")


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        pytest.param(CHICAGO, "2010-11-07 01:30", "2010-11-07T01:30:00-05:00", id="twice-is-the-first"),
        pytest.param(CHICAGO, "2010-11-07 02:00", "2010-11-07T02:00:00-06:00", id="after-the-hour-that-comes-twice"),
        pytest.param(CHICAGO, "2010-03-14 02:30", "2010-03-14T02:30:00-06:00", id="skipped-takes-the-offset-before"),
        pytest.param(CHICAGO, "2010-03-14 03:00", "2010-03-14T03:00:00-05:00", id="after-the-skipped-hour"),
        pytest.param(PARIS, "2023-10-29 02:30", "2023-10-29T02:30:00+02:00", id="paris-twice"),
        pytest.param(PARIS, "2023-03-26 02:30", "2023-03-26T02:30:00+01:00", id="paris-skipped"),
    ],
)
@pytest.mark.parametrize("time_format", [LOCAL, None], ids=["format", "iso"])
def test_changes_of_clocks(zone: ZoneInfo, text: str, expected: str, time_format: str | None):
    """An ambiguous local time is the first; one that does not exist takes the offset before the change."""
    moment = time_parser(time_format, zone)(text)
    assert moment.text == expected
    assert moment.instant_us == us(expected)


def test_elapsed_time_across_a_change_of_clocks_is_real():
    """Two local times across the change lie as far apart as they really did, not as the wall clock says."""
    parse = time_parser(LOCAL, CHICAGO)
    before, after = parse("2010-03-14 01:30").instant_us, parse("2010-03-14 03:30").instant_us
    assert after - before == 3_600_000_000


def test_an_offset_with_seconds_is_written_in_utc():
    """Local mean time has offsets that RFC 3339 cannot write: the text is then in UTC, the instant the same."""
    moment = time_parser(LOCAL, PARIS)("1890-01-01 12:00")
    assert moment.text.endswith("+00:00")
    assert moment.instant_us == us(moment.text)


def test_a_format_is_followed():
    """A format reads exactly what it says, and its own offset wins over the zone."""
    assert time_parser("%m/%d/%Y %I:%M %p", CHICAGO)("01/04/2007 02:31 PM").text == "2007-01-04T14:31:00-06:00"
    assert time_parser("%d.%m.%y %H:%M %z", CHICAGO)("04.01.07 14:31 +0100").text == "2007-01-04T14:31:00+01:00"
    with pytest.raises(TimeTextError, match="does not match"):
        time_parser(LOCAL, CHICAGO)("2007-01-04 14:31:00")


@pytest.mark.parametrize(
    ("time_format", "zone", "why"),
    [
        ("%d.%m", PARIS, "year, month and day"),
        ("%Q", PARIS, "bad directive"),
        ("%Y-%m-%d %", PARIS, "stray"),
        ("%Y-%m-%d %Z", PARIS, "%Z"),
        (LOCAL, None, "timezone"),
    ],
)
def test_a_format_that_cannot_give_an_instant_is_refused(time_format: str, zone: ZoneInfo | None, why: str):
    """A wrong format is found when the mapping is read, not at the first row."""
    with pytest.raises(TimeTextError, match=why):
        check_format(time_format, zone)


@given(
    st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9998, 12, 31)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from("T "),
)
def test_round_trip_with_offset(local: datetime, offset_min: int, separator: str):
    """Any time with an offset keeps its instant, and its text reads back as the same."""
    moment = local.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    parse = time_parser(None, None)
    parsed = parse(moment.isoformat(separator))
    assert parsed.instant_us == to_us(moment)
    assert parse(parsed.text) == parsed


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)), st.sampled_from([CHICAGO, PARIS]))
def test_local_times_are_the_first_that_they_can_be(local: datetime, zone: ZoneInfo):
    """A local time that exists reads back on the zone's own clock, and is never later than its other reading."""
    parsed = time_parser(None, zone)(local.isoformat())
    first, second = (to_us(local.replace(tzinfo=zone, fold=fold).astimezone(UTC)) for fold in (0, 1))
    assert parsed.instant_us == first
    if first != second and datetime.fromtimestamp(first // 1_000_000, zone).hour == local.hour:
        assert first < second
