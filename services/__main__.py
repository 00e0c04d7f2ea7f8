"""The command line `parcours`."""

import os
import signal
import sys

SUPERVISED = "--supervised"
"""Before a command: end with the supervisor that started it, whose pipe is the standard input."""


def main() -> None:
    """Run the command that the arguments name; its status is the exit status."""
    os.umask(0o077)
    # Until the commands are there, which takes half a second, Ctrl-C ends the process without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from services.commands.cli import build_cli  # noqa: PLC0415
    from services.wiring.local import LocalPlatform  # noqa: PLC0415
    from services.wiring.process import end_with_supervisor  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = sys.argv[1:]
    if arguments[:1] == [SUPERVISED]:
        end_with_supervisor()
        del arguments[0]
    build_cli(LocalPlatform(dict(os.environ))).main(args=arguments, prog_name="parcours")


if __name__ == "__main__":
    main()
