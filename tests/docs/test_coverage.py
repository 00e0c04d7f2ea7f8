"""What exists is documented, and what is documented exists."""

import ast
import re
import tomllib
from collections.abc import Iterator
from typing import Any, get_args

import click
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from services.casework import app as casework
from services.channel_counter import app as channel_counter
from services.channel_phone import app as channel_phone
from services.channel_web import app as channel_web
from services.commands.cli import build_cli
from services.insights.app import build_app
from services.insights.figures.catalogue import FIGURES
from services.wiring import streams
from services.wiring.targets import CLUSTER, ONE_MACHINE
from shared.detection.register import DECLARATIONS
from shared.ingest.app import build_ingest_app
from shared.ingest.reasons import EVENT_REASONS, REQUEST_REASONS
from shared.journey.control import AnyControl
from shared.journey.event import EventData
from shared.journey.vocabulary import CHANNELS, EVENT_TYPES
from shared.log.port import Kind
from shared.registry import alert_tables  # noqa: F401  # it declares the tables of alerts
from shared.registry.engine import make_engine
from shared.registry.records import Records
from shared.registry.schema import METADATA
from shared.settings import Settings
from tests.docs.pages import ROOT, code_spans, documents, in_code, table_rows, text

INSTRUMENTS = {"create_counter", "create_histogram", "create_observable_gauge", "observe", "observe_count"}
COUNTERS = {"create_counter", "observe_count"}
UNITS = {"s": "_seconds", "By": "_bytes"}


def insights_app() -> FastAPI:
    """The application of analytics, of which only the routes are looked at: its parts are never asked."""
    parts: Any = None
    return build_app(
        store=parts,
        rules=parts,
        loading=parts,
        doctor=parts,
        migrations=parts,
        redetections=parts,
        settings=Settings(),
        clock=lambda: 0,
        version="0",
        records=Records(make_engine("sqlite:///never-opened")),
        opening_key=b"",
    )


def ingest_app() -> FastAPI:
    """The application of the gateways, of which only the routes are looked at."""
    gateway: Any = None
    channels = (channel_web, channel_phone, channel_counter, casework)
    return build_ingest_app(gateway, [channel.routes(gateway) for channel in channels])


def paths(app: FastAPI) -> set[str]:
    """The paths of an application's own routes, without the types of their parameters."""
    described = {app.openapi_url} if app.openapi_url else set()
    return {re.sub(r"\{(\w+)(:\w+)?\}", r"{\1}", path) for path in _paths(app.routes)} | described


FIGURE_ROUTES = "/api/v1/figures/"


def _paths(routes: Any) -> Iterator[str]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route.path
        elif hasattr(route, "original_router"):  # a router that FastAPI includes lazily
            yield from _paths(route.original_router.routes)


