"""The files of the deployment, as the tests read them."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
OBSERVABILITY = DEPLOY / "observability"
COMPOSE = ROOT / "docker-compose.yml"


def properties(path: Path) -> dict[str, str]:
    """A Java properties file without line continuations."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name.strip(): value.strip() for name, _, value in pairs}


@cache
def compose() -> dict[str, Any]:
    """The compose file with anchors and merges resolved; `${…}` as written."""
    return dict(yaml.safe_load(COMPOSE.read_text(encoding="utf-8")))


def services() -> dict[str, dict[str, Any]]:
    """Its services by name."""
    return dict(compose()["services"])


def own_services() -> dict[str, dict[str, Any]]:
    """Those that run Parcours."""
    return {name: service for name, service in services().items() if service["image"].startswith("parcours:")}


def variables(text: str) -> dict[str, str | None]:
    """`${NAME…}` in a text: the default after `:-`, or `None` where the variable is required (`:?`)."""
    found: dict[str, str | None] = {}
    for name, operator, rest in re.findall(r"\$\{([A-Z_]+)(:?[-?])?([^}]*)\}", text):
        found[name] = rest if operator == ":-" else None
    return found
