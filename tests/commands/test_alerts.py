"""`parcours alerts`: what is asked for, and what is told."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from services.alerts.backtest import Fired, Outcome
from services.wiring.local import LocalPlatform
from shared.alerts.finding import Finding, Series
from shared.journey.instants import HOUR_US, from_text
from shared.store.client import Store
from tests.commands.local import Local, parcours

SPAN = ("alerts", "backtest", "--from", "2026-03-01", "--to", "2026-03-31")
TEN = from_text("2026-03-11T09:00:00.000000Z")
FINDING = Finding(
    series=Series("rise", "error_loop", "housing", "web"),
    window="fast",
    from_us=TEN,
    to_us=TEN + 900_000_000,
    since_us=TEN,
    observed=42,
    expected=6,
    probability=1e-9,
    citizens=41,
)


def test_nothing_is_told_plainly(tmp_path: Path) -> None:
    """The span, how much was watched, and that nothing would have fired."""
    site = Local(tmp_path)
    done = parcours(site, *SPAN)
    assert done.exit_code == 0
    assert site.calls == ["backtest 2026-03-01 2026-03-31 None"]
    assert "2026-03-01 to 2026-03-31 (Europe/Paris): 12 series, 96 rounds." in done.stdout
    assert done.stdout.endswith("Nothing would have fired.\n")


@pytest.mark.parametrize(("lang", "kind"), [("fr", "hausses"), ("en", "rises")])
def test_each_alert_is_told_with_when_how_long_and_why(tmp_path: Path, lang: str, kind: str) -> None:
    """By the clock of the site, in the reader's language; what still lasted at the end, and the sum by kind."""
    site = Local(tmp_path)
    lasting = Fired(replace(FINDING, observed=7, citizens=6), TEN, None)
    site.outcome = Outcome(fired=[Fired(FINDING, TEN, TEN + HOUR_US), lasting], rounds=5, series=3, left_out=4)
    told = parcours(site, *SPAN, "--lang", lang).stdout
    assert "2026-03-11 10:00" in told
    assert ("1\u00a0heure" if lang == "fr" else "1\u00a0hour") in told
    assert ("en cours" if lang == "fr" else "lasting on") in told
    assert "rise fast  warning" in told
    assert "42 " in told
    assert ("moins de 10" if lang == "fr" else "fewer than 10") in told
    assert f"2 {kind}" in told
    assert ("ATTENTION : 4" if lang == "fr" else "WARNING: 4") in told


def test_wrong_settings_are_told_with_their_line(tmp_path: Path) -> None:
    """Nothing is read before the file is right; its status is that of a configuration error."""
    file = tmp_path / "alerts.toml"
    file.write_text("[rises]\nweeks = 1\n")
    done = parcours(Local(tmp_path), *SPAN, "--settings", str(file))
    assert done.exit_code == 2
    assert f"{file}, line 2: rises.weeks: expected" in done.stderr


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """By the option that named it."""
    done = parcours(Local(tmp_path), *SPAN, "--settings", str(tmp_path / "none.toml"))
    assert done.exit_code == 2
    assert f"--settings={tmp_path / 'none.toml'}: the alert file cannot be read" in done.stderr


def test_wrong_settings_stop_the_start(tmp_path: Path) -> None:
    """Before anything is made or opened."""
    file = tmp_path / "alerts.toml"
    file.write_text("[rises]\nweeks = 1\n")
    site = LocalPlatform({"PARCOURS_DATA": str(tmp_path / "data"), "PARCOURS_ALERTS": str(file)})
    done = parcours(site, "run")  # type: ignore[arg-type]
    assert done.exit_code == 2
    assert f"{file}, line 2: rises.weeks: expected" in done.stderr
    assert not (tmp_path / "data").exists()


RECEIVER = (
    '[notification]\notherwise = "duty"\n[notification.receiver.duty]\nkind = "webhook"\nurl = "https://a.example"\n'
    'key = { environment = "MY_HOOK_KEY" }\n'
)


