"""`parcours reshard`: what the command asks for and tells."""

from pathlib import Path

from click.testing import CliRunner

from services.commands.cli import build_cli
from services.wiring.local import LocalPlatform
from tests.commands.local import Local


def test_the_move_is_told(tmp_path: Path) -> None:
    """How many partitions, how many journeys moved, what stays, and which setting must follow."""
    site = Local(tmp_path)
    done = CliRunner().invoke(build_cli(site), ["reshard", "12"])
    assert (done.exit_code, site.calls) == (0, ["reshard 12"])
    for text in (
        "12 partitions (before: 2)",
        "1,234 journeys moved",
        "5 journeys have no stored event",
        "PARCOURS_PARTITIONS=12",
    ):
        assert text in done.output


def test_no_partitions_are_refused(tmp_path: Path) -> None:
    """A number below 1 is an error of the arguments."""
    assert CliRunner().invoke(build_cli(Local(tmp_path)), ["reshard", "0"]).exit_code == 2


def test_one_machine_keeps_its_partitions(tmp_path: Path) -> None:
    """Without brokers there is nothing to reshard, and the line says so."""
    done = CliRunner().invoke(build_cli(LocalPlatform({"PARCOURS_DATA": str(tmp_path)})), ["reshard", "2"])
    assert done.exit_code == 2
    assert "PARCOURS_BROKERS" in done.output
