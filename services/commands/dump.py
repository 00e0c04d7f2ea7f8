"""`parcours dump` and `parcours restore`: what ClickHouse holds, as a folder of Parquet files, and back."""

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from services.commands.progress import stderr_progress
from services.commands.site import Site

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(
    "dump",
    short_help="Write all stored rows into a folder.",
    epilog="\b\nExample:\n  parcours dump /backup/parcours-2026-01-31",
)
@click.argument("folder", type=_FOLDER)
@click.pass_obj
def dump_command(site: Site, folder: Path) -> None:
    """Write every row of ClickHouse into FOLDER, as Parquet files with a manifest. FOLDER is empty, or not there yet.

    Nothing may be loaded meanwhile: stop the platform on one machine, the loaders on a cluster. The keys are not in it.
    """
    rows = _followed("Dumping", lambda counted: site.local.dump(folder, counted))
    click.echo(
        f"Dumped {_listed(rows)} into {folder}. The keys are not in it: keep {site.settings.data / 'keys'} apart."
    )


@click.command(
    "restore",
    short_help="Read a dump into an empty store.",
    epilog="\b\nExample:\n  parcours restore /backup/parcours-2026-01-31",
)
@click.argument("folder", type=_FOLDER)
@click.pass_obj
def restore_command(site: Site, folder: Path) -> None:
    """Read the dump in FOLDER into this site's ClickHouse, which must hold nothing. Every file and row is checked.

    A restore that was interrupted goes on where it was when it is started again. Afterwards start the platform and run
    `parcours redetect`: it makes the journeys known to the detectors.
    """
    rows = _followed("Restoring", lambda counted: site.local.restore(folder, counted))
    click.echo(f"Restored {_listed(rows)}. Next: start the platform, then `parcours redetect`.")


def _followed(phase: str, work: Callable[[Callable[[int, int], None]], Mapping[str, int]]) -> Mapping[str, int]:
    """Do the work, showing how far it is."""
    progress = stderr_progress()
    begun = False

    def counted(done: int, total: int) -> None:
        nonlocal begun
        if not begun:
            progress.begin(phase, total, "rows")
            begun = True
        progress.advance(done)

    rows = work(counted)
    if begun:
        progress.end()
    return rows


def _listed(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {table}" for table, count in rows.items())