def test_a_secret_that_is_missing_stops_the_start(tmp_path: Path) -> None:
    """Before anything is made or opened, with the line and the whole name of the setting."""
    file = tmp_path / "alerts.toml"
    file.write_text(RECEIVER)
    site = LocalPlatform({"PARCOURS_DATA": str(tmp_path / "data"), "PARCOURS_ALERTS": str(file)})
    done = parcours(site, "run")  # type: ignore[arg-type]
    assert done.exit_code == 2
    assert f"{file}, line 6: notification.receiver.duty.key: the variable MY_HOOK_KEY" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("lang", "right"), [("C.UTF-8", "is right."), ("fr_FR.UTF-8", "est correct.")])
def test_a_file_is_checked_without_a_start(tmp_path: Path, lang: str, right: str) -> None:
    """That of the argument, else that of the site; secrets as this environment has them, unless they are left out."""
    file, data = tmp_path / "alerts.toml", tmp_path / "data"
    file.write_text(RECEIVER)
    bare = LocalPlatform({"PARCOURS_DATA": str(data)})
    keyed = LocalPlatform({"PARCOURS_DATA": str(data), "PARCOURS_ALERTS": str(file), "MY_HOOK_KEY": "k" * 32})
    for site, *arguments in ((keyed,), (keyed, str(file)), (bare, "--no-secrets", str(file))):
        done = parcours(site, "alerts", "check", *arguments, LANG=lang)  # type: ignore[arg-type]
        assert (done.exit_code, done.stdout) == (0, f"{file} {right}\n")
    done = parcours(bare, "alerts", "check", str(file))  # type: ignore[arg-type]
    assert (done.exit_code, done.stdout) == (2, "")
    assert "line 6: notification.receiver.duty.key" in done.stderr
    assert not data.exists()


def test_a_check_tells_every_mistake(tmp_path: Path) -> None:
    """A line each; a file that is missing, or that nobody named, is told, too."""
    file = tmp_path / "alerts.toml"
    file.write_text("[rises]\nweeks = 1\n[notification]\nnothing = 1\n")
    site = LocalPlatform({})
    done = parcours(site, "alerts", "check", str(file))  # type: ignore[arg-type]
    assert done.exit_code == 2
    assert f"{file}, line 2: rises.weeks" in done.stderr
    assert f"{file}, line 4: notification.nothing" in done.stderr
    missing = parcours(site, "alerts", "check", str(tmp_path / "none.toml"))  # type: ignore[arg-type]
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)
    unnamed = parcours(site, "alerts", "check")  # type: ignore[arg-type]
    assert (unnamed.exit_code, "PARCOURS_ALERTS is not set" in unnamed.stderr) == (2, True)


def test_a_span_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    """As is a day that is none."""
    assert parcours(Local(tmp_path), "alerts", "backtest", "--from", "2026-03-02", "--to", "2026-03-01").exit_code == 2
    assert parcours(Local(tmp_path), "alerts", "backtest", "--from", "2026-02-30", "--to", "2026-03-01").exit_code == 2


def test_a_folder_in_use_is_said(tmp_path: Path, http_store: Store) -> None:
    """While the platform holds the folder, the command says who, and what to do; a server can be asked beside it."""
    lock = Store(f"chdb://{tmp_path / 'clickhouse'}", 1_024, 10)
    lock._hold_folder(tmp_path / "clickhouse")  # as a running platform holds it
    try:
        done = parcours(LocalPlatform({"PARCOURS_DATA": str(tmp_path)}), *SPAN)  # type: ignore[arg-type]
    finally:
        lock.close()
    assert done.exit_code == 1
    assert "stop it, or use its API" in done.stderr or "in use" in done.stderr
    server = {"PARCOURS_DATA": str(tmp_path), "PARCOURS_CLICKHOUSE": http_store._dsn}
    assert "Nothing would have fired." in parcours(LocalPlatform(server), *SPAN).stdout  # type: ignore[arg-type]
