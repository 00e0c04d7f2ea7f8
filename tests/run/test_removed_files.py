"""Files of a running platform that somebody removes: noticed within seconds, by name, before more is lost."""

from pathlib import Path

import httpx
import pytest

from tests.run.platform import Platform, running, wait_until
from tests.run.test_platform import contact


def told(platform: Platform) -> list[str]:
    """The lines on stderr, but that of the engine of alerts, which may meet the file just then and tries again."""
    return [line for line in platform.stderr if "watching for alerts failed and is tried again" not in line]


@pytest.mark.parametrize("name", ["detector.sqlite", "detector.sqlite-wal"])
def test_the_detector_stops_when_its_file_is_removed(tmp_path: Path, name: str) -> None:
    """One line names the file, and the platform ends; what only stood in the file beside is brought into the file itself."""
    with running(tmp_path / "data") as platform:
        platform.post_until_accepted(*(contact(number, person=1) for number in range(50)))
        wait_until(lambda: platform.counted().get("contact.made") == 50)
        wait_until(lambda: httpx.get(f"{platform.people}/readyz").status_code == 200)
        (platform.folder / name).unlink()
        platform.ended()
        assert platform.status() == 1
        (line,) = told(platform)
        assert line.startswith(
            f"parcours: detector: the service stops: {platform.folder / name} was removed or replaced "
        )
        if name.endswith("-wal"):
            platform.started()
            wait_until(lambda: httpx.get(f"{platform.people}/readyz").status_code == 200)
            assert platform.counted() == {"contact.made": 50}
            assert platform.interrupt() < 5
            assert platform.stderr == []


def test_ingest_takes_nothing_when_the_log_is_removed(tmp_path: Path) -> None:
    """It answers 503, is not ready, and says why in one line; what it had accepted is there after a restart."""
    with running(tmp_path / "data") as platform:
        platform.post_until_accepted(*(contact(number) for number in range(50)))
        wait_until(lambda: platform.counted().get("contact.made") == 50)
        beside = platform.folder / "log" / "journey-events.ingest.sqlite-wal"
        beside.unlink()
        wait_until(lambda: httpx.get(f"{platform.systems}/readyz").status_code == 503)
        assert platform.post(contact(50)).status_code == 503
        (line,) = told(platform)
        assert f"{beside} was removed or replaced while it was open; restart Parcours" in line
        assert platform.interrupt() < 5
        platform.started()
        platform.post_until_accepted(contact(50))
        wait_until(lambda: platform.counted() == {"contact.made": 51})
        assert platform.interrupt() < 5
