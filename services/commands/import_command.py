"""`parcours import`."""

from pathlib import Path

import click

from services.commands.progress import stderr_progress
from services.commands.site import Site


@click.command(
    "import",
    short_help="Import a table as events.",
    epilog="""\b
Examples:
  parcours import requests.csv.gz --mapping mapping.toml --dry-run
  parcours import requests.csv.gz --mapping mapping.toml --wait
  parcours import requests.csv --mapping mapping.toml --dry-run --output events.ndjson""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--mapping", required=True, type=click.Path(path_type=Path), help="How rows become events (TOML).")
@click.option("--dry-run", is_flag=True, help="Do everything but send: read, build, check, count.")
@click.option("--wait", is_flag=True, help="Return when everything that was sent can be queried.")
@click.option("--output", type=click.Path(path_type=Path), help="With --dry-run: write the events here, as NDJSON.")
@click.pass_context
def import_command(
    context: click.Context, file: Path, mapping: Path, dry_run: bool, wait: bool, output: Path | None
) -> None:
    """Turn the rows of FILE into events and send them through the gateways.

    FILE is CSV, plain or compressed with gzip. What cannot be imported goes to FILE.rejected.ndjson with line number and
    reason; the exit status is then 1, and 2 when nothing was read or sent. Importing a file again counts nothing twice.
    """
    if output is not None and not dry_run:
        raise click.UsageError("--output goes with --dry-run: it writes subjects as they stand in FILE")
    site: Site = context.obj
    lines, exit_status = site.local.import_file(
        file,
        mapping,
        ingest_url=site.ingest_url,
        analytics_url=site.analytics_url,
        wait=wait,
        dry_run=dry_run,
        output=output,
        progress=stderr_progress(),
    )
    for line in lines:
        click.echo(line)
    context.exit(exit_status)
