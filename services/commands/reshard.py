"""`parcours reshard`: more partitions for a cluster."""

import click

from services.commands.site import Site


@click.command(
    "reshard",
    short_help="Give a cluster's log more partitions.",
    epilog="\b\nExample:\n  parcours reshard 12",
)
@click.argument("partitions", type=click.IntRange(min=1))
@click.pass_obj
def reshard_command(site: Site, partitions: int) -> None:
    """Give the log of a cluster PARTITIONS partitions, and move the journeys that belong elsewhere then.

    Partitions can only become more. First stop the gateways, let detectors and loader finish, and stop the detectors. Then start
    everything with PARCOURS_PARTITIONS set to the new number.
    """
    done = site.local.reshard(partitions)
    click.echo(f"{done['partitions']} partitions (before: {done['before']}); {done['moved']:,} journeys moved.")
    if done["of_unknown_shard"]:
        click.echo(f"{done['of_unknown_shard']:,} journeys have no stored event any more and stay where they are.")
    click.echo(f"Set PARCOURS_PARTITIONS={done['partitions']} for every service before you start them.")
