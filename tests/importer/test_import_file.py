"""An import from beginning to end, against the real ingest service."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.importer.import_file import import_file
from services.importer.summary import ImportSummary, summary_lines
from services.importer.wait import POLL_S, wait_until_queryable
from shared.client.http_client import ServiceClient
from shared.client.progress import NoProgress
from shared.client.send import Ends
from shared.errors import ConfigurationError, ParcoursError, Unreachable
from shared.log.port import Kind
from tests.importer.mappings import EVENT, mapping_text
from tests.importer.running_ingest import Ingest, free_port, running_ingest
from tests.importer.scripted_server import Answer, Asked, scripted_server

NOWHERE = "http://127.0.0.1:9"
STANDSTILL_S = 2.0
SUBJECT = 'subject = "{WHO}"\nstep = "{STEP}"\n'
TABLE = """ID,TIME,WHO,STEP
3,2020-01-03T00:00:00Z,ann,c
1,2020-01-01T00:00:00Z,ann,a
2,2020-01-02T00:00:00Z,bob,b
"""


class Files:
    """A table and a mapping in a folder."""

    def __init__(self, folder: Path) -> None:
        self.table = folder / "table.csv"
        self.mapping = folder / "mapping.toml"
        self.rejected = folder / "table.csv.rejected.ndjson"
        self.write(TABLE)

    def write(self, table: str, event: str = SUBJECT, base: str = EVENT) -> None:
        """Replaces both."""
        self.table.write_text(table, encoding="utf-8")
        self.mapping.write_text(mapping_text(event=event, base=base), encoding="utf-8")

    def import_to(self, ingest_url: str = NOWHERE, **options: Any) -> ImportSummary:
        """Imports the table."""
        return import_file(self.table, self.mapping, **{"ingest_url": ingest_url, "analytics_url": NOWHERE} | options)

    def rejections(self) -> list[dict[str, Any]]:
        """The lines of the file of rejections."""
        return [json.loads(line) for line in self.rejected.read_text().splitlines()]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A table and a mapping."""
    return Files(tmp_path)


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[Ingest]:
    """The running service."""
    with running_ingest(tmp_path / "data") as running:
        yield running


def test_events_arrive_in_time_order_between_the_marks_of_the_import(files: Files, ingest: Ingest):
    """`import.started`, the events by time, `import.finished`: that is what stands in the log."""
    summary = files.import_to(ingest.url)
    assert (summary.rows, summary.accepted, summary.total_events, summary.exit_status) == (3, 3, 3, 0)
    assert [event["id"] for event in ingest.stored(Kind.EVENTS)] == ["1", "2", "3"]
    assert {event["source"] for event in ingest.stored(Kind.EVENTS)} == {"/import/test"}
    marks = [each for each in ingest.stored(Kind.CONTROL) if str(each["type"]).startswith("import.")]
    assert marks == [
        {"type": "import.started", "source": "/import/test"},
        {"type": "import.finished", "source": "/import/test"},
    ]
    assert not files.rejected.exists()


def test_nothing_rejected_by_anyone_is_lost_silently(files: Files, ingest: Ingest):
    """Bad rows, bad events and what the gateway refuses all go to the file of rejections, with line and reason."""
    files.write(
        TABLE + "4,soon,ann,d\n5,2020-01-05\n6,2999-01-01T00:00:00Z,ann,f\n1,2020-01-01T00:00:00Z,ann,other\n"
        f"7,2020-01-07T00:00:00Z,ann,{'x' * 300}\n8,2020-01-08T00:00:00Z,bob,h\n"
    )
    summary = files.import_to(ingest.url)
    assert (summary.rows, summary.accepted, summary.exit_status) == (9, 4, 1)
    assert summary.rejected == {
        "bad_time": 1,
        "row_length": 1,
        "time_ahead": 1,
        "conflicting_duplicate": 1,
        "too_long": 1,
    }
    assert summary.rejected_file == files.rejected
    lines = {each["reason"]: each["line"] for each in files.rejections()}
    assert lines == {"bad_time": 5, "row_length": 6, "time_ahead": 7, "conflicting_duplicate": 8, "too_long": 9}
    by_gateway = next(each for each in files.rejections() if each["reason"] == "too_long")
    assert (by_gateway["id"], by_gateway["row"], by_gateway["field"]) == ("7", 8, "/data/step")
    assert [event["id"] for event in ingest.stored(Kind.EVENTS)] == ["1", "2", "3", "8"]


