"""Judging one event."""

from typing import Any

import msgspec
import pytest

from shared.errors import ConfigurationError
from shared.ingest.incoming import Refused
from shared.ingest.reasons import EVENT_REASONS
from shared.ingest.validate import MAX_EVENT_BYTES, Validator, arrival_at
from shared.journey.event import SHARDS, Event
from shared.journey.vocabulary import CONTROL_TYPES
from shared.privacy.pseudonyms import Pseudonymiser, normalise_subject
from tests.ingest.examples import event, text
from tests.ingest.parts import KEYS as SECRETS

NOW_US = 1_793_527_200_000_000  # 2026-11-01T10:00:00Z
KEYS = Pseudonymiser(SECRETS)
RARE = "t" * 64_000
VALIDATOR = Validator(
    KEYS,
    8,
    lambda subject: normalise_subject(subject, "FR"),
    lambda comment: comment.replace("a@b.example", "[e-mail address]"),
)


def stored(raw: bytes, channel: str | None = None) -> Event:
    """The event as it is stored."""
    accepted = VALIDATOR.check(raw, False, arrival_at(NOW_US, NOW_US, channel))
    return msgspec.json.decode(accepted.encoded, type=Event)


def refused(raw: bytes) -> tuple[str, str]:
    """Reason and pointer of a refusal."""
    with pytest.raises(Refused) as error:
        VALIDATOR.check(raw, False, arrival_at(NOW_US, NOW_US, None))
    assert error.value.reason in EVENT_REASONS
    return error.value.reason, error.value.pointer


def test_an_event_is_stored_with_its_fields() -> None:
    """Every field survives; time and due are UTC, the prefix of the type is gone, attributes nobody defined are too."""
    data = {
        "service": "s", "matter": "m", "channel": "chat", "step": "st", "contact": "c", "case": "k", "session": "se",
        "office": "o", "team": "t", "territory": "fr/idf", "wait_s": 1.5, "duration_s": 2, "reason": "status",
        "invited": False, "document": "d", "outcome": "done", "rating": 5, "comment": "fine", "lang": "fr",
        "attributes": {"x": "y"},
    }  # fmt: skip
    raw = event(
        type="parcours.feedback.given",
        time="2026-11-01T10:00:00.5+05:30",
        data=data | {"due": "2026-12-01T00:00:00-01:00"},
    )
    kept = stored(text(raw | {"traceparent": "00-1", "extra": {"deep": [1]}}), "web")
    assert (kept.id, kept.source, kept.type, kept.specversion) == ("e1", "/test", "feedback.given", "1.0")
    assert (kept.time, kept.recordedtime) == ("2026-11-01T04:30:00.500000Z", "2026-11-01T10:00:00.000000Z")
    assert msgspec.to_builtins(kept.data) == data | {"due": "2026-12-01T01:00:00Z"}
    assert set(msgspec.json.decode(msgspec.json.encode(kept))) == {
        "id", "source", "type", "time", "recordedtime", "data", "subject", "shard",
    } | set()  # fmt: skip


@pytest.mark.parametrize(("given", "kept"), [("", "web"), (None, "web"), ("letter", "letter")])
def test_the_gateways_channel_is_the_default(given: str | None, kept: str) -> None:
    """An event without a channel, or with an empty one, gets the gateway's."""
    assert stored(text(event(data_channel=given)), "web").data.channel == kept


@pytest.mark.parametrize(
    ("subject", "session", "contact", "kind", "normalised"),
    [
        ("ACCOUNT:1", "s1", "c1", "p", "account:1"),
        ("tel:01 23 45 67 89", "s1", "c1", "p", "tel:+33123456789"),
        (None, "S1", "c1", "s", "S1"),
        ("", "S1", "c1", "s", "S1"),
        ("", "", "C1", "c", "C1"),
    ],
)
def test_what_stands_in_for_the_subject(
    subject: str | None, session: str, contact: str, kind: str, normalised: str
) -> None:
    """The normalised subject is keyed; without one the session, else the contact, as a kind of its own."""
    raw = text(event(subject=subject, data_session=session, data_contact=contact))
    accepted = VALIDATOR.check(raw, True, arrival_at(NOW_US, NOW_US, None))
    assert stored(raw).subject == KEYS.pseudonym(kind, normalised)
    assert stored(raw).shard == KEYS.shard(normalised)
    assert accepted.partition == KEYS.shard(normalised) % 8


@pytest.mark.parametrize("partitions", [0, -1, SHARDS + 1])
def test_impossible_number_of_partitions_is_refused(partitions: int) -> None:
    """There are no more partitions than shards."""
    with pytest.raises(ConfigurationError, match=str(partitions)):
        Validator(KEYS, partitions, str, str)


def test_an_event_of_nobody_is_stored_in_partition_0() -> None:
    """Without subject, session and contact there is no subject at all."""
    accepted = VALIDATOR.check(text(event(subject=None)), True, arrival_at(NOW_US, NOW_US, None))
    assert (accepted.partition, stored(text(event(subject=None))).subject) == (0, None)


