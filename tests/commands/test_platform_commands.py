"""Commands that ask the running platform: rejected, redetect, doctor, migrate; import and rules."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from services.commands.progress import LINE_INTERVAL_S, BarProgress, LineProgress
from services.commands.redetect import MAX_STANDSTILL_S, follow_run
from shared.client.http_client import ServiceClient
from shared.client.progress import NoProgress
from shared.detection.settings import DEFAULTS
from shared.errors import ParcoursError
from tests.commands.local import Local, parcours
from tests.importer.mappings import mapping_text
from tests.importer.running_ingest import running_ingest
from tests.importer.scripted_server import Answer, Asked, Script, scripted_server


@contextmanager
def platform(folder: Path, answer: Callable[[Asked], Answer]) -> Iterator[tuple[Local, Script]]:
    """A site whose analytics service answers as told."""
    with scripted_server(answer) as server:
        yield Local(folder, port=int(server.url.rsplit(":", 1)[1])), server


def test_rejected_list_counts_and_explains(tmp_path: Path):
    """Counts by reason with what each means; the grouping and the language are passed on."""
    rows = [
        {"reason": "missing_field", "events": 1200},
        {"reason": "other", "events": 1},
        {"reason": None, "events": 2},
    ]
    with platform(tmp_path, lambda _: Answer(200, {"rows": rows, "total": 1203})) as (local, server):
        lines = parcours(local, "rejected", "list", "--lang", "fr").stdout.splitlines()
        assert [asked.path for asked in server.asked] == ["/api/v1/rejected/summary?group_by=reason"]
        assert server.asked[0].headers["accept-language"] == "fr"
    assert lines[0].split() == [
        "1,200",
        "missing_field",
        *["Ce", "champ", "est", "obligatoire", ";", "un", "texte", "vide", "ou", "null", "compte", "comme", "absent."],
    ]
    assert lines[2].split() == ["2", "-"]
    assert lines[3].split() == ["1,203", "in", "all"]


def test_rejected_list_by_gateway(tmp_path: Path):
    """Other groups are shown without an explanation."""
    answer = Answer(200, {"rows": [{"gateway": "/v1/web/events", "events": 5}], "total": 5})
    with platform(tmp_path, lambda _: answer) as (local, server):
        result = parcours(local, "rejected", "list", "--by", "gateway")
        assert server.asked[0].path.endswith("group_by=gateway")
    assert result.stdout == "           5  /v1/web/events\n           5  in all\n"


def test_an_answer_of_another_version_is_one_line(tmp_path: Path):
    """An answer that is not understood is said so, without a traceback."""
    with platform(tmp_path, lambda _: Answer(200, {"lines": []})) as (local, _server):
        result = parcours(local, "rejected", "list")
    assert result.exit_code == 1
    assert "the answer is not understood" in result.stderr


REPORT = {
    "parts": [
        {"name": "log", "status": "ok", "message": "12 records"},
        {"name": "detector", "status": "error", "message": "does not run", "advice": "Start it with `parcours run`."},
    ],
    "extra": 1,
}


def test_doctor_asks_the_running_platform(tmp_path: Path):
    """While the platform runs its own report is shown: each part, what is wrong, what to do; status 1 for an error."""
    with platform(tmp_path, lambda _: Answer(200, REPORT)) as (local, server):
        result = parcours(local, "doctor")
        assert [asked.path for asked in server.asked] == ["/api/v1/doctor"]
    assert local.calls == []
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "ok       log       12 records",
        "ERROR    detector  does not run",
        "                   Start it with `parcours run`.",
    ]


def test_doctor_looks_from_here_when_the_platform_does_not_run(tmp_path: Path):
    """Without a platform the data are looked at from this process; warnings are no error."""
    local = Local(tmp_path)
    local.report = {"parts": [{"name": "log", "status": "warning", "message": "old"}]}
    result = parcours(local, "doctor", "--json")
    assert local.calls == ["doctor"]
    assert result.exit_code == 0
    assert json.loads(result.stdout) == local.report


def test_doctor_gives_all_of_the_report_as_json(tmp_path: Path):
    """`--json` passes the whole report on."""
    with platform(tmp_path, lambda _: Answer(200, REPORT)) as (local, _server):
        result = parcours(local, "doctor", "--json")
    assert json.loads(result.stdout) == REPORT


def test_migrate_plans_and_applies_from_here(tmp_path: Path):
    """Without a platform, `--plan` only shows, and without it the missing are applied."""
    local = Local(tmp_path)
    assert parcours(local, "migrate", "--plan").stdout == "applied  0001_events.sql\nplanned  0002_points.sql\n"
    assert parcours(local, "migrate").stdout == "applied  0001_events.sql\napplied  0002_points.sql\n"
    assert local.calls == ["plan", "apply"]


def test_migrate_asks_the_running_platform(tmp_path: Path):
    """A running platform has applied them: it is asked, and its tables are not touched from here."""
    answer = Answer(200, [{"name": "0001_events.sql", "status": "applied", "number": 1}])
    with platform(tmp_path, lambda _: answer) as (local, _server):
        assert parcours(local, "migrate").stdout == "applied  0001_events.sql\n"
    assert local.calls == []


def run_states(*states: dict[str, Any]) -> Callable[[Asked], Answer]:
    """A run that is started, then in each state once, the last for ever."""
    left = list(states)

    def answer(asked: Asked) -> Answer:
        if asked.method == "POST":
            return Answer(202, {"run": "r1"})
        return Answer(200, left.pop(0) if len(left) > 1 else left[0])

    return answer


def test_redetect_starts_a_run_and_follows_it(tmp_path: Path):
    """The run is started, for one service if asked, and followed to its end."""
    states = [{"state": "running", "done": 0, "total": 0}, {"state": "finished", "done": 1234, "total": 1234}]
    with platform(tmp_path, run_states(*states)) as (local, server):
        result = parcours(local, "redetect", "--service", "parking")
        assert json.loads(server.asked[0].body) == {"service": "parking"}
        assert [asked.path for asked in server.asked] == ["/api/v1/redetections", *["/api/v1/redetections/r1"] * 2]
    assert result.stdout == "Detected again: 1,234 journeys (run r1).\n"
    assert result.exit_code == 0


def test_a_run_that_fails_is_an_error(tmp_path: Path):
    """What went wrong with the run is the command's error."""
    failed = {"state": "failed", "done": 1, "total": 9, "problem": "the detector does not answer"}
    with platform(tmp_path, run_states(failed)) as (local, _server):
        result = parcours(local, "redetect")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "parcours: run r1 failed: the detector does not answer"


