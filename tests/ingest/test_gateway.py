"""What a gateway answers, over HTTP, with real logs behind it."""

import asyncio
import base64
import contextlib
import hashlib
import socket
from pathlib import Path

import httpx
import pytest

from services.casework.app import routes as casework_routes
from shared.ingest.app import build_ingest_app
from shared.ingest.gateway import Gateway
from shared.log.port import Kind
from shared.privacy.sealing import Sealer
from tests.ingest.examples import batch, event, lines, text
from tests.ingest.parts import BATCH, KEYS, NDJSON, PATHS, SINGLE, Served, gateway_parts, serve


@pytest.mark.parametrize(
    ("body", "content_type"), [(text(event()), SINGLE), (batch(event()), BATCH), (lines(event()), NDJSON)]
)
@pytest.mark.parametrize(("path", "channel"), list(zip(PATHS, ("web", "phone", "counter", None), strict=True)))
def test_every_gateway_takes_every_form(
    server: Served, path: str, channel: str | None, body: bytes, content_type: str
) -> None:
    """The event is stored with the gateway's own channel once it is answered with 202."""
    answer = server.post(body, content_type, path)
    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "accepted": 1, "duplicates": 0, "rejected": 0, "results": [{"status": "accepted", "id": "e1"}]
    }  # fmt: skip
    assert server.events()[-1].data.channel == channel


def test_every_event_has_a_result_in_order(server: Served) -> None:
    """Accepted, duplicate and rejected events are told apart; only the first copy is stored."""
    before = len(server.events())
    same_instant = event(2, time="2026-11-01T09:00:00Z", data_attributes={"b": "2", "a": "1"})
    answer = server.post(
        batch(
            event(1),
            event(2, data_attributes={"a": "1", "b": "2"}),
            event(3, data_rating=9),
            event(1),
            same_instant,
            event(2, data_step="other"),
            event(1, source="/other"),
        )
    )
    body = answer.json()
    assert (answer.status_code, body["accepted"], body["duplicates"], body["rejected"]) == (202, 3, 2, 2)
    assert [result["status"] for result in body["results"]] == [
        "accepted", "accepted", "rejected", "duplicate", "duplicate", "rejected", "accepted",
    ]  # fmt: skip
    assert [(r.get("reason"), r.get("pointer")) for r in body["results"] if r["status"] == "rejected"] == [
        ("out_of_range", "/data/rating"),
        ("conflicting_duplicate", "/id"),
    ]
    assert len(server.events()) == before + 3


def test_no_two_requests_share_a_recordedtime(tmp_path: Path) -> None:
    """Copies of one event can be told apart, even when the gateway's clock stands still."""
    with serve(tmp_path, now_us=lambda: 1_793_527_200_000_000) as served:
        for _ in range(3):
            served.post(batch(event(1), event(2)))
        assert [stored.recordedtime[-7:] for stored in served.events()] == [
            "000000Z", "000000Z", "000001Z", "000001Z", "000002Z", "000002Z",
        ]  # fmt: skip


def test_events_go_to_the_partition_of_their_subject(tmp_path: Path) -> None:
    """One subject's events are all in one partition, and many subjects use every partition."""
    with serve(tmp_path, partitions=4) as served:
        served.post(batch(*(event(number, subject=f"account:{number % 50}") for number in range(200))))
        partitions: dict[str | None, set[int]] = {}
        for record in served.records():
            if record.kind is Kind.EVENTS:
                for subject in (item["subject"] for item in httpx.Response(200, content=record.value).json()):
                    partitions.setdefault(subject, set()).add(record.partition)
    assert len(partitions) == 50
    assert all(len(used) == 1 for used in partitions.values())
    assert set().union(*partitions.values()) == {0, 1, 2, 3}


def test_what_is_refused_is_kept_sealed(tmp_path: Path) -> None:
    """A reject says where, what and why; its payload opens with the site's key only."""
    bad = text(event(subject="mailto:jane@doe.example", type="x.y", data_rating=9))
    with serve(tmp_path) as served:
        served.post(batch(event(2), bad), path="/v1/web/events")
        (reject,) = served.rejects()
        stored = b"".join(record.value for record in served.records() + served.records("rejected-events.ingest"))
    assert (reject.source, reject.type, reject.service) == ("/test", "x.y", "housing-benefit")
    assert (reject.gateway, reject.reason, reject.pointer) == ("/v1/web/events", "out_of_range", "/data/rating")
    assert (reject.stage, reject.position, reject.size_bytes) == ("ingest", 1, len(bad))
    assert reject.sha256 == hashlib.sha256(bad).hexdigest()
    assert Sealer(KEYS.sealing).open(base64.b64decode(reject.payload or "")) == bad
    assert b"jane" not in stored


