"""The keys of a site belong to its log: another key is refused in one line, whatever else is in order."""

import json
from pathlib import Path

import pytest

from services.wiring.folder import DataFolder
from services.wiring.site_keys import check_site_keys, fingerprints, open_site_keys
from services.wiring.streams import EVENTS
from shared.errors import ConfigurationError
from tests.run.platform import running


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A data folder with keys and a log."""
    made = DataFolder(tmp_path / "data")
    made.create()
    open_site_keys(made)
    made.stream(EVENTS).touch()
    return made


def refused(folder: DataFolder) -> str:
    """The one line of the refusal."""
    with pytest.raises(ConfigurationError) as raised:
        check_site_keys(folder)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_the_same_keys_pass_and_their_fingerprint_tells_no_secret(folder: DataFolder) -> None:
    """The fingerprints stand beside the log from the first start on, 64 bits of each key's HMAC."""
    before = folder.key_fingerprints.read_bytes()
    check_site_keys(folder)
    assert folder.key_fingerprints.read_bytes() == before
    known = json.loads(before)
    assert set(known) == {"routing.key", "pseudonym-1.key", "sealing.key"}
    for name, fingerprint in known.items():
        assert len(fingerprint) == 16
        assert fingerprint not in (folder.keys / name).read_bytes().hex()


@pytest.mark.parametrize("name", ["routing.key", "pseudonym-1.key", "sealing.key"])
def test_another_key_is_refused(folder: DataFolder, name: str) -> None:
    """Each of the keys, replaced by one of another site, is named."""
    (folder.keys / name).write_bytes(bytes(32))
    assert refused(folder).startswith(f"{folder.keys / name} is not the key that ")


def test_a_key_of_a_further_epoch_is_noted_and_then_missed(folder: DataFolder) -> None:
    """A new epoch's key is welcome; once used it must stay."""
    second = folder.keys / "pseudonym-2.key"
    second.write_bytes(bytes(32))
    second.chmod(0o600)
    check_site_keys(folder)
    assert "pseudonym-2.key" in json.loads(folder.key_fingerprints.read_bytes())
    second.unlink()
    assert refused(folder).startswith(f"{second} is missing")


def test_an_older_folder_gets_its_fingerprints(folder: DataFolder) -> None:
    """A folder made before there were fingerprints is taken as it is, and held to its keys from then on."""
    folder.key_fingerprints.unlink()
    keys = open_site_keys(folder)
    assert json.loads(folder.key_fingerprints.read_bytes()) == fingerprints(keys)


def test_damaged_fingerprints_and_missing_keys_are_refused(folder: DataFolder) -> None:
    """Neither is silently made anew."""
    folder.key_fingerprints.write_bytes(b"{")
    assert "damaged" in refused(folder)
    for key in folder.keys.iterdir():
        key.unlink()
    assert "the keys are missing" in refused(folder)
    assert list(folder.keys.iterdir()) == []


def test_the_platform_refuses_keys_of_another_site(tmp_path: Path) -> None:
    """`parcours run`: one line, exit status 2, nothing started; with its own key it starts again."""
    with running(tmp_path / "data") as platform:
        assert platform.interrupt() < 5
        key = platform.folder / "keys" / "routing.key"
        own = key.read_bytes()
        key.write_bytes(bytes(32))
        platform.start()
        platform.ended()
        assert platform.status() == 2
        assert platform.stdout == []
        (line,) = platform.stderr
        assert line.startswith(f"parcours: {key} is not the key that ")
        key.write_bytes(own)
        platform.started()
        assert platform.interrupt() < 5
