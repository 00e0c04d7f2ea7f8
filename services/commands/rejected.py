"""`parcours rejected`: what the gateways refused."""

import click
from msgspec import Struct

from services.commands.report import read_as
from services.commands.site import LANGUAGES, Site, language
from shared.ingest.reasons import EVENT_REASONS, REQUEST_REASONS, explain


class _Rows(Struct):
    rows: list[dict[str, str | int | None]]
    total: int


@click.group("rejected", short_help="What was refused, and why.")
def rejected_group() -> None:
    """What was refused at the gateways or in loading, and why."""


@rejected_group.command(
    "list",
    epilog="""\b
Examples:
  parcours rejected list
  parcours rejected list --by gateway""",
)
@click.option("--by", type=click.Choice(["reason", "stage", "gateway"]), default="reason", show_default=True)
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the explanations (default: LANG).")
@click.pass_obj
def list_command(site: Site, by: str, lang: str | None) -> None:
    """Count the refused events that are still kept."""
    chosen = lang or language()
    with site.analytics() as analytics:
        answer = analytics.json("GET", "/api/v1/rejected/summary", parameters={"group_by": by}, lang=chosen)
    counted = read_as(_Rows, answer)
    for row in counted.rows:
        name = str(row.get(by) or "-")
        click.echo(
            f"{row.get('events'):>12,}  {name:<28} {_explained(name, chosen) if by == 'reason' else ''}".rstrip()
        )
    click.echo(f"{counted.total:>12,}  in all")


def _explained(reason: str, lang: str) -> str:
    return explain(reason, lang) if reason in EVENT_REASONS or reason in REQUEST_REASONS else ""
