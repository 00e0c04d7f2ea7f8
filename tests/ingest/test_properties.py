"""Whatever is sent: never a 5xx, and nothing good is lost beside it."""

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.journey.event import EventData
from tests.ingest.examples import batch, event, lines, text
from tests.ingest.parts import BATCH, NDJSON, PATHS, SINGLE, Served

CONTENT_TYPES = [SINGLE, BATCH, NDJSON, "application/json", "", f"{BATCH}; charset=latin-1"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
TIMES = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.text(max_size=12)
DATA = st.fixed_dictionaries({}, optional=dict.fromkeys(EventData.__struct_fields__, JSON | TIMES) | {"other": JSON})
NEARLY_EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "specversion": st.sampled_from(["1.0", "0.3", ""]) | JSON,
        "id": JSON,
        "source": JSON,
        "type": st.sampled_from(["contact.made", "parcours.", "clock.ticked"]) | JSON,
        "time": TIMES | JSON,
        "subject": st.sampled_from(["tel:x", "mailto:", "account:1", "tel:0123456789"]) | JSON,
        "datacontenttype": JSON,
        "data_base64": JSON,
        "data": DATA | JSON,
        "extra": JSON,
    },
)
JUNK = (
    st.binary(max_size=200)
    | NEARLY_EVENTS.map(text)
    | JSON.map(text)
    | st.tuples(NEARLY_EVENTS.map(text), st.integers(0, 200)).map(lambda cut: cut[0][: cut[1]])
    | st.sampled_from([b'{"x":NaN}', b"[" * 5_000, b'"', b"]", b"}", b'{"a":"\xff"}', text(event())[:-3]])
)
REPEATED = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


@REPEATED
@given(
    body=st.binary(max_size=400) | JUNK | st.lists(JUNK, max_size=4).map(lambda junk: batch(*junk)),
    content_type=st.sampled_from(CONTENT_TYPES),
    path=st.sampled_from(PATHS),
)
def test_any_body_is_answered_and_never_with_a_5xx(server: Served, body: bytes, content_type: str, path: str) -> None:
    """202 with results, or a problem document with a reason."""
    answer = server.post(body, content_type, path)
    assert answer.status_code in {202, 400, 415, 422}
    if answer.status_code == 202:
        assert answer.json()["accepted"] > 0
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["reason"]


@REPEATED
@given(before=st.lists(JUNK, max_size=3), after=st.lists(JUNK, max_size=3), number=st.integers(0, 10**9))
def test_a_good_line_beside_any_other_is_accepted(
    server: Served, before: list[bytes], after: list[bytes], number: int
) -> None:
    """Lines stand for themselves, whatever stands on the others."""
    good = text(event(number, source="/good"))
    answer = server.post(lines(*before, good, *after), NDJSON)
    assert answer.status_code == 202
    assert accepted_ids(answer) >= {f"e{number}"}


@REPEATED
@given(
    before=st.lists(NEARLY_EVENTS, max_size=3), after=st.lists(NEARLY_EVENTS, max_size=3), number=st.integers(0, 10**9)
)
def test_a_good_event_beside_any_other_in_a_batch_is_accepted(
    server: Served, before: list[dict[str, object]], after: list[dict[str, object]], number: int
) -> None:
    """So do the elements of an array, one of them broken by NaN."""
    good = text(event(number, source="/good"))
    answer = server.post(batch(*map(text, before), good, b'{"x":NaN}', *map(text, after)))
    assert answer.status_code == 202
    assert accepted_ids(answer) >= {f"e{number}"}


@REPEATED
@given(st.sampled_from(["/v1/imports", "/v1/imports/finish", "/v1/redetections", "/v1/redetections/replay"]), JUNK)
def test_any_control_request_is_answered_and_never_with_a_5xx(server: Served, path: str, body: bytes) -> None:
    """The routes of importers take as little on trust."""
    answer = server.post(body, "application/json", path)
    assert answer.status_code in {202, 400, 422}


def accepted_ids(answer: httpx.Response) -> set[str]:
    """The ids of accepted events."""
    return {result["id"] for result in answer.json()["results"] if result["status"] == "accepted"}
