"""The page "What if": form, address, progress, result; it agrees with the figure in every shape."""

import csv
import io
import re
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from shared.detection.rule_file import parse_rules
from shared.detection.settings import DEFAULTS, merged
from tests.insights_what_if.conftest import PERIOD, simulate

HIGHER = f"rule=long_wait&limit_s.phone=600&{PERIOD}"


def text_of(response: httpx.Response) -> str:
    """The words of a page."""
    words = re.sub(r"<[^>]+>", " ", response.text.replace("\u00a0", " ").replace("\u202f", " "))
    return re.sub(r"\s+", " ", words)


def rows(client: httpx.Client, query: str) -> list[dict[str, object]]:
    """The rows of the figure."""
    found = client.get(f"/api/v1/figures/what-if?{query}")
    assert found.status_code == 200, found.text
    return found.json()["rows"]


def test_the_form_starts_a_simulation_and_the_address_keeps_it(exact: httpx.Client):
    """A posted form leads to an address with the settings in seconds, where the result stands for whoever opens it."""
    filters = f"/what-if?rule=long_wait&{PERIOD}&lang=en"
    form = exact.get(filters)
    assert 'name="limit_s.phone" value="5"' in form.text
    assert 'value="20"' in form.text
    begun = exact.post(
        filters, data={"enabled": "1", "limit_s.phone": "10", "limit_s.phone.unit": "60", "limit_s.counter": ""}
    )
    assert begun.status_code == 303
    address = begun.headers["location"]
    asked = parse_qs(urlsplit(address).query)
    assert asked["limit_s.phone"] == ["600"]
    assert "limit_s.counter" not in asked
    assert asked["lang"] == ["en"]
    end = time.monotonic() + 120
    while "would find" not in (page := text_of(exact.get(address))):
        assert time.monotonic() < end, page
        time.sleep(0.05)
    assert "would find 12 points instead of 132: 0 appear, 120 disappear" in page
    assert "[long_wait] limit_s.phone = 600" in page
    assert "before anyone puts them in force" in page


def test_the_progress_is_a_part_of_the_page_that_loads_itself(exact: httpx.Client):
    """What is not under way answers with the wish to load the page again, and nothing else."""
    answer = exact.get("/what-if/progress?name=none")
    assert (answer.status_code, answer.headers["hx-refresh"], answer.text) == (200, "true", "")


def test_page_figure_and_files_agree(exact: httpx.Client):
    """Points now, then, appearing and disappearing, journeys and minutes are the same as JSON and CSV, by every group."""
    simulate(exact, HIGHER)
    (row,) = rows(exact, HIGHER)
    assert {name: row[name] for name in ("now", "then", "appear", "disappear", "stay", "journeys_now", "journeys_then")} == {
        "now": 132, "then": 12, "appear": 0, "disappear": 120, "stay": 12, "journeys_now": 132, "journeys_then": 12,
    }  # fmt: skip
    assert row["minutes_citizen_now"] == 120 * 400 / 60 + 12 * 700 / 60
    assert row["minutes_citizen_then"] == 140
    assert row["minutes_administration_now"] is None
    for by in ("service", "channel", "territory", "time"):
        found = rows(exact, f"{HIGHER}&by={by}")
        assert sum(each["disappear"] for each in found) == 120
        text = exact.get(f"/api/v1/figures/what-if?{HIGHER}&by={by}&format=csv").content.decode("utf-8-sig")
        assert [each["disappear"] for each in csv.DictReader(io.StringIO(text))] == [
            str(each["disappear"]) for each in found
        ]
    assert [each["start"] for each in rows(exact, f"{HIGHER}&by=time")] == [
        f"2026-0{month}-01" for month in (1, 2, 3, 4)
    ]
    page = text_of(exact.get(f"/what-if?{HIGHER}&lang=en"))
    assert "would find 12 points instead of 132" in page


