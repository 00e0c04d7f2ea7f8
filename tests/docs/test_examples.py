"""The examples in the documents are right: events that a gateway accepts, settings that a start accepts, real commands."""

import re
import shlex
import tomllib
from typing import Any

import click
import msgspec
import pytest

from services.commands.cli import build_cli
from shared.client.local_check import LocalCheck
from shared.detection.rule_file import parse_rules
from shared.journey.instants import from_text
from tests.docs.pages import ROOT, code_blocks, pages

NOW_US = from_text("2026-12-31T00:00:00Z")
PAGES = [str(page.relative_to(ROOT)) for page in pages() if page.name == "README.md" or "docs" in page.parts]
DATE = re.compile(r"'\$\(date [^)]*\)'")
NUMBER = re.compile(r"'\$n'")
WRONG = {"call-18"}
"""The event of the README that shows what a refusal looks like."""


def events(name: str) -> list[dict[str, Any]]:
    """The events that a page shows, in blocks of JSON and in requests with curl."""
    bodies = [block for block in code_blocks(name, "json") if '"specversion"' in block]
    for block in code_blocks(name, "sh"):
        bodies += [
            NUMBER.sub("11", DATE.sub("2026-01-31T09:30:00Z", body))
            for body in re.findall(r" -d '((?:[^']|'\$\(date [^)]*\)'|'\$n')*)'", block)
        ]
    found: list[dict[str, Any]] = []
    for body in bodies:
        read = msgspec.json.decode(body)
        found += read if isinstance(read, list) else [read]
    return [event for event in found if "specversion" in event]


@pytest.mark.parametrize("name", ["README.md", "docs/integrators.md"])
def test_the_events_of_a_page_are_accepted(name: str) -> None:
    """A gateway accepts every event that a page shows, but the one that shows a refusal."""
    shown = events(name)
    assert len(shown) >= 3
    check = LocalCheck(NOW_US)
    refused = {event["id"] for event in shown if check.check(msgspec.json.encode(event)).status != "accepted"}
    assert refused == WRONG & {event["id"] for event in shown}


@pytest.mark.parametrize("name", ["docs/integrators.md", "docs/operations.md"])
def test_the_rule_settings_of_a_page_are_accepted(name: str) -> None:
    """Every piece of a rule file that a page shows is one that the platform starts with."""
    blocks = code_blocks(name, "toml")
    assert blocks
    for block in blocks:
        assert parse_rules(block, name) != {}
        assert tomllib.loads(block) != {}


@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_page_exist_with_their_options(name: str) -> None:
    """Every `parcours` command line in a page's blocks is one that the command line takes."""
    local: Any = None
    cli = build_cli(local)
    lines = [line for block in code_blocks(name, "sh") for line in block.replace("\\\n", " ").splitlines()]
    for line in lines:
        for called in re.findall(r"(?:^|[|=] ?|\w )(?:\.venv/bin/)?parcours ([a-z][^|>#]*)", line.strip()):
            _parse(cli, shlex.split(called))


def _parse(group: click.Group, arguments: list[str]) -> None:
    """Read the arguments as click does, without running the command. Fails for what does not exist."""
    name, *rest = arguments
    command = group.commands[name]
    if isinstance(command, click.Group):
        _parse(command, rest)
        return
    command.make_context(name, rest)
