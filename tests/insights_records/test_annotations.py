"""The page of annotations: listed, added, refused with a reason beside the field, removed."""

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.registry.records import Records
from shared.store.client import Store
from tests.insights.conftest import new_records, served

REFORM = {
    "title": "New <form>",
    "first_day": "2026-03-01",
    "last_day": "2026-03-31",
    "kind": "reform",
    "service": "housing",
    "territory": "fr/idf/",
    "text": "Line one\r\nline two",
}


@pytest.fixture(scope="module")
def records() -> Any:
    """The records of a registry."""
    with new_records() as made:
        yield made


@pytest.fixture(scope="module")
def client(store: Store, records: Records) -> Any:
    """A client of a site."""
    with served(store, records=records) as made:
        yield made


@pytest.fixture(autouse=True)
def _none(records: Records) -> None:
    """Nothing is noted yet."""
    for each in records.annotations.all():
        records.annotations.remove(each.id, each.version)


def test_an_annotation_is_added_and_removed(client: httpx.Client, records: Records):
    """It stands in the list, escaped, with its period, service and territory; the language of the address stays."""
    response = client.post("/annotations?lang=fr", data=REFORM)
    assert (response.status_code, response.headers["location"]) == (303, "/annotations?lang=fr")
    (kept,) = records.annotations.all()
    assert (kept.kind, kept.service, kept.territory, kept.text) == ("reform", "housing", "fr/idf", "Line one\nline two")
    page = client.get("/annotations?lang=en").text
    assert "New &lt;form&gt;" in page
    assert "to 31\u00a0March 2026" in page
    stale = client.post(f"/annotations/{kept.id}/removal", data={"version": "2"})
    assert stale.status_code == 409
    assert client.post(f"/annotations/{kept.id}/removal", data={"version": "1"}).status_code == 303
    assert records.annotations.all() == []
    assert client.post(f"/annotations/{kept.id}/removal", data={"version": "1"}).status_code == 409


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "", "Please give a title"),
        ("title", "x" * 201, "Please give a title"),
        ("first_day", "", "day on which it began"),
        ("first_day", "2026-02-30", "day on which it began"),
        ("first_day", "0001-01-01", "day on which it began"),
        ("last_day", "2026-02-01", "last day must be"),
        ("last_day", "soon", "last day must be"),
        ("kind", "party", "what kind"),
        ("service", "x" * 257, "name of the service"),
        ("text", "x" * 4_001, "at most 4,000"),
    ],
)
def test_what_cannot_be_kept_is_said(client: httpx.Client, records: Records, field: str, value: str, words: str):
    """The form comes again with what was filled in, and names the field that is wrong."""
    response = client.post("/annotations", data=REFORM | {field: value})
    assert response.status_code == 422
    assert words in response.text
    if field not in {"kind", "text"}:
        assert 'aria-describedby="a-problem"' in response.text
    assert "New &lt;form&gt;" in response.text or field == "title"
    assert records.annotations.all() == []


ODD = st.one_of(
    st.text(max_size=40), st.sampled_from(["\ud800", "\0", "²", "99999999999999999999", "2026-W01", "a" * 5_000])
)


@given(st.dictionaries(st.sampled_from([*REFORM, "version", "under", "purpose", "journey"]), ODD, max_size=6), st.sampled_from(
    ["/annotations", "/annotations/x/removal", "/journeys", "/journeys/x", "/journeys/x/notes", "/points", "/points/x"]
))  # fmt: skip
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_no_form_makes_the_server_fail(client: httpx.Client, fields: dict[str, str], path: str):
    """Whatever a form holds, the answer is a page, a way on, or a 4xx."""
    body = "&".join(
        f"{name}={''.join(f'%{byte:02x}' for byte in value.encode('utf-8', 'surrogatepass'))}"
        for name, value in fields.items()
    )
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post(path, content=body, headers=headers).status_code < 500
