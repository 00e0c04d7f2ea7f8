"""The click command group of `parcours`."""

from typing import IO, Any

import click

from services.commands.alerts import alerts_group
from services.commands.dump import dump_command, restore_command
from services.commands.events import events_group
from services.commands.import_command import import_command
from services.commands.local_parts import LocalParts
from services.commands.operations import doctor_command, migrate_command, run_command, service_command
from services.commands.redetect import redetect_command
from services.commands.rejected import rejected_group
from services.commands.reshard import reshard_command
from services.commands.rules import rules_command
from services.commands.site import Site
from shared.errors import ParcoursError

_COMMANDS = (
    run_command,
    service_command,
    import_command,
    events_group,
    rejected_group,
    rules_command,
    redetect_command,
    alerts_group,
    migrate_command,
    dump_command,
    restore_command,
    reshard_command,
    doctor_command,
)


class _Problem(click.ClickException):
    """A `ParcoursError` as click shows it: its own text, its own exit status, no traceback."""

    def __init__(self, error: ParcoursError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_status

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"parcours: {self.format_message()}", file=file, err=file is None)


class ParcoursGroup(click.Group):
    """A group whose commands may raise `ParcoursError`. Commands are listed in the order they were added."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ParcoursError as error:
            raise _Problem(error) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)


def build_cli(local: LocalParts) -> click.Group:
    """The command line, with the parts that run in this process. Nothing is read or opened before a command runs."""

    @click.group("parcours", cls=ParcoursGroup, context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option(package_name="parcours", message="%(prog)s %(version)s")
    @click.pass_context
    def cli(context: click.Context) -> None:
        """Parcours: where citizens' journeys across web, phone and counter hurt, while it happens.

        Settings come from environment variables; docs/settings.md lists them. `parcours COMMAND --help` gives examples.
        """
        context.obj = Site(local)

    for command in _COMMANDS:
        cli.add_command(command)
    return cli