def commands(group: click.Group, prefix: str = "") -> Iterator[str]:
    """The full names of all commands of a group, those of its groups included."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def metrics() -> set[str]:
    """The metrics that the product exposes, as Prometheus names them: read from the calls that make them."""
    found: set[str] = set()
    for folder in ("services", "shared"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and (name := _metric(node)):
                    found.add(name)
    return found


def _metric(call: ast.Call) -> str | None:
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    texts = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if function not in INSTRUMENTS or not texts or not texts[0].startswith("parcours"):
        return None
    unit = next((each.value.value for each in call.keywords if each.arg == "unit"), texts[2] if len(texts) > 2 else "")
    ending = UNITS.get(unit, "") + ("_total" if function in COUNTERS else "")
    return texts[0].replace(".", "_") + ending


@pytest.mark.parametrize("app", [insights_app, ingest_app])
def test_every_route_is_documented(app: Any) -> None:
    """Each path of both applications stands in a document."""
    served = paths(app())
    assert "/healthz" in served
    documented = {re.sub(r"\{\w+\}", "{}", span) for span in code_spans(documents())}
    missing = [path for path in served if not any(re.sub(r"\{\w+\}", "{}", path) in span for span in documented)]
    assert [path for path in missing if not path.startswith(FIGURE_ROUTES)] == []


def test_every_figure_is_documented() -> None:
    """docs/api.md has a line for each figure, and for no other."""
    assert {in_code(row[0])[0] for row in table_rows("docs/api.md", "figure")} == set(FIGURES)


def test_no_route_is_documented_that_does_not_exist() -> None:
    """The routes that the documents name are served by one of the two applications."""
    served = {re.sub(r"\{\w+\}", "{}", path) for path in paths(insights_app()) | paths(ingest_app())}
    named = {
        re.sub(r"\{\w+\}", "{}", path).rstrip("/")
        for span in code_spans(documents())
        for path in re.findall(r"(?:^|POST |GET )(/(?:api/)?v1/[\w./{}-]*)", span)
    }
    assert {path for path in named if path != f"{FIGURE_ROUTES}NAME"} - served == set()


def test_every_metric_is_documented() -> None:
    """docs/observability.md has a line for each metric that the code makes, and for no other."""
    documented = {name for row in table_rows("docs/observability.md", "metric") for name in in_code(row[0])}
    assert documented == metrics()


@pytest.mark.parametrize(
    "name", [value for name, value in vars(streams).items() if isinstance(value, str) and name.isupper()]
)
def test_every_stream_is_documented(name: str) -> None:
    """docs/architecture.md names each stream of the log."""
    assert f"`{name}`" in text("docs/architecture.md")


@pytest.mark.parametrize("name", [*ONE_MACHINE, *CLUSTER])
def test_every_service_is_documented(name: str) -> None:
    """docs/architecture.md has a line for each process."""
    assert name in {row[0] for row in table_rows("docs/architecture.md", "process")}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_record_is_documented(kind: Kind) -> None:
    """docs/architecture.md says what the items of each kind of record are."""
    assert kind.value in {name for row in table_rows("docs/architecture.md", "kind") for name in in_code(row[0])}


@pytest.mark.parametrize("control", get_args(AnyControl), ids=lambda control: control.__name__)
def test_every_control_event_is_documented(control: Any) -> None:
    """docs/architecture.md says when each control event is written and what it does."""
    rows = {name for row in table_rows("docs/architecture.md", "control event") for name in in_code(row[0])}
    assert control.__struct_config__.tag in rows


def test_every_table_is_documented() -> None:
    """docs/architecture.md lists the tables that the migrations make, staging tables apart."""
    made = {
        name
        for path in (ROOT / "shared/store/migrations").glob("*.sql")
        for name in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", path.read_text(encoding="utf-8"))
        if not name.startswith("staging_")
    }
    assert made <= {name for row in table_rows("docs/architecture.md", "table") for name in in_code(row[0])}


def test_every_table_of_the_registry_is_documented() -> None:
    """docs/architecture.md lists the tables of the registry, and no other."""
    listed = {name for row in table_rows("docs/architecture.md", "registry table") for name in in_code(row[0])}
    assert listed == set(METADATA.tables)


def test_every_command_is_documented() -> None:
    """Each command of `parcours` is named in a document."""
    local: Any = None
    spans = code_spans(documents())
    missing = [
        name
        for name in commands(build_cli(local))
        if not any(re.search(rf"(^|parcours ){re.escape(name)}\b", span) for span in spans)
    ]
    assert missing == []


def test_every_reason_is_documented() -> None:
    """docs/integrators.md explains each reason of a refusal, of events and of requests, and no other."""
    documented = {name for row in table_rows("docs/integrators.md", "reason") for name in in_code(row[0])}
    assert documented == EVENT_REASONS.keys() | REQUEST_REASONS.keys()


def test_every_field_is_documented() -> None:
    """docs/integrators.md explains each field of `data`, and no other."""
    assert [in_code(row[0])[0] for row in table_rows("docs/integrators.md", "field")] == list(
        EventData.__struct_fields__
    )


@pytest.mark.parametrize("name", [*EVENT_TYPES, *CHANNELS])
def test_every_type_and_channel_is_documented(name: str) -> None:
    """docs/integrators.md names each event type and channel."""
    assert f"`{name}`" in text("docs/integrators.md")


def test_every_rule_is_documented() -> None:
    """docs/designers.md has a line for each rule, with its title in both languages, in the order of the definitions."""
    rows = [(in_code(row[0])[0], row[1], row[2]) for row in table_rows("docs/designers.md", "rule")]
    assert rows == [(name, each.title.en, each.title.fr) for name, each in DECLARATIONS.items()]


@pytest.mark.parametrize("name", ["run", "dev", "bench", "checks"])
def test_every_direct_dependency_has_its_reason(name: str) -> None:
    """docs/decisions/0003-dependencies.md has a line for each package of requirements/run.in, dev.in, bench.in and checks.in."""
    lines = (ROOT / f"requirements/{name}.in").read_text(encoding="utf-8").splitlines()
    asked = {re.split(r"[<>=~! \[]", line)[0] for line in lines if line and line[0] not in "#-"}
    documented = {in_code(row[0])[0] for row in table_rows("docs/decisions/0003-dependencies.md", "package")}
    assert asked - documented == set()


def test_no_dependency_is_explained_that_is_not_there() -> None:
    """docs/decisions/0003-dependencies.md names only packages of those files."""
    asked = "".join((ROOT / f"requirements/{name}.in").read_text() for name in ("run", "dev", "bench", "checks"))
    documented = {in_code(row[0])[0] for row in table_rows("docs/decisions/0003-dependencies.md", "package")}
    assert {name for name in documented if not re.search(rf"^{re.escape(name)}\b", asked, re.MULTILINE)} == set()


def test_the_readme_names_the_python_that_is_needed() -> None:
    """The prerequisite of the README is that of the project file."""
    required = tomllib.loads(text("pyproject.toml"))["project"]["requires-python"].removeprefix(">=")
    assert f"Python {required} or later" in text("README.md")
