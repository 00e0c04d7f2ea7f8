"""`parcours rules`: the register of algorithms."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click
import msgspec
from msgspec import Struct

from services.commands.report import read_as
from services.commands.site import LANGUAGES, Site, language
from shared.detection.register import register, register_markdown

RULES_PATH: Final = "/api/v1/rules"
_WIDTH: Final = 100
_RUNNING: Final = {
    "fr": "Réglages en vigueur dans la plateforme (version {version}).",
    "en": "Settings in force in the running platform (version {version}).",
}
_NOT_RUNNING: Final = {
    "fr": "La plateforme n'est pas en marche : voici les réglages que donnent les variables de ce terminal ({settings}).",
    "en": "The platform does not run: these are the settings of this environment ({settings}).",
}
_DEFAULTS: Final = {"fr": "les valeurs par défaut", "en": "the defaults"}


class _RulesInForce(Struct, frozen=True):
    """The answer of `/api/v1/rules`: the version of the settings in force, and their resolved document."""

    version: int
    document: dict[str, Any]


@click.command(
    "rules",
    short_help="The register of algorithms.",
    epilog="""\b
Examples:
  parcours rules --lang fr
  parcours rules --lang en --format markdown > register.md""",
)
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the register (default: LANG).")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@click.pass_obj
def rules_command(site: Site, lang: str | None, form: str) -> None:
    """Say what each rule is for, what it uses, how it is set here, and where its limits are.

    While the platform runs, the settings are those in force in it; otherwise those of this environment, and it is said so.
    """
    chosen = lang or language()
    document = _settings(site, chosen)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(register(chosen, document)), indent=2))
    elif form == "markdown":
        click.echo(register_markdown(chosen, document), nl=False)
    else:
        for line in _plain(register_markdown(chosen, document)):
            click.echo(line)


def _settings(site: Site, lang: str) -> Mapping[str, Any]:
    """The resolved document of settings; on standard error, apart from the register, whose they are."""
    answer = site.ask_platform(RULES_PATH)
    if answer is None:
        document = site.local.rules()
        file = site.settings.rules
        environment = _DEFAULTS[lang] if file is None else f"PARCOURS_RULES={file}"
        click.echo(_NOT_RUNNING[lang].format(settings=environment), err=True)
        return document
    rules = read_as(_RulesInForce, answer)
    click.echo(_RUNNING[lang].format(version=rules.version), err=True)
    return rules.document


def _plain(markdown: str) -> Iterator[str]:
    """The register's Markdown as text for a terminal: headings underlined, paragraphs wrapped, marks left out."""
    for line in markdown.splitlines():
        text = line.replace("**", "").replace("`", "")
        if text.startswith("#"):
            heading = text.lstrip("# ")
            yield heading
            yield ("=" if text.startswith("# ") else "-") * len(heading)
        else:
            hanging = " " * (len(text) - len(text.lstrip("- "))) if text.lstrip().startswith("- ") else ""
            yield from textwrap.wrap(text, _WIDTH, subsequent_indent=hanging, break_on_hyphens=False) or [""]
