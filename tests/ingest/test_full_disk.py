"""A full disk: 503, nothing acknowledged is lost, and it recovers by itself. Needs the right to mount a small tmpfs."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest.examples import batch, event
from tests.ingest.parts import Served, serve

pytestmark = pytest.mark.mount
DISK_BYTES = 8_000_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "parcours-test", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a tmpfs is refused here: what happens on a full disk was NOT tried")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def post_until_refused(served: Served, first: int) -> tuple[set[str], int]:
    """Post 10 kB events until one is refused; the acknowledged ids and the status of the refusal."""
    acknowledged: set[str] = set()
    for number in range(first, first + 5_000):
        answer = served.post(batch(event(number, data_comment="x" * 10_000)))
        if answer.status_code != 202:
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            return acknowledged, first + len(acknowledged)
        acknowledged.add(f"e{number}")
    raise AssertionError("the disk never became full")


def test_a_full_disk_is_survived(disk: Path) -> None:
    """Filled to the last byte: 503; after space is made the same process accepts again; the log holds all it promised."""
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * 4_000_000)
    with serve(disk) as served:
        acknowledged, refused = post_until_refused(served, 0)
        assert acknowledged
        ballast.unlink()
        deadline = time.monotonic() + 10
        while served.post(batch(event(refused, data_step="again"))).status_code != 202:
            assert time.monotonic() < deadline, "the gateway did not recover"
            time.sleep(0.1)
        assert served.client.get("/readyz").status_code == 200
        stored = {kept.id for kept in served.events()}
        assert stored >= acknowledged | {f"e{refused}"}
    with serve(disk) as served:
        assert {kept.id for kept in served.events()} == stored


def test_the_bound_on_free_space_comes_before_a_full_disk(disk: Path) -> None:
    """With a bound set, events are refused with `low_space` while the platform itself can still write."""
    with serve(disk, min_free_bytes=4_000_000) as served:
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * 5_000_000)
        time.sleep(1.1)
        answer = served.post(batch(event(1)))
        assert (answer.status_code, answer.json()["reason"]) == (503, "low_space")
        assert served.gateway.readiness()["log_writable"]
        ballast.unlink()
        time.sleep(1.1)
        assert served.post(batch(event(1))).status_code == 202
