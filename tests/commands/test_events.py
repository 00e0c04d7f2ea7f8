"""`parcours events`."""

import json
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.commands.event_files import read_events
from services.commands.event_log import follow_events, last_events
from shared.ingest.validate import MAX_EVENT_BYTES
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.log.port import Kind, Record
from tests.commands.local import Local, parcours
from tests.importer.running_ingest import Ingest, running_ingest


def event(event_id: str, **changes: object) -> dict[str, object]:
    """An event that a gateway accepts."""
    data = {"service": "parking", "channel": "phone"}
    common = {"specversion": "1.0", "id": event_id, "source": "/test", "type": "contact.made", "data": data}
    return common | {"time": "2020-01-01T00:00:00Z", "subject": "ann"} | changes


GOOD = event("1")
BAD = event("2", time="yesterday")


@pytest.fixture
def local(tmp_path: Path) -> Local:
    """A site without a running platform."""
    return Local(tmp_path / "data")


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[Ingest]:
    """The running service."""
    with running_ingest(tmp_path / "data") as running:
        yield running


def test_validate_says_line_reason_and_pointer(local: Local, tmp_path: Path):
    """Each event that a gateway would reject gives a line; good ones give none; the exit status is 1."""
    file = tmp_path / "events.ndjson"
    file.write_text(json.dumps(GOOD) + "\n\n" + json.dumps(BAD) + '\n{"id": 1\n')
    result = parcours(local, "events", "validate", str(file))
    assert result.exit_code == 1
    assert [line.split(" ")[:3] for line in result.stdout.splitlines()] == [
        ["line", "3:", "invalid_time"],
        ["line", "4:", "not_json"],
    ]
    assert "/time The time is not written as RFC 3339" in result.stdout
    assert result.stderr == "1 would be accepted, 2 rejected\n"


def test_validate_speaks_the_language_asked_for(local: Local):
    """Reasons come in French or English: as asked, else as the locale says."""
    for arguments, environment in ((["--lang", "fr"], {}), ([], {"LANG": "fr_FR.UTF-8"})):
        result = parcours(local, "events", "validate", "-", *arguments, stdin=json.dumps(BAD), **environment)
        assert "L'heure n'est pas écrite selon la RFC 3339" in result.stdout


def test_validate_needs_no_platform_and_all_good_is_silent(local: Local):
    """Events that are all good give no line and exit status 0."""
    result = parcours(local, "events", "validate", "-", stdin=json.dumps([GOOD, event("2")]))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "2 would be accepted, 0 rejected\n")


def test_validate_reads_telephone_numbers_as_the_site_does(tmp_path: Path):
    """A number without a prefix is judged in the country of the site's settings."""
    call = json.dumps(event("1", subject="tel:202-456-1111"))
    for region, status in (("FR", 1), ("US", 0)):
        result = parcours(Local(tmp_path, phone_region=region), "events", "validate", "-", stdin=call)
        assert result.exit_code == status


@pytest.mark.parametrize("form", ["ndjson", "array", "pretty-array", "same-twice", "one", "pretty-one", "mark"])
def test_every_form_of_a_file_is_read(form: str):
    """NDJSON, an array and one object, on one line or on several, with a byte-order mark: each event, and its line."""
    one, two = event("1"), event("2", comment="a\nb [x, {y")
    text = {
        "ndjson": json.dumps(one) + "\r\n\n" + json.dumps(two),
        "array": json.dumps([one, two]),
        "pretty-array": json.dumps([one, two], indent=2),
        "same-twice": json.dumps([two, two], indent=2),
        "one": json.dumps(one),
        "pretty-one": "\n" + json.dumps(one, indent=2),
        "mark": "\ufeff" + json.dumps(one),
    }[form]
    found = list(read_events(BytesIO(text.encode())))
    lines = {"ndjson": [1, 3], "array": [1, 1], "pretty-array": [2, 14], "same-twice": [2, 15], "pretty-one": [2]}
    assert [each.line for each in found] == lines.get(form, [1])
    expected = [two, two] if form == "same-twice" else [one, two]
    assert [json.loads(each.text) for each in found] == expected[: len(found)]


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_no_file_is_too_odd_to_be_read(lines: list[bytes]):
    """Whatever a file holds, reading it ends, and each event stands on a line that the file has."""
    content = b"\n".join(lines)
    for each in read_events(BytesIO(content)):
        assert 1 <= each.line <= content.count(b"\n") + 1
        assert each.text.strip() == each.text


def test_send_sends_to_the_gateway_chosen(ingest: Ingest, tmp_path: Path):
    """What was sent stands in the log, with the gateway's own channel; a repeat in one request is told."""
    local = Local(tmp_path / "data", ingest_port=ingest.settings.ingest_port)
    bare = event("1", data={"service": "parking"})
    result = parcours(local, "events", "send", "-", "--gateway", "web", stdin=f"{json.dumps(bare)}\n" * 2)
    assert (result.exit_code, result.stderr) == (0, "1 accepted, 1 repeated within a request, 0 rejected\n")
    (stored,) = ingest.stored(Kind.EVENTS)
    assert (stored["id"], stored["data"]) == ("1", {"service": "parking", "channel": "web"})


