"""`parcours dump` and `parcours restore`: the commands, and from one site's folder to another's, with its own process each."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from shared.log.port import Kind
from shared.privacy.keys import load_or_make_keys
from shared.registry.keeper import LeaseKeeper
from shared.registry.registry import Registry
from tests.clickhouse_http.process import ClickHouseOverHttp
from tests.commands.local import Local, parcours
from tests.loader.samples import Logs, event
from tests.run.platform import ROOT

FILL = """
import sys
from pathlib import Path
from services.wiring.site_store import open_site_store
from shared.settings import Settings
from shared.store.migrate import migrate
from tests.loader.samples import Logs
store = open_site_store(Settings(data=Path(sys.argv[1])))
migrate(store)
Logs(Path(sys.argv[2])).loader(store).run_once()
store.close()
"""


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    named = {f"PARCOURS_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **named},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def program(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return run("-m", "services", *arguments, **settings)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The data folder of a site with keys and 300 events."""
    data = tmp_path / "site"
    logs = Logs(tmp_path / "log")
    logs.append(Kind.EVENTS, [event(number) for number in range(300)])
    logs.close()
    load_or_make_keys(data / "keys")
    filled = run("-c", FILL, str(data), str(tmp_path / "log"))
    assert filled.returncode == 0, filled.stderr
    return data


def copy_keys(site: Path, other: Path) -> None:
    """As an operator does."""
    subprocess.run(["cp", "-a", site / "keys", other / "keys"], check=True)


def test_from_one_folder_to_another(site: Path, tmp_path: Path) -> None:
    """Without the keys, or with other ones, nothing is restored; with them every row is, once."""
    dumped = program("dump", str(tmp_path / "dump"), data=str(site))
    assert dumped.returncode == 0, dumped.stderr
    assert "Dumped 300 events, 0 points" in dumped.stdout
    assert "keys" in dumped.stdout
    other = tmp_path / "other"
    refused = program("restore", str(tmp_path / "dump"), data=str(other))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "copy the folder keys/" in refused.stderr
    other.mkdir()
    load_or_make_keys(other / "keys")
    refused = program("restore", str(tmp_path / "dump"), data=str(other))
    assert refused.returncode == 2
    assert "is not the key that the dump was made with" in refused.stderr
    subprocess.run(["rm", "-r", other / "keys"], check=True)
    copy_keys(site, other)
    restored = program("restore", str(tmp_path / "dump"), data=str(other))
    assert restored.returncode == 0, restored.stderr
    assert "Restored 300 events" in restored.stdout
    assert "parcours redetect" in restored.stdout
    again = program("restore", str(tmp_path / "dump"), data=str(other))
    assert again.returncode == 2
    assert "events holds 300 rows" in again.stderr


def test_from_one_machine_to_a_server_whose_loader_is_stopped(site: Path, tmp_path: Path) -> None:
    """The way to a cluster: while a loader holds its lease nothing is restored; afterwards all is, into a new database."""
    assert program("dump", str(tmp_path / "dump"), data=str(site)).returncode == 0
    front = ClickHouseOverHttp(tmp_path / "server" / "clickhouse")
    front.start()
    other = tmp_path / "other"
    other.mkdir()
    copy_keys(site, other)
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    settings: Mapping[str, str] = {
        "data": str(other),
        "clickhouse": front.dsn.replace("/default", "/parcours"),
        "registry": url,
    }
    with Registry(url) as registry:
        registry.upgrade()
        with LeaseKeeper(registry.leases, "loader", "loader-1") as keeper:
            assert keeper.wait(5)
            refused = program("restore", str(tmp_path / "dump"), **settings)
    assert refused.returncode == 2
    assert "A loader is running (loader-1)" in refused.stderr
    restored = program("restore", str(tmp_path / "dump"), **settings)
    assert restored.returncode == 0, restored.stderr
    assert "Restored 300 events" in restored.stdout
    dumped = program("dump", str(tmp_path / "again"), **settings)
    assert dumped.returncode == 0, dumped.stderr
    assert "Dumped 300 events" in dumped.stdout
    front.kill()


def test_a_site_without_keys_has_nothing_to_dump(tmp_path: Path) -> None:
    """A mistyped data folder is not taken for an empty site."""
    refused = program("dump", str(tmp_path / "dump"), data=str(tmp_path / "mistyped"))
    assert refused.returncode == 2
    assert "there are no keys" in refused.stderr
    assert not (tmp_path / "dump").exists()


def test_the_commands_say_what_was_done(tmp_path: Path) -> None:
    """Rows by table, how far it is on standard error, and what comes next."""
    local = Local(tmp_path)
    dumped = parcours(local, "dump", str(tmp_path / "dump"))
    assert (dumped.exit_code, dumped.stdout.split(" into ")[0]) == (0, "Dumped 2 events")
    assert "Dumping: 2 rows" in dumped.stderr
    restored = parcours(local, "restore", str(tmp_path / "dump"))
    assert (restored.exit_code, restored.stderr) == (0, "")
    assert restored.stdout == "Restored 0 events. Next: start the platform, then `parcours redetect`.\n"
    assert local.calls == [f"dump {tmp_path / 'dump'}", f"restore {tmp_path / 'dump'}"]
