"""What `parcours run` refuses before it starts anything: one clear line each."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.supervisor import checks
from services.wiring.folder import DataFolder, read_json, write_json
from shared.errors import ConfigurationError, FolderInUse, LogMismatch, ParcoursError, PortInUse
from shared.log.local import LocalLogWriter
from shared.log.port import Kind, Record
from shared.log.positions import write_position
from shared.settings import Settings

STREAM = "journey-events.ingest"


def one_line(error: BaseException) -> str:
    """The text of the error, which must be one line."""
    text = str(error)
    assert text
    assert "\n" not in text
    return text


def test_a_port_in_use_names_its_variable() -> None:
    """The line names the port and the setting that moves it, for either port."""
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        port, free = taken.getsockname()[1], other.getsockname()[1]
        other.close()
        for settings, variable in (
            (Settings(port=port, ingest_port=free), "PARCOURS_PORT"),
            (Settings(port=free, ingest_port=port), "PARCOURS_INGEST_PORT"),
        ):
            with pytest.raises(PortInUse) as raised:
                checks.check_ports(settings)
            assert str(port) in one_line(raised.value)
            assert raised.value.args[0].endswith(variable)


def test_a_free_port_stays_free() -> None:
    """The check leaves the port to whoever comes next."""
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        settings = Settings(port=first.getsockname()[1], ingest_port=second.getsockname()[1])
    checks.check_ports(settings)
    checks.check_ports(settings)


@pytest.mark.parametrize("host", ["192.0.2.1", "no host at all", "x" * 300])
def test_a_host_that_is_not_ours_names_its_variable(host: str) -> None:
    """An address that this machine does not have is a matter of configuration."""
    with pytest.raises(ConfigurationError, match=r"^PARCOURS_HOST="):
        checks.check_ports(Settings(host=host))


@pytest.mark.parametrize(
    "settings", [Settings(port=0), Settings(ingest_port=65_536), Settings(port=8080, ingest_port=8080)]
)
def test_ports_that_cannot_be_are_refused(settings: Settings) -> None:
    """0, above 65535, and twice the same."""
    with pytest.raises(ConfigurationError, match="PARCOURS_"):
        checks.check_settings(settings)


def test_a_rule_file_that_is_missing_or_wrong_is_refused(tmp_path: Path) -> None:
    """The line names the file."""
    missing = tmp_path / "missing.toml"
    broken = tmp_path / "broken.toml"
    broken.write_text("[rules\n")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    for path in (missing, broken, binary, tmp_path):
        with pytest.raises(ConfigurationError) as raised:
            checks.check_settings(Settings(rules=path))
        assert str(path) in str(raised.value)


def test_a_second_start_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    """The line names the folder and the process that holds it; the lock ends with that process."""
    folder = DataFolder(tmp_path)
    script = (
        "import sys, time; from pathlib import Path; from services.wiring.folder import DataFolder\n"
        "with DataFolder(Path(sys.argv[1])).hold(''): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(FolderInUse) as raised, folder.hold(""):
            pass
        assert str(tmp_path) in one_line(raised.value)
        assert f"in use by process {holder.pid}: " in str(raised.value)
        holder.kill()
    with folder.hold("", wait_s=5):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_locks_of_services_are_apart(tmp_path: Path) -> None:
    """A service's lock does not collide with that of the platform or of another service."""
    folder = DataFolder(tmp_path)
    with folder.hold(""), folder.hold("ingest"), folder.hold("detector"), pytest.raises(FolderInUse):
        folder.hold("ingest", wait_s=0.1).__enter__()