def test_a_refused_run_is_an_error(tmp_path: Path):
    """A run that may not start says why."""
    with platform(tmp_path, lambda _: Answer(409, {"detail": "A run is under way."})) as (local, _server):
        result = parcours(local, "redetect")
    assert "refuses: 409 A run is under way." in result.stderr


def test_a_run_that_stands_still_is_given_up():
    """Following ends, with an error, when nothing moves for long."""
    slept: list[float] = []
    with (
        scripted_server(run_states({"state": "running", "done": 1, "total": 9})) as server,
        ServiceClient("analytics", server.url) as analytics,
        pytest.raises(ParcoursError, match="has not moved"),
    ):
        follow_run(analytics, "r1", NoProgress(), lambda wait_s: slept.append(100 * wait_s), standstill_s=2.0)
    assert 0 < sum(slept) / 100 <= 3.0 < MAX_STANDSTILL_S


def test_rules_are_the_register(tmp_path: Path):
    """The register in both languages, as text, Markdown and JSON, with all eighteen rules."""
    local = Local(tmp_path)
    french = parcours(local, "rules", "--lang", "fr").stdout
    assert "Recontact pour la même démarche\n---" in french
    assert "**" not in french
    assert max(map(len, french.splitlines())) <= 100
    assert parcours(local, "rules", LANG="fr_FR.UTF-8").stdout == french
    markdown = parcours(local, "rules", "--lang", "en", "--format", "markdown").stdout
    assert markdown.count("\n## ") == 18
    entries = json.loads(parcours(local, "rules", "--format", "json").stdout)
    assert len({entry["rule"] for entry in entries}) == 18


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "Settings in force in the running platform (version 7).\n"),
        ("fr", "Réglages en vigueur dans la plateforme (version 7).\n"),
    ],
)
def test_rules_are_those_of_the_running_platform(tmp_path: Path, lang: str, said: str):
    """While the platform runs, its settings are shown, not those of the environment, and it is said so apart from the register."""
    document = DEFAULTS | {"ping_pong": DEFAULTS["ping_pong"] | {"enabled": True}}
    with platform(tmp_path, lambda _: Answer(200, {"version": 7, "document": document})) as (local, server):
        result = parcours(local, "rules", "--format", "json", "--lang", lang)
        assert [asked.path for asked in server.asked] == ["/api/v1/rules"]
    enabled = {entry["rule"]: entry["enabled"] for entry in json.loads(result.stdout)}
    assert enabled["ping_pong"] is True
    assert DEFAULTS["ping_pong"]["enabled"] is False
    assert result.stderr == said