def test_a_second_import_replaces_what_the_first_rejected(files: Files, ingest: Ingest):
    """The file of rejections is always that of the last import: none is left when nothing was rejected."""
    files.write(TABLE + "4,soon,ann,d\n")
    assert files.import_to(ingest.url).exit_status == 1
    assert files.rejected.exists()
    files.write(TABLE)
    assert files.import_to(ingest.url).exit_status == 0
    assert not files.rejected.exists()


def test_repeated_rows_are_sent_once(files: Files, ingest: Ingest):
    """Rows may repeat what others said: each id is sent once, the repeats are counted."""
    files.write(TABLE + TABLE.split("\n", 1)[1] * 3)
    summary = files.import_to(ingest.url)
    assert (summary.rows, summary.total_events, summary.duplicates, summary.accepted) == (12, 3, 9, 3)
    assert len(ingest.stored(Kind.EVENTS)) == 3


def test_rows_that_no_rule_wants_are_skipped(files: Files):
    """A row filtered out by every `when` is skipped, which is no rejection."""
    files.write(TABLE, SUBJECT + 'when = [{ value = "{WHO}", equals = "ann" }]')
    summary = files.import_to(dry_run=True)
    assert (summary.rows, summary.skipped, summary.total_events, summary.exit_status) == (3, 1, 2, 0)


def test_a_dry_run_sends_nothing_and_checks_as_a_gateway(files: Files, tmp_path: Path):
    """A dry run needs no platform, finds what a gateway would refuse, and can write what would be sent."""
    files.write(TABLE + "6,2999-01-01T00:00:00Z,ann,f\n")
    output = tmp_path / "events.ndjson"
    summary = files.import_to(dry_run=True, output=output)
    assert (summary.accepted, summary.total_events, summary.rejected) == (3, 4, {"time_ahead": 1})
    assert [each["reason"] for each in files.rejections()] == ["time_ahead"]
    written = [json.loads(line) for line in output.read_text().splitlines()]
    assert [(each["id"], each["subject"]) for each in written] == [("1", "ann"), ("2", "bob"), ("3", "ann")]
    assert any("nothing was sent" in line for line in summary_lines(summary))


def test_a_dry_run_reads_telephone_numbers_as_the_site_does(files: Files):
    """A number without a prefix is judged in the country of the site."""
    files.write("ID,TIME,WHO,STEP\n1,2020-01-01T00:00:00Z,tel:202-456-1111,a\n")
    assert files.import_to(dry_run=True, phone_region="FR").rejected == {"invalid_phone_number": 1}
    assert files.import_to(dry_run=True, phone_region="US").rejected == {}


def test_the_second_import_says_that_nothing_counts_twice(files: Files, ingest: Ingest):
    """Everything is accepted again, and the summary says that what was sent before is counted once."""
    for _ in range(2):
        lines = list(summary_lines(files.import_to(ingest.url)))
        assert "accepted    3, of which those sent before are counted once" in lines


def test_a_wrong_mapping_or_file_sends_nothing(files: Files, ingest: Ingest):
    """What is wrong with mapping or header is found before the first request."""
    files.write(TABLE.replace("WHO", "WHOM"))
    with pytest.raises(ConfigurationError, match="WHO"):
        files.import_to(ingest.url)
    files.write(TABLE, 'steep = "x"')
    with pytest.raises(ConfigurationError, match="steep"):
        files.import_to(ingest.url)
    assert ingest.stored(Kind.EVENTS) == []
    assert not any(str(each["type"]).startswith("import.") for each in ingest.stored(Kind.CONTROL))


def test_no_platform_is_one_clear_line(files: Files):
    """Nobody answers: the error names the service and its address."""
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unreachable, match=f"the ingest service at {url} does not answer"):
        files.import_to(url, sleep=lambda _s: None)


def test_a_file_of_rejections_that_cannot_be_written_is_one_line(files: Files):
    """A rejection that cannot be kept stops the import instead of being lost."""
    files.rejected.mkdir()
    with pytest.raises(ParcoursError, match="cannot be replaced"):
        files.import_to(dry_run=True)


def test_the_summary_tells_everything(files: Files):
    """Rows, events by type and channel, repetitions, rejects by reason."""
    base = EVENT + 'channel = { value = "{WHO}", map = { ann = "web", bob = "phone" } }\n'
    files.write(TABLE + "4,soon,ann,d\n1,2020-01-01T00:00:00Z,ann,a\n", "", base)
    text = "\n".join(summary_lines(files.import_to(dry_run=True)))
    for expected in (
        "rows        5, of which skipped 0",
        "web                  2",
        "phone                1",
        "repeated    1 in the file, not sent again",
    ):
        assert expected in text
    assert "bad_time                                    1" in text