def test_no_subject_is_stored_in_the_clear() -> None:
    """The bytes that are stored do not hold the subject."""
    accepted = VALIDATOR.check(text(event(subject="mailto:jane@doe.example")), True, arrival_at(NOW_US, NOW_US, None))
    assert b"jane" not in accepted.encoded


def test_only_the_comment_is_scrubbed_and_stays_within_its_length() -> None:
    """Scrubbing changes no other field, and a comment that it makes longer is cut to what an event may hold."""
    kept = stored(text(event(data_comment="write to a@b.example", data_step="a@b.example")))
    assert (kept.data.comment, kept.data.step) == ("write to [e-mail address]", "a@b.example")
    assert len(stored(text(event(data_comment="a@b.example" * 1_489))).data.comment or "") == 16_384


@pytest.mark.parametrize("absent", ["", None])
@pytest.mark.parametrize(
    "name",
    ["matter", "channel", "step", "contact", "case", "session", "office", "team", "territory", "wait_s", "duration_s",
     "due", "reason", "invited", "document", "outcome", "rating", "comment", "lang", "attributes"],
)  # fmt: skip
def test_empty_text_and_null_count_as_absent(name: str, absent: str | None) -> None:
    """For every optional field of `data`, also those that are no texts."""
    raw = event()
    raw["data"][name] = absent
    assert stored(text(raw)) == stored(text(event()))


@pytest.mark.parametrize("absent", ["", None])
@pytest.mark.parametrize("name", ["datacontenttype", "data_base64", "dataschema"])
def test_empty_attributes_of_the_event_count_as_absent(name: str, absent: str | None) -> None:
    """For the optional attributes around `data`."""
    assert stored(text(event() | {name: absent})) == stored(text(event()))


def test_empty_attributes_within_attributes_are_dropped() -> None:
    """An attribute that says nothing is not kept."""
    kept = stored(text(event(data_attributes={"a": "", "b": "x", "c": None})))
    assert kept.data.attributes == {"b": "x"}
    assert stored(text(event(data_attributes={}))).data.attributes is None


@pytest.mark.parametrize("absent", ["", None, "missing"])
@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "time", "data", "data.service"])
def test_what_is_required(name: str, absent: str | None) -> None:
    """Each required field is missed by name, whether it is not there, empty or null."""
    raw = event()
    target = raw["data"] if name == "data.service" else raw
    key = name.rpartition(".")[2]
    target.pop(key)
    if absent != "missing":
        target[key] = absent
    assert refused(text(raw)) == ("missing_field", "/" + name.replace(".", "/"))


REFUSALS: list[tuple[Any, str, str]] = [
    (event(specversion="0.3"), "unsupported_specversion", "/specversion"),
    (event(specversion=1.0), "wrong_type", "/specversion"),
    (event(id=7), "wrong_type", "/id"),
    (event(id="i" * 257), "too_long", "/id"),
    (event(source="s" * 257), "too_long", "/source"),
    (event(type="t" * 257), "too_long", "/type"),
    (event(type="parcours."), "missing_field", "/type"),
    (event(subject="s" * 1_025), "too_long", "/subject"),
    (event(subject={"a": 1}), "wrong_type", "/subject"),
    (event(subject="tel:none"), "invalid_phone_number", "/subject"),
    (event(subject="mailto:nobody"), "invalid_email_address", "/subject"),
    (event(subject="account: "), "empty_account", "/subject"),
    (event(time="yesterday"), "invalid_time", "/time"),
    (event(time=1_700_000_000), "wrong_type", "/time"),
    (event(time="2026-11-01T10:00:00"), "time_without_offset", "/time"),
    (event(time="2026-11-01T10:10:01Z"), "time_ahead", "/time"),
    (event(time="2026-11-01T11:11:00+01:00"), "time_ahead", "/time"),
    (event(time="9999-12-31T23:59:59Z"), "time_ahead", "/time"),
    (event(time="9999-12-31T23:59:59-01:00"), "time_ahead", "/time"),
    (event(time="9999-12-31T23:59:59.9999999Z"), "invalid_time", "/time"),
    (event(time="0001-01-01T00:00:00+14:00"), "time_out_of_range", "/time"),
    (event(time="1969-12-31T23:59:59Z"), "time_out_of_range", "/time"),
    (event(data="x"), "wrong_type", "/data"),
    (event(data=[]), "wrong_type", "/data"),
    (event(data_service=["x"]), "wrong_type", "/data/service"),
    (event(data_channel="fax"), "unknown_channel", "/data/channel"),
    (event(data_matter="m" * 257), "too_long", "/data/matter"),
    (event(data_comment="c" * 16_385), "too_long", "/data/comment"),
    (event(data_wait_s="3"), "wrong_type", "/data/wait_s"),
    (event(data_wait_s=-1), "out_of_range", "/data/wait_s"),
    (event(data_duration_s=31_622_401), "out_of_range", "/data/duration_s"),
    (event(data_rating=0), "out_of_range", "/data/rating"),
    (event(data_rating=5.01), "out_of_range", "/data/rating"),
    (event(data_rating=10**400), "out_of_range", "/data/rating"),
    (event(data_rating=True), "wrong_type", "/data/rating"),
    (event(data_invited="true"), "wrong_type", "/data/invited"),
    (event(data_due="2026-11-01T10:00:00"), "time_without_offset", "/data/due"),
    (event(data_due="soon"), "invalid_time", "/data/due"),
    (event(data_due="9999-12-31T00:00:00Z"), "time_out_of_range", "/data/due"),
    (event(data_due="9999-12-31T23:59:59-01:00"), "time_out_of_range", "/data/due"),
    (event(data_attributes=["x"]), "wrong_type", "/data/attributes"),
    (event(data_attributes={"a/b~c": 1}), "wrong_type", "/data/attributes/a~1b~0c"),
    (event(data_attributes={"a": {"b": "c"}}), "wrong_type", "/data/attributes/a"),
    (event(data_name="Jane"), "unknown_field", "/data/name"),
    (event() | {"data": {"service": "s", "a/b": ""}}, "unknown_field", "/data/a~1b"),
    (event(datacontenttype="text/xml"), "unsupported_datacontenttype", "/datacontenttype"),
    (event() | {"data_base64": "AAAA"}, "binary_data", "/data_base64"),
    ([], "wrong_type", ""),
    ("text", "wrong_type", ""),
    (None, "wrong_type", ""),
]


