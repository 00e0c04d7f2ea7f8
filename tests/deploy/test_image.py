"""deploy/Dockerfile, which no test can build: its instructions, what goes to the builder, and the program of its health checks."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from services.wiring.version import program_version
from shared.registry.registry import Registry
from shared.settings import read_settings
from tests.deploy.files import DEPLOY, ROOT, compose, own_services

DOCKERFILE = DEPLOY / "Dockerfile"
HEALTHY = DEPLOY / "healthy.py"


class Instruction(NamedTuple):
    """One instruction of a Dockerfile, its continuation lines joined."""

    name: str
    text: str


def instructions() -> list[Instruction]:
    """All of them, in order."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [Instruction(*line.split(None, 1)) for line in lines if line.strip()]


def stages() -> list[list[Instruction]]:
    """The instructions of each stage; the last is the image."""
    found: list[list[Instruction]] = []
    for each in instructions():
        if each.name == "FROM":
            found.append([])
        if found:
            found[-1].append(each)
    return found


def texts(stage: list[Instruction], name: str) -> list[str]:
    """What the instructions of one name say."""
    return [each.text for each in stage if each.name == name]


def test_the_base_is_pinned() -> None:
    """Both stages start from one base with a tag that says a version of Python and of Debian."""
    base = dict(
        text.split("=", 1) for text in (each.text for each in instructions() if each.name == "ARG") if "=" in text
    )
    assert re.fullmatch(r"python:3\.11(\.\d+)?-slim-[a-z]+(@sha256:[0-9a-f]{64})?", base["BASE"])
    assert [stage[0].text.split()[0] for stage in stages()] == ["${BASE}", "${BASE}"]


def test_packages_are_installed_with_hashes_in_the_build_stage_only() -> None:
    """The same installer as on one machine, which takes nothing whose hash is not locked; the image itself installs nothing."""
    build, image = stages()
    assert "requirements/install run" in texts(build, "RUN")
    assert "--require-hashes -r" in (ROOT / "requirements/install").read_text(encoding="utf-8")
    for run in texts(image, "RUN"):
        assert not re.search(r"\b(pip|apt|apt-get|curl|wget|gcc)\b", run)


def test_the_image_runs_parcours_as_a_user_of_its_own() -> None:
    """Not root, by number, so that an orchestrator can see it; the arguments are those of `parcours`."""
    image = stages()[-1]
    assert texts(image, "USER") == ["10001:10001"]
    assert texts(image, "ENTRYPOINT") == ['["parcours"]']
    assert texts(image, "STOPSIGNAL") == ["SIGTERM"]
    names = [each.name for each in image]
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in {"RUN", "COPY"})
    assert {service["user"] for service in own_services().values()} == {"10001:10001"}


def test_the_image_says_which_version_it_is() -> None:
    """The label and the name that compose gives are the program's version."""
    assert f'org.opencontainers.image.version="{program_version()}"' in texts(stages()[-1], "LABEL")[0]
    assert {service["image"] for service in own_services().values()} == {f"parcours:{program_version()}"}


def test_the_image_s_own_settings_are_real() -> None:
    """What ENV sets with the product's prefix is read."""
    variables = dict(re.findall(r"\b(PARCOURS_\w+)=(\S+)", " ".join(texts(stages()[-1], "ENV"))))
    assert read_settings(variables).data == Path("/var/lib/parcours")


def test_everything_copied_goes_to_the_builder_and_nothing_else_does() -> None:
    """The folders that COPY names exist and are let through; data, secrets and history are not."""
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {line[1:] for line in ignore if line.startswith("!")}
    assert "*" in ignore
    for text in texts(stages()[0], "COPY"):
        for origin in text.split()[:-1]:
            path = origin.rstrip("/")
            assert (ROOT / path).exists(), path
            assert path in let_through or any(each.startswith(f"{path}/") for each in let_through), path
    assert not {".env", "var", ".git", "deploy/secrets"} & let_through


def test_no_secret_is_built_in() -> None:
    """Neither ARG nor ENV takes a key or a password."""
    said = " ".join(each.text for each in instructions() if each.name in {"ARG", "ENV"})
    assert not re.search(r"key|password|secret|token", said, re.IGNORECASE)


class Readiness(BaseHTTPRequestHandler):
    """Answers `/readyz` with the status that the server has."""

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/readyz" else 404)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def service() -> Iterator[HTTPServer]:
    """A service on a port of its own; set its `status`."""
    with HTTPServer(("127.0.0.1", 0), Readiness) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def healthy(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program of the health checks as the image does: from elsewhere, with the product on the path."""
    return subprocess.run(
        [sys.executable, str(HEALTHY), *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(("status", "exit_status"), [(200, 0), (503, 1)])
def test_health_over_http(service: HTTPServer, status: int, exit_status: int) -> None:
    """Well when `/readyz` answers 200; else not, and it says what it answered."""
    service.status = status  # type: ignore[attr-defined]
    done = healthy("http", str(service.server_port))
    assert done.returncode == exit_status
    assert (str(status) in done.stderr) == bool(exit_status)


def test_health_of_a_service_that_is_gone() -> None:
    """A port that nobody listens on is one line, no traceback."""
    done = healthy("http", "1")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_health_by_heartbeat(tmp_path: Path) -> None:
    """Well when this instance gave a sign just now: another one's does not count."""
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    with Registry(url) as registry:
        registry.upgrade()
        registry.heartbeats.beat("detector", "detector-1", {})
    assert healthy("heartbeat", "detector", PARCOURS_REGISTRY=url, PARCOURS_INSTANCE="detector-1").returncode == 0
    other = healthy("heartbeat", "detector", PARCOURS_REGISTRY=url, PARCOURS_INSTANCE="detector-2")
    assert other.returncode == 1
    assert "detector-2 has given no sign" in other.stderr


def test_the_health_program_is_where_compose_looks_for_it() -> None:
    """The image has it at the path that the health checks name."""
    assert "deploy/healthy.py deploy/healthy.py" in texts(stages()[0], "COPY")
    assert compose()["services"]["loader"]["healthcheck"]["test"][2] == "/opt/parcours/deploy/healthy.py"
