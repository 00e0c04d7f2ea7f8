"""deploy/observability: alert rules, dashboards and the collector's pipelines, against what the product documents."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from services.wiring.targets import CLUSTER
from shared.alerts.finding import SEVERITIES
from shared.registry.alert_tables import DEAD, WAITING
from tests.deploy.files import OBSERVABILITY, own_services, services
from tests.docs.pages import ROOT, anchors, in_code, table_rows

DASHBOARDS = sorted((OBSERVABILITY / "grafana/dashboards").glob("*.json"))
RULES = sorted((OBSERVABILITY / "prometheus/rules").glob("*.yml"))
FOREIGN = {
    "up",
    "ALERTS",
    "ClickHouseAsyncMetrics_DiskAvailable_default",
    "ClickHouseAsyncMetrics_DiskTotal_default",
    "ClickHouseAsyncMetrics_MaxPartCountForPartition",
    "ClickHouseMetrics_MemoryTracking",
    "traces_span_metrics_duration_seconds",
}
"""Metrics of Prometheus, ClickHouse and the collector that are used."""


def load(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def alerts() -> list[dict[str, Any]]:
    """All alert rules."""
    return [rule for path in RULES for group in load(path)["groups"] for rule in group["rules"]]


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """The panels of all dashboards, with the name of their file."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            yield path.name, panel


def expressions() -> list[str]:
    """Every expression in PromQL."""
    return [rule["expr"] for rule in alerts()] + [
        target["expr"] for _, panel in panels() for target in panel["targets"]
    ]


def documented() -> dict[str, tuple[str, set[str]]]:
    """The metrics of docs/observability.md: kind and labels."""
    rows = table_rows("docs/observability.md", "metric")
    return {in_code(row[0])[0]: (row[1], set(re.findall(r"\w+", row[2]))) for row in rows}


def selectors(expression: Any) -> Iterator[Any]:
    """The vector selectors of a parsed expression."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    for name in ("vector_selector", "expr", "lhs", "rhs", "args", "vs"):
        inner = getattr(expression, name, None)
        for each in inner if isinstance(inner, list) else [inner]:
            if each is not None and not isinstance(each, str):
                yield from selectors(each)


def base(name: str) -> str:
    """The name of the metric that a series of a histogram belongs to."""
    return re.sub(r"_(bucket|count|sum)$", "", name)


@pytest.mark.parametrize("expression", expressions())
def test_expressions_name_metrics_that_exist(expression: str) -> None:
    """Each parses, and its metrics are documented ones of the right kind, filtered by labels that they have."""
    found = list(selectors(promql_parser.parse(expression)))
    assert found
    for selector in found:
        name = base(selector.name)
        if name in FOREIGN:
            continue
        kind, labels = documented()[name]
        assert (name != selector.name) == (kind == "histogram"), selector.name
        wanted = {matcher.name for matcher in selector.matchers.matchers}
        assert wanted <= labels | {"process", "instance", "job"}, expression


def test_counters_are_never_shown_as_they_are() -> None:
    """A counter starts again with its process: it is used through rate or increase only."""
    counters = [name for name, (kind, _) in documented().items() if kind == "counter"]
    for expression in expressions():
        for name in counters:
            for match in re.finditer(rf"\b{name}\b", expression):
                assert re.search(r"(rate|increase)\($", expression[: match.start()]), expression


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do_in_both_languages(rule: dict[str, Any]) -> None:
    """Two summaries, one severity, and a section of its own name in the operators' page."""
    assert rule["labels"]["severity"] in {"page", "ticket"}
    notes = rule["annotations"]
    assert notes["summary"] != notes["summary_fr"]
    page, _, anchor = notes["runbook"].partition("#")
    assert anchor == rule["alert"].lower()
    assert anchor in anchors(ROOT / page)


def test_alerts_have_names_of_their_own() -> None:
    """No two rules share a name, so that a section is about one."""
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_can_be_provisioned(path: Path) -> None:
    """A dashboard has an identity, its panels have numbers and places of their own, and ask the data source there is."""
    source = load(OBSERVABILITY / "grafana/provisioning/datasources/prometheus.yml")["datasources"][0]
    board = json.loads(path.read_text(encoding="utf-8"))
    assert board["uid"] == f"parcours-{path.stem}"
    assert board["title"]
    assert board["description"]
    numbers = [panel["id"] for panel in board["panels"]]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(numbers)) == len(set(places)) == len(numbers)
    for panel in board["panels"]:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for asked in [panel, *panel["targets"]]:
            assert asked["datasource"] == {"type": source["type"], "uid": source["uid"]}


