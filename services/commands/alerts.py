"""`parcours alerts`: whether the alert file is right, and alerts over the past."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import click

from services.commands.progress import stderr_progress
from services.commands.site import LANGUAGES, Site, language
from shared.detection.wording import duration
from shared.journey.instants import SECOND_US, from_us

if TYPE_CHECKING:
    from services.alerts.backtest import Fired, Outcome
    from services.alerts.explanation import Reader

_DAY: Final = click.DateTime(["%Y-%m-%d"])
_FILE: Final = click.Path(path_type=Path)
_WORDS: Final = {
    "en": {
        "span": "{first} to {last} ({zone}): {series} series, {rounds} rounds.",
        "left_out": "WARNING: {left_out} series are not watched, there are more than max_series of [rises].",
        "none": "Nothing would have fired.",
        "some": "{number} would have fired: {kinds}.",
        "lasting": "lasting on",
        "right": "{file} is right.",
    },
    "fr": {
        "span": "Du {first} au {last} ({zone}) : {series} séries, {rounds} tours.",
        "left_out": "ATTENTION : {left_out} séries ne sont pas surveillées, il y en a plus que max_series de [rises].",
        "none": "Rien ne se serait déclenché.",
        "some": "{number} se seraient déclenchées : {kinds}.",
        "lasting": "en cours",
        "right": "{file} est correct.",
    },
}
_KINDS: Final = {
    "en": {
        "rise": "rises",
        "threshold": "thresholds",
        "service_level": "service levels",
        "silence": "silences",
        "rejects": "refused events",
        "lag": "lag",
    },
    "fr": {
        "rise": "hausses",
        "threshold": "seuils",
        "service_level": "engagements",
        "silence": "silences",
        "rejects": "événements refusés",
        "lag": "retards",
    },
}


@click.group("alerts", short_help="The alert file, and alerts over the past.")
def alerts_group() -> None:
    """What the alert settings of this site find."""


@alerts_group.command(
    "check",
    short_help="Whether an alert file is right.",
    epilog="""\b
Examples:
  parcours alerts check
  parcours alerts check --no-secrets my-alerts.toml""",
)
@click.argument("file", type=_FILE, required=False)
@click.option("--secrets/--no-secrets", default=True, help="Also look for the secrets that it names (default: yes).")
@click.pass_obj
def check_command(site: Site, file: Path | None, secrets: bool) -> None:
    """Check FILE, or that of PARCOURS_ALERTS, as a start does: every mistake is told with its line. Nothing is started or sent.

    Secrets are looked for in the environment of this command, which should be that of the platform.
    """
    checked = site.local.check_alerts(file, secrets=secrets)
    click.echo(_WORDS[language()]["right"].format(file=checked))


@alerts_group.command(
    "backtest",
    short_help="What would have fired.",
    epilog="""\b
Examples:
  parcours alerts backtest --from 2026-01-01 --to 2026-03-31
  parcours alerts backtest --from 2026-01-01 --to 2026-03-31 --settings my-alerts.toml""",
)
@click.option("--from", "first", type=_DAY, required=True, help="The first day.")
@click.option("--to", "last", type=_DAY, required=True, help="The last day, which is included.")
@click.option("--settings", "file", type=_FILE, help="An alert file; without it those of this site.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the report (default: LANG).")
@click.pass_obj
def backtest_command(site: Site, first: datetime, last: datetime, file: Path | None, lang: str | None) -> None:
    """Judge the stored past again, round by round, and say what would have fired, when, and for how long.

    It reads ClickHouse and changes nothing. On one machine only one process can open it: stop the platform, or name a copy
    of its data folder in PARCOURS_DATA. How late data came is not kept: lag is not judged.
    """
    from services.alerts.explanation import Reader  # noqa: PLC0415 - Babel, NumPy and SciPy take their time

    if last < first:
        raise click.UsageError("--to lies before --from")
    chosen = lang or language()
    settings = site.local.alerts(file)
    progress = stderr_progress()
    begun = False

    def counted(done: int, total: int) -> None:
        nonlocal begun
        if not begun:
            progress.begin("Judging", total, "quarter hours")
            begun = True
        progress.advance(done)

    outcome = site.local.backtest(first.date(), last.date(), file, counted)
    if begun:
        progress.end()
    levels = {each.name: each for each in settings.service_levels}
    reader = Reader(chosen, ZoneInfo(settings.time_zone), site.settings.small_cell_min, levels=levels)
    span = {"first": f"{first:%Y-%m-%d}", "last": f"{last:%Y-%m-%d}", "zone": settings.time_zone}
    for line in report_lines(outcome, reader, span):
        click.echo(line)


def report_lines(outcome: "Outcome", reader: "Reader", span: dict[str, str]) -> Iterator[str]:
    """The report of a backtest: a line for each alert with when and how long, its sentence below, and the sum."""
    from services.alerts.explanation import explain  # noqa: PLC0415

    words = _WORDS[reader.lang]
    yield words["span"].format(**span, series=reader.number(outcome.series), rounds=reader.number(outcome.rounds))
    if outcome.left_out:
        yield words["left_out"].format(left_out=reader.number(outcome.left_out))
    for fired in outcome.fired:
        yield ""
        yield _when(fired, reader)
        yield f"  {explain(fired.worst, reader)}"
    yield ""
    if not outcome.fired:
        yield words["none"]
        return
    kinds = Counter(each.series.condition for each in outcome.fired)
    listed = ", ".join(f"{reader.number(number)} {_KINDS[reader.lang][kind]}" for kind, number in kinds.most_common())
    yield words["some"].format(number=reader.number(len(outcome.fired)), kinds=listed)


def _when(fired: "Fired", reader: "Reader") -> str:
    begin = from_us(fired.from_us).astimezone(reader.zone)
    lasting = (
        _WORDS[reader.lang]["lasting"]
        if fired.to_us is None
        else duration((fired.to_us - fired.from_us) / SECOND_US, reader.lang)
    )
    window = "" if fired.worst.window == "none" else f" {fired.worst.window}"
    return f"{begin:%Y-%m-%d %H:%M}  {lasting}  {fired.series.condition}{window}  {fired.worst.severity}"