def test_small_changes_are_not_shown(site: httpx.Client):
    """Where few points stay, what would tell them is withheld everywhere, and the page says so."""
    query = f"rule=long_wait&limit_s.phone=600&territory=FR/13/office&{PERIOD}"
    simulate(site, f"rule=long_wait&limit_s.phone=800&{PERIOD}")
    found = {row["territory"]: row for row in rows(site, f"rule=long_wait&limit_s.phone=800&by=territory&{PERIOD}")}
    assert found["FR/13/office"]["now"] == 12
    simulate(site, query)
    simulate(site, f"rule=long_wait&limit_s.phone=500&{PERIOD}&channel=phone")
    over_time = rows(site, f"rule=long_wait&limit_s.phone=500&channel=phone&by=time&{PERIOD}")
    for row in over_time:  # 12 of 132 points stay, 3 a month
        assert {"then", "appear", "disappear", "stay"} <= set(row["withheld"])
        assert row["now"] >= 10
    page = text_of(site.get(f"/what-if?rule=long_wait&limit_s.phone=500&{PERIOD}&channel=phone&lang=en"))
    assert "not shown" in page


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("limit_s.phone", "soon", "Give a number"),
        ("limit_s.phone", "-5", "Give a number"),
        ("limit_s.phone", "NaN", "Give a number"),
        ("limit_s.phone", "999999999", "Give from"),
        ("limit_s.phone", "١٢", "Give a number"),
    ],
)
def test_a_wrong_value_is_said_beside_its_field(exact: httpx.Client, name: str, value: str, said: str):
    """The form comes back (422) with the text given, and what is wrong, tied to its field."""
    answer = exact.post(f"/what-if?rule=long_wait&{PERIOD}&lang=en", data={name: value, f"{name}.unit": "86400"})
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{value}"' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_values_that_contradict_each_other_are_refused(exact: httpx.Client):
    """A shortest gap must be below the longest."""
    answer = exact.post(
        f"/what-if?rule=repeat_contact&{PERIOD}&lang=en", data={"min_gap_s": "8", "min_gap_s.unit": "86400"}
    )
    assert answer.status_code == 422
    assert "must be less than the longest gap, 7 days" in text_of(answer)


def test_nothing_to_try_is_said(exact: httpx.Client):
    """A form without a change starts nothing."""
    answer = exact.post(f"/what-if?rule=turned_away&{PERIOD}&lang=fr", data={"enabled": "1"})
    assert answer.status_code == 422
    assert "rien à simuler" in answer.text


def test_a_rule_that_cannot_be_observed_is_unknown(exact: httpx.Client):
    """Switching on a rule whose events never arrived shows that nothing is known, no zero."""
    simulate(exact, f"rule=rework&enabled=1&{PERIOD}")
    page = text_of(exact.get(f"/what-if?rule=rework&enabled=1&{PERIOD}&lang=en"))
    assert "Whether anything would change is not known" in page


@pytest.mark.parametrize(
    "query",
    ["", f"rule=long_wait&{PERIOD}", "rule=long_wait&limit_s.phone=600", f"rule=long_wait&limit_s.phone=x&{PERIOD}",
     f"rule=long_wait&limit_s.phone=600&{PERIOD}&by=person", f"rule=long_wait&limit_s.phone=600&{PERIOD}&by=time&unit=eon"],
)  # fmt: skip
def test_what_is_no_scenario_is_refused(exact: httpx.Client, query: str):
    """The figure and the start of a simulation say what is missing or wrong (422)."""
    assert exact.get(f"/api/v1/figures/what-if?{query}").status_code == 422
    if "by=" not in query:
        assert exact.post(f"/api/v1/simulations?{query}").status_code == 422


def test_a_simulation_never_made_is_not_found(exact: httpx.Client):
    """404 for a figure without its simulation, and for a name that is not known; the page says what to do."""
    query = f"rule=long_wait&limit_s.phone=601&{PERIOD}"
    assert exact.get(f"/api/v1/figures/what-if?{query}").status_code == 404
    assert exact.get("/api/v1/simulations/none").status_code == 404
    assert exact.delete("/api/v1/simulations/none").status_code == 404
    assert "Not simulated yet" in exact.get(f"/what-if?{query}&lang=en").text


def test_the_lines_for_the_rule_file_give_the_simulated_settings(exact: httpx.Client):
    """What the page ends with is read by the rule file's parser into the settings that were tried, odd names included."""
    service = 'a "b".c'
    for query, over in [
        ("rule=long_wait&limit_s.phone=600&limit_s.chat=90&enabled=0",
         {"long_wait": {"enabled": False, "limit_s": {"phone": 600, "chat": 90}}}),
        ("rule=low_rating&limit=2.5&service=" + service, {"service": {service: {"low_rating": {"limit": 2.5}}}}),
    ]:  # fmt: skip
        simulate(exact, f"{query}&{PERIOD}")
        page = exact.get(f"/what-if?{query}&{PERIOD}").text
        lines = re.search(r'class="snippet"><code>(.*?)</code>', page, re.DOTALL)
        if lines is None:  # nothing was observed for this service: the lines stand in the page all the same
            pytest.fail(page)
        import html

        assert parse_rules(html.unescape(lines[1]), "rules.toml") == merged(DEFAULTS, over)


def test_only_our_own_pages_may_start_one(exact: httpx.Client):
    """A form sent from another site's page is refused."""
    answer = exact.post(
        f"/what-if?rule=long_wait&{PERIOD}", data={"enabled": "0"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403
    assert exact.post(f"/what-if?rule=long_wait&{PERIOD}", content=b"\xff=\xfe").status_code == 422
