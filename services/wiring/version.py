"""The version of this program."""

import tomllib
from importlib import metadata
from pathlib import Path


def program_version() -> str:
    """As installed; of a working copy that was not installed, as its project file says."""
    try:
        return metadata.version("parcours")
    except metadata.PackageNotFoundError:
        project = Path(__file__).resolve().parents[2] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
