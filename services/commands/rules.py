"""`parcours rules`: the register of algorithms."""

import textwrap
from collections.abc import Iterator
from typing import Final

import click
import msgspec

from services.commands.site import LANGUAGES, Site, language
from shared.detection.register import register, register_markdown

_WIDTH: Final = 100


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
    """Say what each rule is for, what it uses, how it is set here, and where its limits are."""
    chosen = lang or language()
    document = site.local.rules()
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(register(chosen, document)), indent=2))
    elif form == "markdown":
        click.echo(register_markdown(chosen, document), nl=False)
    else:
        for line in _plain(register_markdown(chosen, document)):
            click.echo(line)


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