def test_panels_speak_both_languages() -> None:
    """Titles are French, descriptions English: neither is missing, nor the same."""
    for name, panel in panels():
        assert panel["title"], name
        assert panel["description"], panel["title"]
        assert panel["title"] != panel["description"]


def test_the_dashboard_of_alerts_shows_all_that_their_engine_tells() -> None:
    """No documented metric of alerts is missing there, and severities and states stand apart."""
    asked = " ".join(target["expr"] for name, panel in panels() if name == "alerts.json" for target in panel["targets"])
    told = {name for name in documented() if name.startswith("parcours_alerts_")}
    assert told
    assert told <= set(re.findall(r"parcours_alerts_\w+", asked))
    assert {*SEVERITIES, WAITING, DEAD, "watched", "left_out", "unknown"} <= set(re.findall(r'="(\w+)"', asked))


@pytest.mark.promtool
def test_that_nobody_looks_is_shown_where_nobody_says_anything(promtool: str, tmp_path: Path) -> None:
    """Without the metric the first panel of that dashboard shows 0, never an empty field that looks like no news; so it does
    of two processes that say no, and 1 of one that looks.
    """
    board = json.loads((OBSERVABILITY / "grafana/dashboards/alerts.json").read_text(encoding="utf-8"))
    shown = board["panels"][0]
    assert set(shown["fieldConfig"]["defaults"]["mappings"][0]["options"]) == {"0", "1"}

    def case(values: list[str], expected: int) -> dict[str, Any]:
        series = [
            {"series": f'parcours_alerts_looking{{instance="alerts-{number}"}}', "values": value}
            for number, value in enumerate(values)
        ]
        sample = {"labels": "{}", "value": expected}
        asked = {"expr": shown["targets"][0]["expr"], "eval_time": "3m", "exp_samples": [sample]}
        return {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}

    path = tmp_path / "looking.yml"
    path.write_text(yaml.safe_dump({"tests": [case([], 0), case(["0x5", "0x5"], 0), case(["1x5", "0x5"], 1)]}))
    done = subprocess.run([promtool, "test", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_leads_outside() -> None:
    """Addresses lead to services of the compose file or to this machine."""
    known = {*services(), "127.0.0.1", "0.0.0.0"}
    for path in OBSERVABILITY.rglob("*"):
        if path.is_file():
            hosts = re.findall(r"https?://([\w.-]+)", path.read_text(encoding="utf-8"))
            assert set(hosts) <= known, path


def test_prometheus_asks_every_service_that_has_a_port() -> None:
    """Each target with a port is asked there under its own name; the others are seen through the collector."""
    config = load(OBSERVABILITY / "prometheus/prometheus.yml")
    asked = {
        entry["targets"][0]: entry["labels"]["process"]
        for job in config["scrape_configs"]
        for entry in job["static_configs"]
        if "labels" in entry
    }
    ports = {"ingest_port": 8081, "port": 8080}
    with_port = {
        f"{name}:{ports[target.answers_on]}": name for name, target in CLUSTER.items() if target.answers_on in ports
    }
    assert asked == with_port
    places = {
        target.split(":")[0]
        for job in config["scrape_configs"]
        for e in job["static_configs"]
        for target in e["targets"]
    }
    assert places <= {*services(), "127.0.0.1"}


def test_what_is_asked_directly_does_not_count_twice() -> None:
    """Metrics of services with a port are dropped where they come through the collector; those of the others stay."""
    config = load(OBSERVABILITY / "prometheus/prometheus.yml")
    (rule,) = next(job for job in config["scrape_configs"] if job["job_name"] == "collector")["metric_relabel_configs"]
    assert rule["action"] == "drop"
    for name, target in CLUSTER.items():
        dropped = re.fullmatch(rule["regex"], f"parcours_registry_errors_total;parcours-{name}") is not None
        assert dropped == (target.answers_on in {"port", "ingest_port"}), name


def test_every_service_can_reach_the_collector() -> None:
    """All are in its network, and it listens where the example says."""
    config = load(OBSERVABILITY / "collector.yml")
    assert config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")
    assert all("signals" in service["networks"] for service in own_services().values())


def test_the_collectors_pipelines_are_complete() -> None:
    """Each part that a pipeline names is declared, each declared one is used, and nothing is sent elsewhere."""
    config = load(OBSERVABILITY / "collector.yml")
    pipelines = config["service"]["pipelines"].values()
    connectors = set(config["connectors"])
    for kind in ("receivers", "processors", "exporters"):
        named = {part for pipeline in pipelines for part in pipeline[kind]}
        assert named - connectors == set(config[kind])
    assert set(config["service"]["extensions"]) == set(config["extensions"])
    assert set(config["exporters"]) == {"prometheus", "file/traces"}
