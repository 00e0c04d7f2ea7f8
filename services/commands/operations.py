"""`parcours run`, `service`, `doctor`, `migrate`: what needs the composition root, or the platform that it started."""

from collections.abc import Mapping, Sequence
from typing import Any

import click
import msgspec

from services.commands.report import Migration, Report, migration_lines, read_as, report_lines
from services.commands.site import Site


@click.command(
    "run",
    short_help="Run the whole platform, in the foreground.",
    epilog="\b\nExample:\n  PARCOURS_PORT=9080 parcours run",
)
@click.pass_context
def run_command(context: click.Context) -> None:
    """Run the whole platform on this machine, in the foreground, until Ctrl-C."""
    site: Site = context.obj
    context.exit(site.local.run())


@click.command(
    "service", short_help="Run one service of the platform.", epilog="\b\nExample:\n  parcours service ingest"
)
@click.argument("name")
@click.pass_context
def service_command(context: click.Context, name: str) -> None:
    """Run the one service NAME of the platform, as `parcours run` starts it."""
    site: Site = context.obj
    if name not in site.local.service_names:
        raise click.UsageError(f"{name} is not a service; there are: {', '.join(site.local.service_names)}")
    context.exit(site.local.service(name))


@click.command(
    "doctor",
    short_help="What is wrong, and what to do.",
    epilog="""\b
Examples:
  parcours doctor
  parcours doctor --json""",
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.pass_context
def doctor_command(context: click.Context, as_json: bool) -> None:
    """Check each part, recount the aggregates, and say what is wrong and what to do.

    While the platform runs it is asked; otherwise its data are looked at from here. The exit status is 1 if a part is in error.
    """
    site: Site = context.obj
    answer = site.ask_platform("/api/v1/doctor")
    document: Mapping[str, Any] = site.local.doctor() if answer is None else answer
    report = read_as(Report, document)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))
    else:
        for line in report_lines(report):
            click.echo(line)
    context.exit(0 if report.healthy else 1)


@click.command(
    "migrate",
    short_help="Bring the store's tables up to date.",
    epilog="""\b
Examples:
  parcours migrate --plan
  parcours migrate""",
)
@click.option("--plan", is_flag=True, help="Only show what would be done.")
@click.pass_obj
def migrate_command(site: Site, plan: bool) -> None:
    """Apply the migrations of the store that are missing. A running platform has applied them when it started."""
    answer = site.ask_platform("/api/v1/migrations")
    listed: Sequence[Mapping[str, Any]] = site.local.migrations(apply=not plan) if answer is None else answer
    for line in migration_lines(read_as(list[Migration], listed)):
        click.echo(line)