def test_of_what_is_too_large_or_unparsable_only_size_and_hash_are_kept(tmp_path: Path) -> None:
    """No payload of an event over 64 kB, nor of a body that could not be split; the latter with its position."""
    large, unparsable = text(event(data_comment="x" * 70_000)), b'{"a": NaN}'
    with serve(tmp_path) as served:
        assert served.post(large, NDJSON).status_code == 422
        assert served.post(unparsable, SINGLE).status_code == 400
        assert served.post(b"nonsense", BATCH).status_code == 400
        rejects = served.rejects()
    assert [(r.reason, r.size_bytes, r.position, r.payload) for r in rejects] == [
        ("event_too_large", len(large), 0, None),
        ("not_json", len(unparsable), 6, None),
        ("not_json", 8, 1, None),
    ]
    assert rejects[1].sha256 == hashlib.sha256(unparsable).hexdigest()


def test_a_repeated_request_repeats_its_rejects_under_the_same_ids(tmp_path: Path) -> None:
    """So each counts once; equal events within one request count apart."""
    with serve(tmp_path) as served:
        for _ in range(2):
            served.post(lines(b"nonsense", event(), b"nonsense"), NDJSON)
        ids = [reject.id for reject in served.rejects()]
    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2


GOOD = text(event(99))
BAD = [
    pytest.param(b"nonsense", "not_json", id="not JSON"),
    pytest.param(text(event(data_wait_s="3")), "wrong_type", id="wrong type"),
    pytest.param(text(event(time=None)), "missing_field", id="missing field"),
    pytest.param(text([]), "wrong_type", id="not an object"),
    pytest.param(b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "nested_too_deep", id="deep nesting"),
    pytest.param(GOOD.replace(b"account", b"\xff\xfe"), "not_utf8", id="invalid UTF-8"),
    pytest.param(GOOD.replace(b'"account:17"', b"NaN"), "not_json", id="NaN"),
    pytest.param(text(event(time="2026-11-01T10:00:00")), "time_without_offset", id="time without offset"),
    pytest.param(text(event(time="9999-12-31T23:59:59Z")), "time_ahead", id="year 9999"),
    pytest.param(text(event(id="i" * 1_000_000)), "event_too_large", id="an id of 1 MB"),
    pytest.param(text(event(id="i" * 300)), "too_long", id="an id of 300 characters"),
    pytest.param(text(event(type="clock.ticked")), "reserved_type", id="control event"),
]


@pytest.mark.parametrize("content_type", [BATCH, NDJSON])
@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_event_loses_nothing_good_beside_it(server: Served, bad: bytes, reason: str, content_type: str) -> None:
    """In a batch and as a line: the good events on both sides are stored, the bad one gets its reason."""
    before = len(server.events())
    make = batch if content_type == BATCH else lines
    answer = server.post(make(event(1), bad, GOOD), content_type)
    assert answer.status_code == 202
    assert [result["status"] for result in answer.json()["results"]] == ["accepted", "rejected", "accepted"]
    assert answer.json()["results"][1]["reason"] == reason
    assert len(answer.json()["results"][1].get("id", "")) <= 256
    assert [stored.id for stored in server.events()[before:]] == ["e1", "e99"]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_event_alone(server: Served, bad: bytes, reason: str) -> None:
    """422 with its result, or 400 when it cannot be read at all; both are problem documents."""
    answer = server.post(bad, SINGLE)
    assert answer.headers["content-type"] == "application/problem+json"
    if reason in {"not_json", "not_utf8"}:
        assert (answer.status_code, answer.json()["reason"]) == (400, reason)
    else:
        assert (answer.status_code, answer.json()["reason"]) == (422, "all_rejected")
        assert [result["reason"] for result in answer.json()["results"]] == [reason]
        assert answer.json()["rejected"] == 1


def test_eleven_minutes_ahead(tmp_path: Path) -> None:
    """An event 11 minutes ahead of the gateway's clock is refused, one 9 minutes ahead accepted."""
    with serve(tmp_path, now_us=lambda: 1_793_527_200_000_000) as served:
        answer = served.post(batch(event(1, time="2026-11-01T10:11:00Z"), event(2, time="2026-11-01T10:09:00Z")))
    assert [result.get("reason") for result in answer.json()["results"]] == ["time_ahead", None]


@pytest.mark.parametrize("content_type", [BATCH, NDJSON])
@pytest.mark.parametrize("bad", [text(event(data_rating=9)), b'{"x":NaN}'], ids=["out of range", "NaN"])
def test_9999_bad_events_beside_one_good(tmp_path: Path, bad: bytes, content_type: str) -> None:
    """The good one is stored, each bad one has its result and its reject."""
    make = batch if content_type == BATCH else lines
    with serve(tmp_path) as served:
        answer = served.post(make(*[bad] * 5_000, GOOD, *[bad] * 4_999), content_type)
        assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (202, 1, 9_999)
        assert [stored.id for stored in served.events()] == ["e99"]
        rejects = served.rejects()
    assert (len(rejects), len({reject.id for reject in rejects})) == (9_999, 9_999)


