"""The command line as a whole: help, errors, exit statuses."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from services.commands.cli import build_cli
from services.commands.site import Site, language
from shared.settings import Settings
from tests.commands.local import Local, Unsettled, parcours


@pytest.fixture
def local(tmp_path: Path) -> Local:
    """A site without a running platform."""
    return Local(tmp_path / "data")


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command, groups included, with its names."""
    yield path, group
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


def test_every_command_has_help_with_an_example(local: Local):
    """`--help` of every command works, says what it does, and each that does something shows an example."""
    for path, command in commands(build_cli(local)):
        result = parcours(local, *path, "--help")
        assert result.exit_code == 0
        assert "Usage: parcours" in result.output
        assert command.get_short_help_str()
        if not isinstance(command, click.Group):
            assert f"parcours {' '.join(path)}" in result.output.partition("Example")[2], path


def test_help_lists_the_commands_in_the_order_of_use(local: Local):
    """The main job comes first."""
    output = parcours(local, "--help").output
    names = ["run", "service", "import", "events", "rejected", "rules", "redetect", "migrate", "doctor"]
    positions = [output.index(f"\n  {name} ") for name in names]
    assert positions == sorted(positions)


def test_help_reads_no_settings_and_opens_nothing(tmp_path: Path):
    """Help works whatever is wrong with the site."""
    assert parcours(Unsettled(tmp_path), "import", "--help").exit_code == 0
    assert list(tmp_path.iterdir()) == []


def test_an_error_is_one_line_without_a_traceback(local: Local, tmp_path: Path):
    """An error for a person is one line on standard error; its kind decides the exit status."""
    result = parcours(local, "run")
    assert (result.exit_code, result.stderr) == (1, "parcours: the data folder is in use by process 1\n")
    result = parcours(Unsettled(tmp_path), "rejected", "list")
    assert result.exit_code == 2
    assert result.stderr == "parcours: PARCOURS_PRT is not a setting of Parcours; docs/settings.md lists them\n"


def test_a_service_by_name(local: Local):
    """`service` runs one of the known services and gives its exit status; another name is a wrong use."""
    assert parcours(local, "service", "detector").exit_code == 3
    assert local.calls == ["detector"]
    result = parcours(local, "service", "detectr")
    assert result.exit_code == 2
    assert "there are: ingest, detector, analytics" in result.stderr


def test_an_unreachable_service_is_one_line(local: Local):
    """Commands that need the platform name what does not answer, and where."""
    for arguments in (["rejected", "list"], ["redetect"]):
        result = parcours(local, *arguments)
        assert result.exit_code == 1
        expected = f"parcours: the analytics service at http://127.0.0.1:{local.settings().port} does not answer: "
        assert result.stderr.startswith(expected)
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8081"),
        ("0.0.0.0", "http://127.0.0.1:8081"),
        ("::", "http://[::1]:8081"),
        ("2001:db8::5", "http://[2001:db8::5]:8081"),
        ("ingest.example", "http://ingest.example:8081"),
    ],
)
def test_addresses_come_from_the_settings(tmp_path: Path, host: str, url: str):
    """A client goes to the address the services are bound to; bound to any address, to this machine."""
    local = Local(tmp_path)
    local._settings = Settings(host=host)
    assert Site(local).ingest_url == url


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE", "LC_MESSAGES": "fr_CH"}, "fr"),
        ({}, "en"),
    ],
)
def test_the_language_is_that_of_the_locale(environment: dict[str, str], expected: str):
    """French where the environment says French, else English."""
    assert language(environment) == expected