def test_the_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    """What is below it may hold personal data until it is pseudonymised away."""
    folder = DataFolder(tmp_path / "var" / "parcours")
    checks.check_folder(folder, 0)
    assert stat.S_IMODE(folder.root.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.root.iterdir()) == ["health", "log", "logs", "positions"]
    assert [path for path in folder.root.rglob("*") if path.is_file()] == []


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path: Path) -> None:
    """A folder that cannot be made names itself and the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(ParcoursError, match="cannot be made") as raised:
        checks.check_folder(DataFolder(tmp_path / "file"), 0)
    one_line(raised.value)


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Act as `nobody` while inside where the tests run as root, to whom nothing is refused."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_folder_without_permission_is_one_line() -> None:
    """A folder that may not be made, or may not be written, names itself and the reason."""
    with tempfile.TemporaryDirectory(dir="/tmp") as parent:
        folder = DataFolder(Path(parent, "parcours"))
        Path(parent).chmod(0o555)
        with as_ordinary_user(), pytest.raises(ParcoursError, match="cannot be made: Permission denied"):
            checks.check_folder(folder, 0)
        Path(parent).chmod(0o755)
        folder.create()
        for made in (folder.root, *folder.root.iterdir()):
            made.chmod(0o555)
        with as_ordinary_user(), pytest.raises(ParcoursError, match=r"cannot be written .*Permission denied") as raised:
            checks.check_folder(folder, 0)
        assert str(folder.root) in one_line(raised.value)


@contextmanager
def folder_of_an_ordinary_user() -> Iterator[DataFolder]:
    """A data folder with a file of each kind, of a user to whom things can be refused."""
    with tempfile.TemporaryDirectory(dir="/tmp") as parent:
        Path(parent).chmod(0o777)
        with as_ordinary_user():
            folder = DataFolder(Path(parent, "parcours"))
            folder.create()
            filled_log(folder)
            for made in (folder.keys, folder.clickhouse, folder.clickhouse / "store"):
                made.mkdir()
            for name in ("detector.sqlite", "lock.ingest", "keys/routing.key", "positions/loader.json"):
                (folder.root / name).touch(mode=0o600)
            yield folder
        for path in folder.root.rglob("*"):
            path.chmod(0o700)


@pytest.mark.parametrize(
    "name",
    [
        "log/journey-events.ingest.sqlite", "detector.sqlite", "keys/routing.key", "keys", "clickhouse",
        "clickhouse/store", "positions/loader.json", "lock.ingest",
    ],
)  # fmt: skip
def test_a_file_without_permission_is_one_line(name: str) -> None:
    """Whatever in the data folder this user may not use is named before anything starts, and how to allow it."""
    with folder_of_an_ordinary_user() as folder:
        checks.check_folder(folder, 0)
        (folder.root / name).chmod(0)
        with pytest.raises(ParcoursError, match=r"may not .* \(mode 000, owner .*chmod u\+rwx? ") as raised:
            checks.check_folder(folder, 0)
        assert one_line(raised.value).startswith(f"{folder.root / name}: ")


def test_what_is_not_of_parcours_may_be_closed() -> None:
    """`lost+found` and the like in the folder are nobody's business; a file that is only read needs no more."""
    with folder_of_an_ordinary_user() as folder:
        (folder.root / "lost+found").mkdir(mode=0)
        (folder.keys / "routing.key").chmod(0o400)
        checks.check_folder(folder, 0)


def test_a_file_of_another_user_is_one_line() -> None:
    """A file that was put back as root is named, with its owner."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a file of another user")
    with folder_of_an_ordinary_user() as folder:
        os.seteuid(0)
        os.chown(folder.detector_state, 0, 0)
        os.seteuid(65_534)
        with pytest.raises(ParcoursError, match=r"detector\.sqlite: .*owner root\): start Parcours as the owner"):
            checks.check_folder(folder, 0)


def test_too_little_free_space_names_its_variable(tmp_path: Path) -> None:
    """Below the free space that the gateways ask for, nothing is started."""
    with pytest.raises(ParcoursError, match="PARCOURS_MIN_FREE_MB=2000000000") as raised:
        checks.check_folder(DataFolder(tmp_path), 2_000_000_000)
    one_line(raised.value)


@pytest.mark.mount
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """A disk on which not a megabyte can be written is named as full, and nothing is left behind on it."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a tmpfs is refused")
    try:
        with pytest.raises(ParcoursError, match="its disk is full") as raised:
            checks.check_folder(DataFolder(tmp_path), 0)
        one_line(raised.value)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def filled_log(folder: DataFolder) -> tuple[str, int]:
    """A log of three records: its id and its end."""
    writer = LocalLogWriter(folder.stream(STREAM), STREAM)
    writer.append([Record(0, Kind.EVENTS, b"[{}]", 1)] * 3)
    log_id, end = writer.log_id(), writer.ends()[0]
    writer.close()
    return log_id, end


def test_a_log_that_fits_its_consumers_passes(tmp_path: Path) -> None:
    """A consumer may stand anywhere up to the end; a folder without positions has nothing to compare."""
    folder = DataFolder(tmp_path)
    checks.check_log(folder)
    log_id, end = filled_log(folder)
    write_position(folder.positions, "loader", STREAM, log_id, {0: end})
    checks.check_log(folder)


@pytest.mark.parametrize("case", ["older", "another", "missing"])
def test_a_log_older_than_a_consumer_is_one_line(tmp_path: Path, case: str) -> None:
    """A log that ends before a consumer's position, is another one, or is gone, stops the start and names the consumer."""
    folder = DataFolder(tmp_path)
    log_id, end = filled_log(folder)
    position = {"older": (log_id, end + 1), "another": ("0" * 32, end), "missing": (log_id, end)}[case]
    write_position(folder.positions, "detector", STREAM, position[0], {0: position[1]})
    if case == "missing":
        for path in folder.log.iterdir():
            path.unlink()
    with pytest.raises(LogMismatch, match=r"^detector cannot go on: ") as raised:
        checks.check_log(folder)
    one_line(raised.value)


def test_small_files_are_replaced_whole(tmp_path: Path) -> None:
    """A reader of a damaged or missing file gets nothing rather than an error."""
    path = tmp_path / "demo.json"
    assert read_json(path) is None
    write_json(path, {"state": "loaded"})
    assert read_json(path) == {"state": "loaded"}
    for damaged in (b"{", b"[]", b"\xff"):
        path.write_bytes(damaged)
        assert read_json(path) is None
    assert [entry.name for entry in tmp_path.iterdir()] == ["demo.json"]