def freshness(**streams: int) -> Answer:
    """Analytics as far as the offsets say; `_` in a name stands for `-` and `.`."""
    names = {"loaded": "journey-events.ingest", "loaded_of_cluster": "journey-events", "detected": "detected"}
    return Answer(
        200,
        {
            "streams": {
                names[name]: {"log_id": "L", "next_offsets": {"0": end}, "at": "2020-01-01T00:00:00Z"}
                for name, end in streams.items()
            },
            "lag": {},
        },
    )


def waited(answers: list[Answer], slept: list[float]) -> None:
    """Waits for the ends, with each answer once and the last for ever."""

    def answer(_asked: Asked) -> Answer:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    with scripted_server(answer) as server, ServiceClient("analytics", server.url, sleep=slept.append) as analytics:
        wait_until_queryable(
            analytics, Ends("L", {"0": 10}), sleep=slept.append, progress=NoProgress(), standstill_s=STANDSTILL_S
        )


def test_waiting_ends_when_events_and_points_are_there():
    """Both what is loaded and what is detected must have come to the ends."""
    slept: list[float] = []
    waited(
        [freshness(), freshness(loaded=10), freshness(loaded=12, detected=9), freshness(loaded=12, detected=10)], slept
    )
    assert len(slept) == 3


def test_waiting_knows_the_topic_of_a_cluster():
    """There the stream has the topic's own name."""
    slept: list[float] = []
    waited([freshness(loaded_of_cluster=9, detected=10), freshness(loaded_of_cluster=10, detected=10)], slept)
    assert len(slept) == 1


def test_waiting_is_bounded_without_progress():
    """As long as anything moves it waits on; when nothing moves for long it says so."""
    slept: list[float] = []
    moving = [freshness(loaded=number, detected=number) for number in range(5)]
    with pytest.raises(ParcoursError, match="nothing moved for"):
        waited([*moving, freshness(loaded=4, detected=4)], slept)
    assert STANDSTILL_S <= sum(slept) <= STANDSTILL_S + 6 * POLL_S


def test_another_log_is_not_waited_for():
    """An analytics service that reads another log will never get there."""
    other = freshness(loaded=1, detected=1)
    other.document["streams"]["detected"]["log_id"] = "M"
    with pytest.raises(ParcoursError, match="another log"):
        waited([other], [])


def test_an_answer_that_was_lost_is_asked_for_again(files: Files, tmp_path: Path):
    """A batch whose answer is lost is sent again, and counted once."""
    lost: list[str] = []

    def answer(asked: Asked) -> Answer:
        if asked.path != "/v1/events":
            return Answer(202, {"log_id": "L", "ends": {"0": 1}})
        if not lost:
            lost.append(asked.path)
            return Answer(0)
        return Answer(202, {"results": [{"status": "accepted", "id": each["id"]} for each in json.loads(asked.body)]})

    with scripted_server(answer) as server:
        summary = files.import_to(server.url, sleep=lambda _s: None)
    assert [asked.path for asked in server.asked] == ["/v1/imports", "/v1/events", "/v1/events", "/v1/imports/finish"]
    assert server.asked[1].body == server.asked[2].body
    assert server.asked[1].headers["content-type"] == "application/cloudevents-batch+json"
    assert summary.accepted == 3


@pytest.mark.parametrize("at", ["/v1/imports", "/v1/events"])
def test_an_import_that_breaks_off_is_not_called_finished(files: Files, at: str):
    """When sending fails, `import.finished` is not sent: the source's clock stays where its events are."""

    def answer(asked: Asked) -> Answer:
        return Answer(500, {"detail": "broken"}) if asked.path == at else Answer(202, {"log_id": "L", "ends": {"0": 1}})

    with scripted_server(answer) as server, pytest.raises(ParcoursError, match="500 broken"):
        files.import_to(server.url)
    assert "/v1/imports/finish" not in [asked.path for asked in server.asked]


def test_progress_goes_through_all_phases(files: Files, ingest: Ingest):
    """Reading and sending show how far they are, up to their ends."""
    seen: list[tuple[str, int]] = []

    class Recorder:
        def begin(self, phase: str, total: int, unit: str) -> None:
            seen.append((phase, total))

        def advance(self, done: int) -> None:
            seen.append(("", done))

        def end(self) -> None:
            seen.append(("end", 0))

    files.import_to(ingest.url, progress=Recorder())
    size = files.table.stat().st_size
    assert seen == [("Reading", size), ("", size), ("Sending", 3), ("", 3), ("end", 0)]