@pytest.mark.parametrize(("raw", "reason", "pointer"), REFUSALS)
def test_what_is_refused(raw: Any, reason: str, pointer: str) -> None:
    """Each kind of wrong event has its reason and points to what is wrong."""
    assert refused(text(raw)) == (reason, pointer)


@pytest.mark.parametrize(("raw", "reason", "pointer"), REFUSALS)
def test_an_empty_field_elsewhere_does_not_change_the_reason(raw: Any, reason: str, pointer: str) -> None:
    """The way that cleans empty fields judges as the fast one."""
    if isinstance(raw, dict) and isinstance(raw["data"], dict):
        raw = raw | {"data": raw["data"] | {"lang": ""}}
    assert refused(text(raw)) == (reason, pointer)


@pytest.mark.parametrize("name", sorted(CONTROL_TYPES))
@pytest.mark.parametrize("prefix", ["", "parcours."])
def test_control_types_are_reserved(name: str, prefix: str) -> None:
    """A publisher cannot write the platform's own events."""
    assert refused(text(event(type=prefix + name))) == ("reserved_type", "/type")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"nonsense", "not_json"),
        (text(event())[:-1], "not_json"),
        (text(event()) + b"{}", "not_json"),
        (text(event()).replace(b'"account:17"', b"NaN"), "not_json"),
        (text(event()).replace(b"account:17", b"\\ud800"), "not_json"),
        (text(event()).replace(b"account:17", b"\xff\xfe"), "not_utf8"),
        (text(event())[:-1] + b',"dropped":"\xff"}', "not_utf8"),
        (text(event())[:-1] + b',"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "nested_too_deep"),
        (text(event(subject=RARE, data_comment=RARE)), "event_too_large"),
        (text(event(id="i" * 1_000_000)), "event_too_large"),
    ],
)
def test_what_is_not_an_event_at_all(raw: bytes, reason: str) -> None:
    """Bytes that are no JSON, no UTF-8, too deep or too large are refused as a whole."""
    assert refused(raw)[0] == reason


def test_the_largest_event_is_accepted() -> None:
    """64 kB with everything; one byte more is refused."""
    attributes = {"a": ""}
    attributes["a"] = "x" * (MAX_EVENT_BYTES - len(text(event(data_attributes=attributes))))
    assert len(text(event(data_attributes=attributes))) == MAX_EVENT_BYTES
    assert stored(text(event(data_attributes=attributes))).id == "e1"
    attributes["a"] += "x"
    assert refused(text(event(data_attributes=attributes))) == ("event_too_large", "")


@pytest.mark.parametrize(
    ("time", "kept"),
    [
        ("2026-11-01T10:10:00Z", "2026-11-01T10:10:00.000000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00.000000Z"),
        ("2026-10-25 02:30:00.1234564z", "2026-10-25T02:30:00.123456Z"),
    ],
)
def test_times_are_normalised(time: str, kept: str) -> None:
    """Any RFC 3339 time becomes UTC of a fixed width; up to ten minutes ahead is fine."""
    assert stored(text(event(time=time))).time == kept


@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8", "application/ld+json"])
def test_json_content_may_be_declared(media_type: str) -> None:
    """`datacontenttype` may say what is true."""
    assert stored(text(event(datacontenttype=media_type))).id == "e1"


@pytest.mark.parametrize(("given", "kept"), [("our.own", "our.own"), ("parcours.our.own", "our.own")])
def test_unknown_types_are_accepted(given: str, kept: str) -> None:
    """A type that no rule knows belongs to its journey all the same."""
    assert stored(text(event(type=given))).type == kept
