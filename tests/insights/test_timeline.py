"""The strip above a point's timeline: legible where events lie close together, named where there is no channel."""

import re

from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import ClientWith, opened
from tests.insights.seed import event


def test_close_events_share_a_mark_and_case_work_has_a_lane(empty_store: Store, client_with: ClientWith):
    """Steps of a case within minutes become one mark “2–4” on a lane of their own; a reason is said in words."""
    events = [
        event("1", "contact.made", "2026-02-01T09:00:00.000000Z", "p1-a", "tax", channel="web", reason="status"),
        *(
            event(f"s{minute}", "case.progressed", f"2026-02-02T09:0{minute}:00.000000Z", "p1-a", "tax", case="c", step="x")
            for minute in range(3)
        ),
        event("3", "contact.made", "2026-02-03T09:30:00.000000Z", "p1-a", "tax", channel="phone"),
    ]  # fmt: skip
    seed.fill(empty_store.writer(), events)
    client = client_with(empty_store)
    (point,) = client.get("/api/v1/frictions?rule=channel_switch&purpose=check-rule").json()["points"]
    english, french = (client.get(opened(client, f"/points/{point['id']}?lang={lang}")).text for lang in ("en", "fr"))
    assert re.findall(r'text-anchor="middle">([^<]*)<', english) == ["1", "5", "2–4"]
    assert re.findall(r'class="lane-name">([^<]*)<', english) == ["web", "phone", "case work"]
    assert re.findall(r'class="lane-name">([^<]*)<', french) == ["web", "téléphone", "dossier"]
    assert "state of the case" in english
    assert "état du dossier" in french
