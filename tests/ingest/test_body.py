"""Reading and splitting bodies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import LogOverloaded
from shared.ingest.body import MAX_EVENTS, ByteBudget, Form, error_position, form_of, split_body
from shared.ingest.problem import RequestRefused
from shared.ingest.split import split_array

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/cloudevents+json", Form.SINGLE),
        ("Application/CloudEvents+JSON; charset=UTF-8", Form.SINGLE),
        ('application/cloudevents-batch+json;charset="utf-8"', Form.BATCH),
        ("application/x-ndjson", Form.NDJSON),
        ("application/ndjson", Form.NDJSON),
        ("application/jsonl; profile=x", Form.NDJSON),
    ],
)
def test_the_media_type_names_the_form(content_type: str, form: Form) -> None:
    """Case and parameters of the media type do not matter."""
    assert form_of(content_type) is form


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "text/plain",
        "application/cloudevents+json; charset=latin-1",
        "application/cloudevents",
    ],
)
def test_any_other_media_type_or_charset_is_refused(content_type: str | None) -> None:
    """What is not one of ours in UTF-8 gives 415."""
    with pytest.raises(RequestRefused) as refused:
        form_of(content_type)
    assert (refused.value.status, refused.value.reason) == (415, "unsupported_media_type")


def test_ndjson_is_split_by_line() -> None:
    """Blank lines are skipped, carriage returns and a byte-order mark dropped; a line need not be JSON."""
    assert split_body(Form.NDJSON, b'\xef\xbb\xbf{"a":1}\r\n\n  \nnonsense\n{"b":2}').events == [
        b'{"a":1}',
        b"nonsense",
        b'{"b":2}',
    ]


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("body", [b"", b" \r\n\t ", b"\xef\xbb\xbf"])
def test_a_body_without_anything_is_refused(form: Form, body: bytes) -> None:
    """An empty body gives 400 in every form."""
    with pytest.raises(RequestRefused) as refused:
        split_body(form, body)
    assert (refused.value.status, refused.value.reason) == (400, "empty_body")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[]", "empty_body"),
        (b" [ ] ", "empty_body"),
        (b"{}", "not_an_array"),
        (b'"x"', "not_an_array"),
        (b"nonsense", "not_json"),
        (b"[nonsense", "not_json"),
        (b"[1, 2", "not_json"),
        (b"]", "not_json"),
    ],
)
def test_a_batch_in_which_no_event_can_be_told_apart_is_refused(body: bytes, reason: str) -> None:
    """Neither an array, nor one object in a broken array: 400."""
    with pytest.raises(RequestRefused) as refused:
        split_body(Form.BATCH, body)
    assert (refused.value.status, refused.value.reason) == (400, reason)


@pytest.mark.parametrize(
    "bad",
    [b'{"x":NaN}', b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}", b"{nonsense}", b"", b'{"x":"\\ud800"}', b"1 2"],
)
def test_one_bad_element_does_not_lose_the_others(bad: bytes) -> None:
    """Elements that no decoder takes are isolated from their neighbours."""
    good = b'{"text":"brackets ]}[{ and \\" quotes, commas"}'
    assert split_body(Form.BATCH, b"[" + good + b" , " + bad + b"," + good + b"]").events == [good, bad, good]


def test_a_batch_that_breaks_off_keeps_its_whole_elements() -> None:
    """What was never closed is an element of its own, as is what follows the closing bracket."""
    assert split_array(b'[{"a":1},{"b":', 9) == [b'{"a":1}', b'{"b":']
    assert split_array(b'[{"a":1}]] {"c":1}', 9) == [b'{"a":1}', b'] {"c":1}']
    assert split_array(b'[{"a":"never closed ],', 9) == [b'{"a":"never closed ],']


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Form.BATCH, b"[" + b"1," * MAX_EVENTS + b"1]"),
        (Form.BATCH, b"[" + b"{}," * MAX_EVENTS + b"NaN]"),
        (Form.NDJSON, b"1\n" * (MAX_EVENTS + 1)),
    ],
)
def test_too_many_events_are_refused(form: Form, body: bytes) -> None:
    """10,001 events give 413, also when the batch is broken."""
    with pytest.raises(RequestRefused) as refused:
        split_body(form, body)
    assert (refused.value.status, refused.value.reason) == (413, "too_many_events")


@given(st.lists(JSON_VALUES, max_size=6), st.sampled_from([None, 1]))
def test_splitting_by_hand_agrees_with_a_json_parser(values: list[object], indent: int | None) -> None:
    """The elements of any valid array are those that a JSON parser finds."""
    elements = split_array(json.dumps(values, indent=indent, ensure_ascii=False).encode(), 100)
    assert [json.loads(element) for element in elements] == values


@given(st.binary(max_size=60) | st.text('[]{}",\\ a', max_size=60).map(str.encode))
def test_splitting_by_hand_takes_anything(body: bytes) -> None:
    """Any bytes can be split without an error, into parts of the body."""
    assert all(element in body for element in split_array(body, 10))


@pytest.mark.parametrize(
    ("body", "position"),
    [(b'{"a":NaN}', 5), (b'{"a":"\xff"}', 6), (b'{"a":', 5), (b'{"a" 1}', 5), (b"[" * 100_000, 0), (b"{}", 2)],
)
def test_the_position_of_what_is_not_json(body: bytes, position: int) -> None:
    """The byte where a body stops making sense."""
    assert error_position(body) == position


def test_the_budget_bounds_what_is_read_at_a_time() -> None:
    """Beyond the budget reading is refused as overload; one body always fits; what is given back can be taken again."""
    budget = ByteBudget(100)
    budget.take(150)
    with pytest.raises(LogOverloaded):
        budget.take(1)
    budget.give(150)
    budget.take(60)
    budget.take(40)
    with pytest.raises(LogOverloaded):
        budget.take(1)
