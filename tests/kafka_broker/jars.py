"""Apache Kafka's jars: fetched from Maven Central once, into var/."""

import fcntl
import shutil
import subprocess
from pathlib import Path

VERSION = "4.1.1"
ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / f"kafka-{VERSION}"
POM = Path(__file__).with_name("pom.xml")
FETCH_TIMEOUT_S = 600


class BrokerNotAvailable(Exception):
    """A broker cannot run on this machine: Java or Kafka's jars are missing."""


def kafka_jars() -> Path:
    """The folder of the jars, fetched if need be; one process fetches, others wait.

    Raises `BrokerNotAvailable` without Java, or when the jars can neither be found nor fetched.
    """
    if shutil.which("java") is None:
        raise BrokerNotAvailable("no java on the path")
    FOLDER.parent.mkdir(exist_ok=True)
    with FOLDER.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _complete(FOLDER):
            _fetch()
    return FOLDER


def _complete(folder: Path) -> bool:
    return (folder / f"kafka_2.13-{VERSION}.jar").exists() and any(folder.glob("slf4j-simple-*.jar"))


def _fetch() -> None:
    if shutil.which("mvn") is None:
        raise BrokerNotAvailable(f"{FOLDER} is missing, and no mvn to fetch it")
    partial = FOLDER.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise BrokerNotAvailable("mvn did not fetch Kafka in time") from error
    if run.returncode != 0 or not _complete(partial):
        raise BrokerNotAvailable(f"mvn could not fetch Kafka: {(run.stdout + run.stderr)[-500:]}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    partial.rename(FOLDER)