@pytest.mark.parametrize("content_type", [SINGLE, BATCH, NDJSON])
@pytest.mark.parametrize(
    ("headers", "content", "status", "reason"),
    [
        ({}, b"x" * 10_000_000, 413, "body_too_large"),
        ({"Transfer-Encoding": "chunked"}, b"x" * 10_000_000, 413, "body_too_large"),
        ({"Content-Encoding": "gzip"}, b"x", 415, "unsupported_encoding"),
        ({}, b"", 400, "empty_body"),
    ],
)
def test_bodies_that_are_refused_unread(
    server: Served, content_type: str, headers: dict[str, str], content: bytes, status: int, reason: str
) -> None:
    """10 MB, with or without a declared length, and a compressed body."""
    chunked = "Transfer-Encoding" in headers
    sent = (content[start : start + 65_536] for start in range(0, len(content), 65_536)) if chunked else content
    answer = httpx.post(
        f"http://127.0.0.1:{server.port}/v1/events", content=sent, headers={"Content-Type": content_type, **headers}
    )
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


@pytest.mark.parametrize("declared", [None, 10_000_000_000])
def test_a_client_that_sends_without_end_is_cut_off(server: Served, declared: int | None) -> None:
    """What comes beyond the limit is thrown away for a while, so that the answer arrives; then the connection closes."""
    head = b"POST /v1/events HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: application/x-ndjson\r\n"
    length = b"Transfer-Encoding: chunked" if declared is None else b"Content-Length: %d" % declared
    chunk = b"x" * 1_000_000
    sent_bytes = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head + length + b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while sent_bytes < 200_000_000:
                connection.sendall(chunk if declared else b"f4240\r\n" + chunk + b"\r\n")
                sent_bytes += len(chunk)
    assert 30_000_000 < sent_bytes < 100_000_000


def test_five_megabytes_are_accepted(server: Served) -> None:
    """The largest request: many events, up to the limits."""
    events = [event(number, data_comment="x" * 500) for number in range(6_500)]
    body = batch(*events)
    body += b" " * (5 * 1024 * 1024 - len(body))
    assert server.post(body).json()["accepted"] == 6_500
    assert server.post(body + b" ").status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(server: Served, method: str) -> None:
    """405 as a problem document that names what is allowed."""
    answer = server.client.request(method, "/v1/events")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["reason"] == "method_not_allowed"


def test_unknown_paths_are_problems_too(server: Served) -> None:
    """404, also for a path with a slash too many, and for the pages that FastAPI would load from elsewhere."""
    for path in ("/nowhere", "/v1/events/", "/docs", "/redoc"):
        answer = server.client.get(path)
        assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("accept", "lang", "title"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr", "Rien n'a été accepté"),
        ("en", "en", "Nothing was accepted"),
        ("de, fr;q=0.5, en;q=0.4", "fr", "Rien n'a été accepté"),
        ("de", "en", "Nothing was accepted"),
        ("fr;q=x", "en", "Nothing was accepted"),
        ("*", "en", "Nothing was accepted"),
    ],
)
def test_problems_come_in_the_language_asked_for(server: Served, accept: str, lang: str, title: str) -> None:
    """Title and details follow `Accept-Language`; reasons never change."""
    answer = server.post(batch(event(data_rating=9)), **{"Accept-Language": accept})
    assert (answer.headers["content-language"], answer.json()["title"]) == (lang, title)
    result = answer.json()["results"][0]
    assert (result["reason"], result["detail"].startswith("La valeur")) == ("out_of_range", lang == "fr")


def test_health_readiness_and_metrics(server: Served) -> None:
    """A gateway that works says so."""
    assert server.client.get("/healthz").json() == {"status": "ok"}
    ready = server.client.get("/readyz").json()
    assert ready["ready"]
    assert set(ready["checks"]) == {"started", "log_writable", "free_space", "queue_bounded"}
    metrics = server.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_a_gateway_that_has_not_started_refuses(tmp_path: Path) -> None:
    """503 with Retry-After for events and readiness; health stays, since the process lives."""
    gateway = Gateway(gateway_parts(tmp_path))
    transport = httpx.ASGITransport(build_ingest_app(gateway, [casework_routes(gateway)]))

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
            headers = {"Content-Type": BATCH}
            answers = [await client.post("/v1/events", content=batch(event()), headers=headers)]
            answers += [await client.get("/readyz"), await client.get("/healthz")]
        await gateway.stop()
        return answers

    refused, unready, healthy = asyncio.run(ask())
    assert (refused.status_code, refused.headers["retry-after"], refused.json()["reason"]) == (503, "1", "not_ready")
    assert (unready.status_code, unready.json()["checks"]["started"]) == (503, False)
    assert healthy.status_code == 200


def test_a_defect_shows_nothing_of_what_was_sent(tmp_path: Path) -> None:
    """500 is a problem document without the error's text."""

    def broken(comment: str) -> str:
        raise RuntimeError(comment)

    with serve(tmp_path, scrub=broken) as served:
        answer = served.post(batch(event(data_comment="a secret")))
    assert (answer.status_code, answer.json()["reason"]) == (500, "internal")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
