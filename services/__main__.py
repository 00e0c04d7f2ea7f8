"""The command line `parcours`."""

import os
import sys

from services.commands.cli import build_cli
from services.wiring.local import LocalPlatform
from services.wiring.process import end_with_supervisor

SUPERVISED = "--supervised"
"""Before a command: end with the supervisor that started it, whose pipe is the standard input."""


def main() -> None:
    """Run the command that the arguments name; its status is the exit status."""
    os.umask(0o077)
    arguments = sys.argv[1:]
    if arguments[:1] == [SUPERVISED]:
        end_with_supervisor()
        del arguments[0]
    build_cli(LocalPlatform(dict(os.environ))).main(args=arguments, prog_name="parcours")


if __name__ == "__main__":
    main()