@pytest.mark.parametrize("indent", [None, 1])
def test_send_loses_nothing_good_beside_something_bad(ingest: Ingest, tmp_path: Path, indent: int | None):
    """Rejected events give a line each with the line of the file; the good ones are accepted."""
    local = Local(tmp_path / "data", ingest_port=ingest.settings.ingest_port)
    events = [event("a"), BAD, event("b", padding="x" * MAX_EVENT_BYTES), event("c")]
    text = json.dumps(events, indent=indent) if indent else "\n".join([*map(json.dumps, events), "{", "no"])
    result = parcours(local, "events", "send", "-", "--lang", "fr", stdin=text)
    assert result.exit_code == 1
    assert [each["id"] for each in ingest.stored(Kind.EVENTS)] == ["a", "c"]
    reasons = [line.split(" ")[2] for line in result.stdout.splitlines()]
    assert reasons == ["invalid_time", "event_too_large"] + ([] if indent else ["not_json", "not_json"])
    assert "L'heure n'est pas écrite" in result.stdout


def test_send_of_one_event_that_is_no_json(ingest: Ingest, tmp_path: Path):
    """A request whose only event is unreadable is a rejected event, not an error of the command."""
    local = Local(tmp_path / "data", ingest_port=ingest.settings.ingest_port)
    for text in ("nonsense", "[nonsense]"):
        result = parcours(local, "events", "send", "-", stdin=text)
        assert result.exit_code == 1
        assert result.stdout.startswith("line 1: not_json")


def test_send_says_when_nobody_answers(local: Local):
    """Without a platform: one line, exit status 1."""
    result = parcours(local, "events", "send", "-", stdin=json.dumps(GOOD))
    assert result.exit_code == 1
    assert result.stderr.startswith("parcours: the ingest service at ")


def test_a_file_that_is_not_there(local: Local, tmp_path: Path):
    """A file that cannot be read is one line, exit status 2."""
    result = parcours(local, "events", "validate", str(tmp_path / "absent"))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_tail_shows_the_newest_pseudonymous_events(ingest: Ingest, tmp_path: Path):
    """The newest events as stored, oldest first, one JSON object a line, without the citizen's reference."""
    local = Local(tmp_path / "data", ingest_port=ingest.settings.ingest_port)
    text = "\n".join(json.dumps(event(str(number), subject="tel:+33612345678")) for number in range(30))
    assert parcours(local, "events", "send", "-", stdin=text).exit_code == 0
    result = parcours(local, "events", "tail", "-n", "3")
    shown = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["id"] for each in shown] == ["27", "28", "29"]
    assert "612345678" not in result.stdout
    assert all(each["subject"].startswith("p1-") for each in shown)


def test_tail_of_a_log_that_does_not_exist_yet(local: Local):
    """Before the first start there is nothing to show, and nothing is made."""
    result = parcours(local, "events", "tail")
    assert (result.exit_code, result.stdout) == (0, "")
    assert not local.settings().data.exists()


def records(*ids: str) -> list[Record]:
    """One record of events, then one of a tick."""
    value = json.dumps([{"id": each} for each in ids]).encode()
    return [Record(0, Kind.EVENTS, value, len(ids)), Record(0, Kind.CONTROL, b'[{"type":"clock.ticked"}]', 1)]


def test_tail_looks_back_as_far_as_it_must_and_follows(tmp_path: Path):
    """The newest events are found behind any number of ticks, and in a pruned log; following gives what comes."""
    path = tmp_path / "log.sqlite"
    writer = LocalLogWriter(path, "journey-events.ingest")
    reader = LocalLogReader(path, "journey-events.ingest")
    try:
        writer.append(records("a", "b"))
        for _ in range(6):
            writer.append([Record(0, Kind.CONTROL, b'[{"type":"clock.ticked"}]', 1)] * 100)
        writer.append(records("c"))
        newest, positions = last_events(reader, 2)
        assert [json.loads(each)["id"] for each in newest] == ["b", "c"]
        assert last_events(reader, 0)[0].maxlen == 0
        writer.prune(2**60, {0: 300}, 1_000)
        assert [json.loads(each)["id"] for each in last_events(reader, 2)[0]] == ["c"]
        waits: list[float] = []

        def sleep(wait_s: float) -> None:
            waits.append(wait_s)
            writer.append(records("d", "e"))

        assert [json.loads(each)["id"] for each in islice(follow_events(reader, positions, sleep), 3)] == [
            "d",
            "e",
            "d",
        ]
        assert len(waits) == 2
    finally:
        reader.close()
        writer.close()
