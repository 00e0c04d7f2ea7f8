"""What the command line asks of the platform: freshness, refused events, doctor, migrations, detecting the past again."""

import httpx
import pytest

from services.insights.figures.catalogue import FIGURES
from shared.detection.settings import DEFAULTS, merged
from shared.log.port import Kind
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import ClientWith, FakeLoading


def test_freshness_gives_the_latest_position_of_each_partition(
    empty_store: Store, client_with: ClientWith, loading: FakeLoading
):
    """The latest row of a partition holds; the lag of events adds up their streams."""
    for partition, offset, at in [(0, 5, "09:00:00"), (0, 9, "09:00:01"), (1, 3, "08:59:00")]:
        empty_store.writer().command(
            f"INSERT INTO positions VALUES ('journey-events.ingest', 'log-a', {partition}, {offset}, '2026-11-22 {at}')"
        )
    loading.behind = {"journey-events.ingest": 7, "frictions.detector": 2}
    assert client_with(empty_store).get("/api/v1/freshness").json() == {
        "streams": {
            "journey-events.ingest": {
                "log_id": "log-a",
                "next_offsets": {"0": 9, "1": 3},
                "at": "2026-11-22T09:00:01.000000Z",
            }
        },
        "lag": {"journey-events.ingest": 7, "frictions.detector": 2},
        "events_lag": 7,
        "loader_alive": True,
    }


def test_refused_events_are_counted(empty_store: Store, client_with: ClientWith):
    """Per reason, stage and gateway, filtered by source, service and period."""
    rejects = [
        {
            "id": f"r{number}", "time": f"2026-11-2{number}T08:00:00.000000Z", "stage": stage, "gateway": "/v1/web/events",
            "source": "/web", "type": "x", "service": "housing", "reason": reason, "pointer": "/id", "size_bytes": 9,
            "sha256": "00", "position": number, "payload": "",
        }
        for number, (stage, reason) in enumerate([("ingest", "missing"), ("ingest", "too_long"), ("load", "missing")])
    ]  # fmt: skip
    seed.insert(empty_store.writer(), Kind.REJECTS, rejects)
    client = client_with(empty_store)

    def counts(group: str, **filters: str) -> dict[str, int]:
        answer = client.get("/api/v1/rejected/summary", params={"group_by": group, **filters}).json()
        assert answer["total"] == sum(row["events"] for row in answer["rows"])
        return {row[group]: row["events"] for row in answer["rows"]}

    assert counts("reason") == {"missing": 2, "too_long": 1}
    assert counts("stage", service="housing", source="/web") == {"ingest": 2, "load": 1}
    assert counts("gateway", **{"from": "2026-11-21"}) == {"/v1/web/events": 2}
    assert counts("reason", service="tax") == {}


def test_doctor_and_migrations_come_from_the_composition_root(client: httpx.Client):
    """Both are passed on as they are."""
    assert client.get("/api/v1/doctor").json() == {"ok": True, "parts": []}
    assert client.get("/api/v1/migrations").json() == [{"name": "0001_events.sql", "status": "applied"}]


def test_the_past_is_detected_again_one_run_at_a_time(client: httpx.Client):
    """202 with the run's name; a second is refused while the first is under way; the state can be asked for."""
    response = client.post("/api/v1/redetections", json={"service": "housing"})
    assert response.status_code == 202
    run = response.json()["run"]
    state = client.get(f"/api/v1/redetections/{run}").json()
    assert (state["service"], state["state"]) == ("housing", "running")
    assert client.post("/api/v1/redetections").status_code == 409


def test_a_page_of_another_site_changes_nothing(client: httpx.Client):
    """A browser that says a request comes from another site is refused; reading stays possible."""
    foreign = {"sec-fetch-site": "cross-site"}
    assert client.post("/api/v1/redetections", headers=foreign).status_code == 403
    assert client.get("/healthz", headers=foreign).status_code == 200
    assert client.post("/api/v1/redetections", headers={"sec-fetch-site": "same-origin"}).status_code == 202


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", "http://localhost:1"])
def test_a_page_of_another_site_is_known_without_encryption_too(client: httpx.Client, origin: str):
    """Over plain HTTP browsers say no more than the origin of the page; a program says none."""
    own = f"http://{client.base_url.netloc.decode()}"
    assert client.post("/api/v1/redetections", headers={"origin": origin}).status_code == 403
    assert client.get("/healthz", headers={"origin": origin}).status_code == 200
    assert client.post("/api/v1/redetections", headers={"origin": own}).status_code == 202


def test_openapi_names_every_route_and_no_outside_address(client: httpx.Client):
    """The description stands on this site; FastAPI's own pages, which load from elsewhere, are off."""
    document = client.get("/api/v1/openapi.json").json()
    assert {
        "/api/v1/frictions/summary",
        "/api/v1/frictions",
        "/api/v1/frictions.ndjson",
        "/api/v1/events/summary",
        "/api/v1/rejected/summary",
        "/api/v1/journeys/{journey}",
        "/api/v1/journeys/{journey}/notes",
        "/api/v1/journeys/{journey}/notes/{note}",
        *(
            f"/api/v1/{name}{rest}"
            for name in ("annotations", "improvements")
            for rest in ("", "/{record}", "/{record}/history")
        ),
        *(
            f"/api/v1/alerts{rest}"
            for rest in (
                "",
                "/{alert}",
                "/{alert}/acknowledge",
                "/{alert}/assign",
                "/{alert}/comment",
                "/{alert}/resolve",
                "/silences",
                "/silences/preview",
                "/silences/{silence}",
                "/deliveries",
                "/deliveries/{delivery}/retry",
                "/receivers/{receiver}/test",
            )
        ),
        "/api/v1/freshness",
        "/api/v1/rules",
        "/api/v1/doctor",
        "/api/v1/migrations",
        "/api/v1/redetections",
        "/api/v1/redetections/{run}",
        "/api/v1/simulations",
        "/api/v1/simulations/{name}",
        "/api/v1/exports/journeys.xes",
        "/api/v1/exports/journeys.ocel.json",
        "/api/v1/figures",
        *(f"/api/v1/figures/{name}" for name in FIGURES),
    } == set(document["paths"])
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404


def test_the_rules_in_force_are_told(empty_store: Store, client_with: ClientWith):
    """Their version, and the whole document: what the site changed, and the defaults of all else."""
    answer = client_with(empty_store, {"repeat_contact": {"window_s": 1_234}}).get("/api/v1/rules").json()
    assert answer == {"version": 1, "document": merged(DEFAULTS, {"repeat_contact": {"window_s": 1_234}})}


def test_a_large_body_is_refused_unread(client: httpx.Client):
    """Whether its length is announced or not; nothing is started."""
    body = b'{"service": "' + b"x" * 1_000_000 + b'"}'
    headers = {"content-type": "application/json"}
    for content in (body, iter([body[:500_000], body[500_000:]])):
        response = client.post("/api/v1/redetections", content=content, headers=headers)
        assert response.status_code == 413
    assert client.get("/api/v1/redetections/run-1").status_code == 404
    assert client.post("/api/v1/redetections", content=b"not JSON", headers=headers).status_code == 422
