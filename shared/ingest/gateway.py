"""What the gateways of one process share: from a request to its answer.

The order of things: whether anything can be accepted at all (started, free space), the body, the verdicts, then the accepted and
the refused events are made durable together, and only then is anything answered. If either log fails the answer is 503
and the publisher sends the request again: repeated events and repeated rejects keep their identity, so nothing counts twice.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shared.errors import LogError, LogOverloaded, LogUnavailable, ParcoursError
from shared.ingest.batcher import Batcher, LogState
from shared.ingest.body import (
    LARGE_BODY_BYTES,
    Body,
    ByteBudget,
    Form,
    Splitter,
    error_position,
    form_of,
    read_body,
    refuse_encoding,
)
from shared.ingest.clock_duty import AlwaysOnDuty, ClockDuty
from shared.ingest.control import Controls, OwnLog
from shared.ingest.intake import Collected, Intake
from shared.ingest.meters import IngestMeters
from shared.ingest.problem import RequestRefused, problem_response, refusal_response, request_language
from shared.ingest.published_rules import PublishedRulesMemory
from shared.ingest.reasons import DEFAULT_LANGUAGE
from shared.ingest.records import Part, RawRecord
from shared.ingest.rejects import PayloadSealer, Refusals
from shared.ingest.space import FreeSpace
from shared.ingest.validate import SubjectKeys, Validator, arrival_at
from shared.journey.instants import to_text
from shared.log.port import JOURNEY_EVENTS, REJECTED_EVENTS, Kind, LogWriter

_log = logging.getLogger(__name__)

TICK_S: Final = 1.0
STOP_TIMEOUT_S: Final = 1.5
"""How long stopping waits for what is pending in both logs, and once more for them to close."""
_EVENTS_AT_A_TIME: Final = 250
_BYTES_AT_A_TIME: Final = 32_768
_RECORDS_AT_A_TIME: Final = 50
"""Judged, at most about so much, before other requests have their turn: scrubbing long comments takes milliseconds each."""
_RETRY_UNAVAILABLE_S: Final = 5
_RETRY_LOW_SPACE_S: Final = 30
_RETRY_NOT_READY_S: Final = 1
_FULL_QUEUE: Final = 0.9


@dataclass(frozen=True, kw_only=True)
class GatewayParts:
    """What the composition root gives a gateway process.

    `events_log` and `rejects_log` are this process' own and closed by `Gateway.stop`. `rules` is the resolved document of
    rule settings, `published_rules` what the log last published; `normalise` and `scrub` are those of `shared.privacy`,
    with the site's telephone region. `duty` says whether this process writes time and rule settings.
    """

    events_log: OwnLog
    rejects_log: LogWriter
    keys: SubjectKeys
    normalise: Callable[[str], str]
    scrub: Callable[[str], str]
    sealer: PayloadSealer
    rules: dict[str, Any]
    published_rules: PublishedRulesMemory
    data_folder: Path
    min_free_bytes: int
    linger_ms: int
    max_pending_bytes: int
    now_us: Callable[[], int]
    duty: ClockDuty = field(default_factory=AlwaysOnDuty)


class Gateway:
    """Accepts events for one process. `start` and `stop` belong on the event loop that serves the requests."""

    def __init__(self, parts: GatewayParts) -> None:
        self.meters = IngestMeters(self._log_states)
        self._events = self._batcher(JOURNEY_EVENTS, parts.events_log, parts)
        self._rejects = self._batcher(REJECTED_EVENTS, parts.rejects_log, parts)
        self._validator = Validator(parts.keys, parts.events_log.partitions, parts.normalise, parts.scrub)
        self._sealer = parts.sealer
        self._space = FreeSpace(parts.data_folder, parts.min_free_bytes)
        self._budget = ByteBudget(parts.max_pending_bytes)
        self._splitter = Splitter()
        self._one_large = asyncio.Lock()
        self._now_us = parts.now_us
        self._recorded_us = 0
        self._open = False
        self._clock: asyncio.Task[None] | None = None
        self._duty = parts.duty
        self._duty_failure: str | None = None
        self._published = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.controls = Controls(self._events, parts.events_log, parts.published_rules, parts.rules, parts.now_us)

    async def start(self) -> None:
        """Publish the rule settings, or see that they are, then open. While that cannot be, the gateway stays closed."""
        self._loop = asyncio.get_running_loop()
        self._events.start()
        self._rejects.start()
        await self._attend()
        self._clock = asyncio.create_task(self._run_clock(), name="gateway-clock")

    async def stop(self) -> None:
        """Close, finish what is pending within `STOP_TIMEOUT_S`, and close both logs."""
        self._open = False
        if self._clock is not None:
            self._clock.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._clock
        await asyncio.gather(self._events.stop(STOP_TIMEOUT_S), self._rejects.stop(STOP_TIMEOUT_S))

    def readiness(self) -> dict[str, bool]:
        """Each condition of being ready, and whether it holds. The tick of every second tries the log."""
        return {
            "started": self._open,
            "log_writable": self._events.failure is None,
            "free_space": self._space.enough(),
            "queue_bounded": self._events.fill < _FULL_QUEUE and self._rejects.fill < _FULL_QUEUE,
        }

    async def receive(self, request: Request, gateway: str, channel: str | None) -> Response:
        """The answer to a request with events; `gateway` is its path, `channel` its default channel."""
        return await self.answer(request, gateway, lambda lang: self._receive(request, gateway, channel, lang))

    async def answer(self, request: Request, gateway: str, work: Callable[[str], Awaitable[Response]]) -> Response:
        """What `work` answers in the language given to it, its refusals and the log's failures as problem documents."""
        lang = request_language(request)
        try:
            self._admit()
            response = await work(lang)
        except RequestRefused as refused:
            response = self._refuse(refused, gateway, lang)
        except LogOverloaded as error:
            overloaded = RequestRefused(503, "overloaded", retry_after_s=error.retry_after_s)
            response = self._refuse(overloaded, gateway, lang)
        except LogError:
            unavailable = RequestRefused(503, "log_unavailable", retry_after_s=_RETRY_UNAVAILABLE_S)
            response = self._refuse(unavailable, gateway, lang)
        self.meters.count_request(gateway, response.status_code)
        return response

    def _refuse(self, refused: RequestRefused, gateway: str, lang: str) -> Response:
        self.meters.count_refusal(gateway, refused.status, refused.reason)
        return refusal_response(refused, lang)

    def take_records(self, records: Sequence[RawRecord], gateway: str, channel: str | None, timeout_s: float) -> None:
        """From any thread but the event loop's: judge events that came without a request, and keep the verdicts.

        Returns once all are durable, the accepted and the refused. Raises `LogError` when that is not sure, also while the
        gateway is not open: give the same records again, repeats keep their identity.
        """
        if self._loop is None or not self._open:
            raise LogUnavailable("the gateway is not open")
        work = asyncio.run_coroutine_threadsafe(self._take_records(records, gateway, channel), self._loop)
        try:
            work.result(timeout_s)
        except (TimeoutError, CancelledError):
            work.cancel()
            raise LogUnavailable("the gateway did not keep the records in time") from None

    async def read(self, request: Request) -> bytes:
        """The body of a request, bounded, on this process' budget while it is being read. Raises `RequestRefused`."""
        body = await read_body(request, self._budget)
        self._budget.give(len(body))
        return body

    async def _receive(self, request: Request, gateway: str, channel: str | None, lang: str) -> Response:
        refuse_encoding(request)
        form = form_of(request.headers.get("content-type"))
        body = await read_body(request, self._budget)
        try:
            return await self._take(form, body, gateway, channel, lang)
        finally:
            self._budget.give(len(body))

    async def _take(self, form: Form, body: bytes, gateway: str, channel: str | None, lang: str) -> Response:
        now_us = self._now_us()
        self._recorded_us = max(now_us, self._recorded_us + 1)  # no two requests of a process share a recordedtime
        arrival = arrival_at(now_us, self._recorded_us, channel)
        refusals = Refusals(self._sealer, gateway, to_text(now_us))
        try:
            events = await self._splitter.split(form, body)
        except RequestRefused as refused:
            await self._keep_unreadable(refused, body, refusals, gateway)
            raise
        intake = Intake(self._validator, refusals, arrival, lang)
        if len(body) <= LARGE_BODY_BYTES:
            await _judge_all(intake, events)
        else:  # one after the other: several would only finish together, and leave small requests less often their turn
            async with self._one_large:
                await _judge_all(intake, events)
        if form is Form.SINGLE and intake.only_refusal in {"not_json", "not_utf8"}:
            unreadable = RequestRefused(400, intake.only_refusal, position=error_position(body))
            await self._keep_unreadable(unreadable, body, Refusals(self._sealer, gateway, to_text(now_us)), gateway)
            raise unreadable
        await self._keep(intake.accepted_parts(), intake.reject_parts())
        return self._answer_intake(intake, gateway, lang)

    async def _take_records(self, records: Sequence[RawRecord], gateway: str, channel: str | None) -> None:
        collected = Collected()
        for number, record in enumerate(records, 1):
            now_us = self._now_us()
            self._recorded_us = max(now_us, self._recorded_us + 1)
            arrival = arrival_at(now_us, self._recorded_us, channel)
            refusals = Refusals(self._sealer, gateway, to_text(now_us), occurrence=record.place)
            intake = Intake(self._validator, refusals, arrival, DEFAULT_LANGUAGE, first_position=record.offset)
            intake.judge([record.value], utf8=False)
            collected.add(intake)
            if number % _RECORDS_AT_A_TIME == 0:
                await asyncio.sleep(0)
        await self._keep(collected.accepted_parts(), collected.reject_parts())
        self.meters.count_events(gateway, collected.accepted, 0, collected.rejects_by_reason)

    async def _keep_unreadable(self, refused: RequestRefused, body: bytes, refusals: Refusals, gateway: str) -> None:
        if refused.status == 400 and refused.position is not None:
            refusals.add_body(body, refused.reason, refused.position)
            await self._rejects.submit([Part(0, Kind.REJECTS, refusals.encoded)])
            self.meters.count_events(gateway, 0, 0, {refused.reason: 1})

    async def _keep(self, accepted: Sequence[Part], rejects: Sequence[Part]) -> None:
        """Make both durable; raises the first failure."""
        if accepted and rejects:
            await asyncio.gather(self._events.submit(accepted), self._rejects.submit(rejects))
        elif accepted:
            await self._events.submit(accepted)
        else:
            await self._rejects.submit(rejects)

    def _answer_intake(self, intake: Intake, gateway: str, lang: str) -> Response:
        answer = intake.answer()
        self.meters.count_events(gateway, answer.accepted, answer.duplicates, intake.rejects_by_reason)
        if not answer.accepted:
            return problem_response(422, "all_rejected", lang, extension=msgspec.structs.asdict(answer))
        return Response(msgspec.json.encode(answer), 202, {"Content-Language": lang}, media_type="application/json")

    def _admit(self) -> None:
        if not self._open:
            raise RequestRefused(503, "not_ready", retry_after_s=_RETRY_NOT_READY_S)
        if not self._space.enough():
            raise RequestRefused(503, "low_space", retry_after_s=_RETRY_LOW_SPACE_S)

    async def _attend(self) -> bool:
        """Do what the duty asks for; whether this process writes the log's time."""
        try:
            held = await asyncio.to_thread(self._duty.held)
            if held and not self._published:
                await self.controls.publish_rules()
            if not held and not self._open:
                self._open = await asyncio.to_thread(self._duty.rules_are_published)
        except (ParcoursError, OSError) as error:
            name = type(error).__name__
            if self._duty_failure != name:
                _log.error("the rule settings cannot be published or asked for", exc_info=error)
            self._duty_failure = name
            return False
        self._duty_failure = None
        self._published = held
        self._open = self._open or held
        return held

    async def _run_clock(self) -> None:
        held = self._published
        while True:
            if held:
                with contextlib.suppress(LogError):  # the batcher says so, and readiness
                    await self.controls.tick()
            await asyncio.sleep(TICK_S)
            held = await self._attend()

    def _batcher(self, topic: str, writer: LogWriter, parts: GatewayParts) -> Batcher:
        return Batcher(
            writer,
            topic=topic,
            linger_ms=parts.linger_ms,
            max_pending_bytes=parts.max_pending_bytes,
            observe_commit=partial(self.meters.observe_commit, topic),
        )

    def _log_states(self) -> dict[str, LogState]:
        return {JOURNEY_EVENTS: self._events.state, REJECTED_EVENTS: self._rejects.state}


async def _judge_all(intake: Intake, body: Body) -> None:
    part: list[bytes] = []
    size_bytes = 0
    for raw in body.events:
        if part and (len(part) >= _EVENTS_AT_A_TIME or size_bytes + len(raw) > _BYTES_AT_A_TIME):
            intake.judge(part, body.utf8)
            await asyncio.sleep(0)
            part, size_bytes = [], 0
        part.append(raw)
        size_bytes += len(raw)
    intake.judge(part, body.utf8)
