"""Kafka Streams' jars from Maven Central, once, into var/, and the program compiled against them."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.kafka_broker.jars import FETCH_TIMEOUT_S, ROOT, VERSION, BrokerNotAvailable

FOLDER: Final = ROOT / "var" / f"kafka-streams-{VERSION}"
_SOURCES: Final = Path(__file__).with_name("engines") / "kafka_streams"


def class_path() -> str:
    """The class path of `TwoRules`. Raises `BrokerNotAvailable` where Java, Maven or the jars are missing."""
    libraries, classes = FOLDER / "libs", FOLDER / "classes"
    for tool in ("java", "javac", "mvn"):
        if shutil.which(tool) is None:
            raise BrokerNotAvailable(f"no {tool} on the path")
    if not any(libraries.glob("kafka-streams-*.jar")):
        pom = _SOURCES / "pom.xml"
        _run(["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={libraries}"])
    shutil.rmtree(classes, ignore_errors=True)
    _run(["javac", "-cp", f"{libraries}/*", "-d", str(classes), str(_SOURCES / "TwoRules.java")])
    return f"{classes}:{libraries}/*"


def _run(command: list[str]) -> None:
    run = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    if run.returncode != 0:
        raise BrokerNotAvailable(f"{command[0]} failed: {(run.stdout + run.stderr)[-1_000:]}")
