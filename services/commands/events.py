"""`parcours events`: validate, send, tail."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

import click

from services.commands.event_files import RawEvent, open_events, read_events
from services.commands.event_log import follow_events, last_events
from services.commands.site import LANGUAGES, Site, language
from shared.client.local_check import LocalCheck
from shared.client.send import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, EventResult, IngestClient
from shared.clock import now_us

GATEWAYS: Final = {
    "web": "/v1/web/events",
    "phone": "/v1/phone/events",
    "counter": "/v1/counter/events",
    "events": "/v1/events",
}
_OWN_CHANNEL: Final = {"web": "web", "phone": "phone", "counter": "counter", "events": None}

gateway_option = click.option(
    "--gateway", type=click.Choice(list(GATEWAYS)), default="events", show_default=True, help="The gateway."
)
lang_option = click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the reasons (default: LANG).")


@click.group("events", short_help="Check, send and watch events.")
def events_group() -> None:
    """Check, send and watch events (CloudEvents 1.0, JSON)."""


@events_group.command(
    "validate",
    short_help="Check events as a gateway would.",
    epilog="""\b
Examples:
  parcours events validate events.ndjson --lang fr
  producer | parcours events validate - --gateway phone""",
)
@click.argument("file")
@gateway_option
@lang_option
@click.pass_context
def validate_command(context: click.Context, file: str, gateway: str, lang: str | None) -> None:
    """Check the events of FILE (NDJSON, a JSON array or one object; - for standard input) without sending them.

    Every event that a gateway would reject gives a line: where, reason, JSON pointer, what is wrong.
    """
    site: Site = context.obj
    region = site.settings.phone_region
    check = LocalCheck(now_us(), _OWN_CHANNEL[gateway], lang or language(), phone_region=region)
    counts: Counter[str] = Counter()
    with open_events(file) as opened:
        for event in read_events(opened):
            _tell(event, check.check(event.text), counts)
    _conclude(context, counts, "would be accepted")


@events_group.command(
    "send",
    short_help="Send events to a gateway.",
    epilog="""\b
Examples:
  parcours events send events.ndjson
  producer | parcours events send - --gateway web""",
)
@click.argument("file")
@gateway_option
@lang_option
@click.pass_context
def send_command(context: click.Context, file: str, gateway: str, lang: str | None) -> None:
    """Send the events of FILE (NDJSON, a JSON array or one object; - for standard input) to a gateway.

    Every event that is rejected gives a line. Sending an event again is harmless: it counts once.
    """
    site: Site = context.obj
    counts: Counter[str] = Counter()
    with open_events(file) as opened, site.ingest() as ingest:
        for batch in _batches(read_events(opened)):
            results = _send(ingest, batch, GATEWAYS[gateway], lang or language())
            for event, result in zip(batch, results, strict=True):
                _tell(event, result, counts)
    _conclude(context, counts, "accepted")


@events_group.command(
    "tail",
    short_help="Show the newest events of the log.",
    epilog="""\b
Examples:
  parcours events tail
  parcours events tail --lines 1000 | grep form.error
  parcours events tail --follow""",
)
@click.option("--lines", "-n", type=click.IntRange(0, 1_000_000), default=10, show_default=True, help="How many.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.pass_obj
def tail_command(site: Site, lines: int, follow: bool) -> None:
    """Show the newest events as they are stored, pseudonymous, as NDJSON."""
    reader = site.local.journey_events()
    try:
        newest: deque[bytes]
        newest, positions = last_events(reader, lines)
        for event in newest:
            click.echo(event)
        if follow:
            with suppress(KeyboardInterrupt):
                for event in follow_events(reader, positions):
                    click.echo(event)
    finally:
        reader.close()


def _send(ingest: IngestClient, batch: list[RawEvent], path: str, lang: str) -> list[EventResult]:
    """NDJSON stays NDJSON, so that one line cannot spoil its neighbours; an event of several lines goes as an array."""
    texts = [event.text for event in batch]
    if any(b"\n" in text for text in texts):
        return ingest.send(b"[" + b",".join(texts) + b"]", len(batch), path=path, lang=lang)
    return ingest.send(b"\n".join(texts), len(batch), path=path, content_type="application/x-ndjson", lang=lang)


def _batches(events: Iterable[RawEvent]) -> Iterator[list[RawEvent]]:
    batch: list[RawEvent] = []
    size_bytes = 2
    for event in events:
        if batch and (len(batch) >= MAX_BATCH_EVENTS or size_bytes + len(event.text) + 1 > MAX_BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 2
        batch.append(event)
        size_bytes += len(event.text) + 1
    if batch:
        yield batch


def _tell(event: RawEvent, result: EventResult, counts: Counter[str]) -> None:
    counts[result.status] += 1
    if result.status == "rejected":
        click.echo(" ".join(filter(None, (f"line {event.line}:", result.reason, result.pointer, result.detail))))


def _conclude(context: click.Context, counts: Counter[str], accepted: str) -> None:
    parts = [f"{counts['accepted']:,} {accepted}", f"{counts['rejected']:,} rejected"]
    if counts["duplicate"]:
        parts.insert(1, f"{counts['duplicate']:,} repeated within a request")
    click.echo(", ".join(parts), err=True)
    context.exit(1 if counts["rejected"] else 0)
