"""The secrets of a site."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import ConfigurationError
from shared.privacy.keys import KEY_BYTES, Keys, load_or_make_keys

NAMES = ["pseudonym-1.key", "routing.key", "sealing.key"]


def mode(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_first_start_makes_three_different_keys(tmp_path: Path) -> None:
    """A new folder gets three random keys in files that only their owner may read."""
    folder = tmp_path / "data" / "keys"
    keys = load_or_make_keys(folder)
    made = [keys.routing, keys.pseudonym[1], keys.sealing]
    assert [len(key) for key in made] == [KEY_BYTES] * 3
    assert len(set(made)) == 3
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == dict.fromkeys(NAMES, 0o600)
    assert load_or_make_keys(tmp_path / "other") != keys


def test_later_starts_read_the_same_keys(tmp_path: Path) -> None:
    """What was made stays."""
    assert load_or_make_keys(tmp_path / "keys") == load_or_make_keys(tmp_path / "keys")


def test_empty_folder_that_others_may_enter_is_closed(tmp_path: Path) -> None:
    """A folder that was made beforehand, as a volume is, is closed before keys are put there."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    load_or_make_keys(folder)
    assert mode(folder) == 0o700


_STARTER = """
import sys
from pathlib import Path
from shared.privacy.keys import load_or_make_keys
print("ready", flush=True)
for line in sys.stdin:
    keys = load_or_make_keys(Path(line.strip()))
    print((keys.routing + keys.pseudonym[1] + keys.sealing).hex(), flush=True)
"""


def test_processes_starting_at_once_get_the_same_keys(tmp_path: Path) -> None:
    """Whoever comes first makes the keys; all use those."""
    processes = [
        subprocess.Popen([sys.executable, "-c", _STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [tell(process) for process in processes] == ["ready"] * 4
    for number in range(25):
        for process in processes:
            say(process, f"{tmp_path / str(number)}")
        answers = {tell(process) for process in processes}
        assert len(answers) == 1
        assert len(answers.pop()) == 3 * 2 * KEY_BYTES
    for process in processes:
        process.communicate()


def say(process: "subprocess.Popen[str]", line: str) -> None:
    """Send a line."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def tell(process: "subprocess.Popen[str]") -> str:
    """Receive a line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_keys_of_later_epochs_are_read(tmp_path: Path) -> None:
    """Each epoch's key is read under its number; other files are left alone."""
    keys = load_or_make_keys(tmp_path)
    (tmp_path / "pseudonym-12.key").write_bytes(b"t" * KEY_BYTES)
    (tmp_path / "pseudonym-12.key").chmod(0o600)
    (tmp_path / "pseudonym-x.key").write_bytes(b"not an epoch")
    assert load_or_make_keys(tmp_path).pseudonym == {1: keys.pseudonym[1], 12: b"t" * KEY_BYTES}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", [0o644, 0o640, 0o602, 0o660])
def test_key_that_others_may_use_is_refused(tmp_path: Path, name: str, wrong: int) -> None:
    """A key more open than 600 is refused in one line that says how to close it."""
    load_or_make_keys(tmp_path)
    (tmp_path / name).chmod(wrong)
    with pytest.raises(ConfigurationError, match=rf"mode {wrong:03o}.*chmod 600 .*{name}") as refusal:
        load_or_make_keys(tmp_path)
    assert "\n" not in str(refusal.value)


def test_folder_that_others_may_use_is_refused(tmp_path: Path) -> None:
    """A folder of keys more open than 700 is refused."""
    load_or_make_keys(tmp_path / "keys")
    (tmp_path / "keys").chmod(0o750)
    with pytest.raises(ConfigurationError, match="chmod 700"):
        load_or_make_keys(tmp_path / "keys")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size_bytes", [0, KEY_BYTES - 1, KEY_BYTES + 1])
def test_key_of_another_length_is_refused(tmp_path: Path, name: str, size_bytes: int) -> None:
    """A truncated or foreign key is refused by name; it is never replaced."""
    load_or_make_keys(tmp_path)
    (tmp_path / name).write_bytes(b"k" * size_bytes)
    with pytest.raises(ConfigurationError, match=rf"{name}.*{size_bytes}"):
        load_or_make_keys(tmp_path)
    assert (tmp_path / name).read_bytes() == b"k" * size_bytes


@pytest.mark.parametrize("name", NAMES)
def test_lost_key_is_not_made_anew(tmp_path: Path, name: str) -> None:
    """When one key is gone and the others are there, nothing is made: a new one would tear journeys apart unseen."""
    load_or_make_keys(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ConfigurationError, match=rf"{name}.*missing.*backup"):
        load_or_make_keys(tmp_path)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("named", [0, 1, 2, 3])
def test_first_start_that_was_cut_off_is_finished(tmp_path: Path, named: int) -> None:
    """Killed after writing the keys and naming some of them, the next start goes on with the same keys."""
    load_or_make_keys(tmp_path)
    made = {name: (tmp_path / name).read_bytes() for name in NAMES}
    for name in ["routing.key", "pseudonym-1.key", "sealing.key"][named:]:
        (tmp_path / name).rename(tmp_path / f"{name}.new")
    keys = load_or_make_keys(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES
    if named:
        assert [keys.pseudonym[1], keys.routing, keys.sealing] == [made[name] for name in NAMES]


def test_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    """A file in the folder's place is an error of configuration, without a traceback."""
    (tmp_path / "keys").write_text("in the way")
    with pytest.raises(ConfigurationError, match="keys cannot be used"):
        load_or_make_keys(tmp_path / "keys")


def test_keys_do_not_show_themselves() -> None:
    """Neither repr nor str of the keys shows a secret, so that no log line does."""
    keys = Keys(b"secret-routing", {1: b"secret-pseudonym"}, b"secret-sealing")
    assert "secret" not in f"{keys!r} {keys!s}"
