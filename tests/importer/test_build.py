"""From a row to its events."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.importer.build import BuiltEvent, BuiltRow, EventBuilder, Rejection
from services.importer.row import Row
from tests.importer.mappings import EVENT, mapping

GOOD = {"ID": "1", "TIME": "2020-01-02 03:04:05Z"}


def built(event: str = "", *, top: str = "", base: str = EVENT, **cells: str) -> BuiltRow:
    """What a row with the cells gives (those not named are as in `GOOD`, or empty); it is row 7, on line 9."""
    read = mapping(top=top, event=event, base=base)
    values = [(GOOD | cells).get(column, "") for column in read.columns]
    return EventBuilder(read, read.columns).build(Row(9, 7, [*values, "7"]))


def event_of(row: BuiltRow) -> dict[str, Any]:
    """The one event that a row gives, decoded."""
    assert not row.rejections
    (event,) = row.events
    return msgspec.json.decode(event.body)


def rejection_of(row: BuiltRow) -> Rejection:
    """The one rejection that a row gives."""
    assert not row.events
    (rejection,) = row.rejections
    return rejection


def test_an_event_is_a_cloudevent():
    """Source, id, type, time and subject stand in the envelope, everything else in `data`."""
    row = built(
        'subject = ["{WHO}", "{ID}"]\nstep = "{ST}"\nchannel = "web"\nattributes = { a = "{ST}!", b = "{NONE}" }',
        ST="x",
    )
    assert event_of(row) == {
        "specversion": "1.0",
        "source": "/import/test",
        "id": "1",
        "type": "contact.made",
        "time": "2020-01-02T03:04:05+00:00",
        "subject": "1",
        "data": {"service": "parking", "step": "x", "channel": "web", "attributes": {"a": "x!"}},
    }
    assert row.events[0][:6] == (1_577_934_245_000_000, "1", 9, 7, "contact.made", "web")


def test_empty_fields_are_left_out():
    """A field whose text is empty is not there, an attribute neither, nor the subject."""
    event = event_of(built('subject = "{S}"\nstep = "a{T}"\nrating = "{R}"\ndue = "{D}"\nattributes = { a = "{A}" }'))
    assert event["data"] == {"service": "parking"}
    assert "subject" not in event


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ('wait_s = "{X}"', "12", 12.0),
        ('duration_s = "{X}"', "1.5e2", 150.0),
        ('rating = { value = "{X}", number = true }', "+4.", 4.0),
        ('rating = { value = "{X}", map = { good = 5 } }', "good", 5.0),
        ('invited = "{X}"', "TRUE", True),
        ('invited = { value = "{X}", map = { J = true, N = false } }', "N", False),
        ('due = "{X}"', "2020-02-01", "2020-02-01T00:00:00+01:00"),
        ('due = { value = "{X}", format = "%d/%m/%Y" }', "01/07/2020", "2020-07-01T00:00:00+02:00"),
        ('step = { value = "{X}", format = "%d/%m/%Y" }', "01/07/2020", "2020-07-01T00:00:00+02:00"),
        ('step = { value = "{X}", number = true }', "007", "007"),
        ('step = { value = "{X}", map = { a = "b" }, otherwise = "c" }', "z", "c"),
        ('step = { value = ["{Y}", "{X}"], map = { a = "b" } }', "a", "b"),
        ('comment = "{X}"', 'é"\\\n😀\u0000', 'é"\\\n😀\u0000'),
    ],
)
def test_fields_are_converted(field: str, cell: str, value: object):
    """Numbers, truth values and times become what the event model wants; maps are looked up."""
    data = event_of(built(field, top='timezone = "Europe/Paris"', X=cell))["data"]
    (found,) = (data[name] for name in data if name != "service")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("field", "cells", "reason", "where"),
    [
        ("", {"ID": ""}, "no_id", "id"),
        ("", {"TIME": ""}, "no_time", "time"),
        ("", {"TIME": "soon"}, "bad_time", "time"),
        ("", {"TIME": "2020-01-02"}, "bad_time", "time"),
        ('due = "{X}"', {"X": "32/01/2020"}, "bad_time", "due"),
        ('step = { value = "{X}", map = { a = "b" } }', {"X": "z"}, "unknown_value", "step"),
        ('wait_s = "{X}"', {"X": "1_000"}, "bad_number", "wait_s"),
        ('wait_s = "{X}"', {"X": "nan"}, "bad_number", "wait_s"),
        ('wait_s = "{X}"', {"X": "1e999"}, "bad_number", "wait_s"),
        ('wait_s = "{X}"', {"X": "1,5"}, "bad_number", "wait_s"),
        ('step = { value = "{X}", number = true }', {"X": "x"}, "bad_number", "step"),
        ('invited = "{X}"', {"X": "yes"}, "bad_flag", "invited"),
        ('attributes = { a = { value = "{X}", number = true } }', {"X": "x"}, "bad_number", "attributes"),
        ('step = "{X}"', {"X": "a\udcff"}, "bad_encoding", ""),
    ],
)
def test_what_cannot_be_mapped_is_rejected(field: str, cells: dict[str, str], reason: str, where: str):
    """A cell that a field cannot take rejects the event, naming line, row, reason and field."""
    rejection = rejection_of(built(field, **cells))
    assert (rejection.line, rejection.row, rejection.reason, rejection.field) == (9, 7, reason, where)
    assert rejection.type == "contact.made"


def test_an_empty_service_or_type_is_rejected():
    """Service and type are required, wherever they come from."""
    assert rejection_of(built(base=EVENT.replace('"parking"', '"{S}"'))).reason == "no_service"
    assert rejection_of(built(base=EVENT.replace('"contact.made"', '"{S}"'))).reason == "no_type"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('in = ["a", "b"]', {"a": True, "c": False, "": False}),
        ('not_in = ["a", "b"]', {"a": False, "c": True, "": True}),
        ("not_empty = true", {"a": True, "": False}),
        ("not_empty = false", {"a": False, "": True}),
        ('equals = "a"', {"a": True, "aa": False}),
        ('matches = "a+"', {"aa": True, "baa": False, "aab": False, "": False}),
        ('matches = "a+", not_in = ["aa"]', {"aa": False, "aaa": True}),
    ],
)
def test_conditions(condition: str, holds: dict[str, bool]):
    """Each test of `when` judges the whole text; several in one entry must all hold."""
    for cell, expected in holds.items():
        assert bool(built(f'when = [{{ value = "{{X}}", {condition} }}]', X=cell).events) is expected, cell


def test_all_entries_of_when_must_hold():
    """A row for which one entry does not hold gives neither event nor rejection."""
    when = 'when = [{ value = "{X}", equals = "a" }, { value = "{Y}", equals = "b" }]'
    assert built(when, X="a", Y="b").events
    assert built(when, X="a", Y="c") == BuiltRow([], [])


def test_a_row_gives_an_event_for_each_rule():
    """Every `[[event]]` is tried by itself: one may be rejected while others are built."""
    second = '\n[[event]]\ntype = "case.closed"\nid = "{ID}-closed"\ntime = "{END}"\nservice = "parking"\n'
    third = second.replace("closed", "opened").replace("{END}", "{TIME}")
    row = built(base=EVENT + second + third, END="never")
    assert [event.id for event in row.events] == ["1", "1-opened"]
    assert [(each.reason, each.id) for each in row.rejections] == [("bad_time", "1-closed")]


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_cell_is_built_or_rejected(cell: str, time: str):
    """No cell, however odd, does anything but give an event that says the same, or a rejection."""
    field = 'step = "{X}"\nwait_s = "{X}"\ninvited = "{X}"\nattributes = { a = "{X}" }'
    for event in ("", 'step = "{X}"\nattributes = { a = "{X}" }', field):
        row = built(event, X=cell, TIME=time, ID=cell or "1")
        assert len(row.events) + len(row.rejections) == 1
        for each in row.events:
            assert isinstance(each, BuiltEvent)
            assert msgspec.json.decode(each.body)["id"] == (cell or "1")