def test_rules_of_a_platform_that_does_not_run_are_said_to_be_the_environments(tmp_path: Path):
    """Without a platform the settings of the environment are shown, and it is said so."""
    result = parcours(Local(tmp_path), "rules", "--lang", "en")
    assert result.exit_code == 0
    assert result.stderr == "The platform does not run: these are the settings of this environment (the defaults).\n"


@pytest.mark.parametrize("command", [("redetect",), ("rejected", "list")])
def test_a_command_without_a_platform_says_how_to_start_it(tmp_path: Path, command: tuple[str, ...]):
    """What needs the platform asks whether it runs, and names the ways to start and to find it."""
    result = parcours(Local(tmp_path), *command)
    assert result.exit_code == 1
    assert "is Parcours running? `make run` starts it" in result.stderr
    assert "PARCOURS_PORT" in result.stderr


def test_import_prints_a_summary_and_the_status_tells_rejections(tmp_path: Path):
    """The command imports through the gateways, shows progress apart from the summary, and ends with 1 if anything was rejected."""
    table, mapping = tmp_path / "t.csv", tmp_path / "m.toml"
    mapping.write_text(mapping_text())
    table.write_text("ID,TIME\n1,2020-01-01T00:00:00Z\n")
    with running_ingest(tmp_path / "data") as ingest:
        local = Local(tmp_path / "data", ingest_port=ingest.settings.ingest_port)
        result = parcours(local, "import", str(table), "--mapping", str(mapping))
        assert result.exit_code == 0
        assert "accepted    1" in result.stdout
        assert "Sending: 1 events" in result.stderr
        table.write_text("ID,TIME\n1,2020-01-01T00:00:00Z\n2,soon\n")
        result = parcours(local, "import", str(table), "--mapping", str(mapping))
    assert result.exit_code == 1
    assert f"see         {table}.rejected.ndjson" in result.stdout


def test_import_errors_before_anything_is_sent_have_status_2(tmp_path: Path):
    """A wrong use, a wrong mapping and a column that is not there are told apart from rejections."""
    local = Local(tmp_path)
    table, mapping = tmp_path / "t.csv", tmp_path / "m.toml"
    mapping.write_text(mapping_text())
    table.write_text("ID\n1\n")
    result = parcours(local, "import", str(table), "--mapping", str(mapping))
    assert result.exit_code == 2
    assert 'has no column "TIME"' in result.stderr
    assert parcours(local, "import", str(table)).exit_code == 2
    result = parcours(local, "import", str(table), "--mapping", str(mapping), "--output", "x")
    assert (result.exit_code, "--output goes with --dry-run" in result.stderr) == (2, True)


def test_lines_of_progress_come_at_intervals():
    """Where there is no terminal, a line when a phase begins and then not more than one each interval."""
    file, now = StringIO(), [0.0]
    progress = LineProgress(file, lambda: now[0])
    progress.begin("Sending", 1_000, "events")
    for done in range(0, 1_000, 10):
        now[0] += LINE_INTERVAL_S / 20
        progress.advance(done)
    progress.end()
    lines = file.getvalue().splitlines()
    assert lines[0] == "Sending: 1,000 events"
    shown = (190, 390, 590, 790, 990)
    assert lines[1:] == [f"Sending: {done} events of 1,000 events ({done // 10} %)" for done in shown]


def test_a_bar_is_drawn_for_each_phase():
    """On a terminal each phase has its bar, which reaches its end."""

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    file = Terminal()
    progress = BarProgress(file)
    progress.begin("Reading", 10, "B")
    progress.advance(5)
    progress.begin("Sending", 0, "events")
    progress.advance(0)
    progress.end()
    progress.end()
    assert "Reading" in file.getvalue()
    assert "50%" in file.getvalue()
    assert "Sending" in file.getvalue()
