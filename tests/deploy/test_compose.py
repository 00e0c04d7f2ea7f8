"""docker-compose.yml, which no test can start: against the schema of its specification, and against the product."""

import ipaddress
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.wiring.alert_settings import site_alerts, site_notification
from services.wiring.targets import CLUSTER
from shared.ingest.publisher_key import check_key
from shared.settings import Settings, read_settings
from shared.store.client import check_dsn
from tests.deploy.files import COMPOSE, DEPLOY, ROOT, compose, own_services, services, variables

MIN_SECRET_CHARS = 32
ONE_SHOT = {"setup", "kafka-acl"}
NO_HEALTH = {*ONE_SHOT, "collector"}  # the collector's image has nothing to ask with; Prometheus asks it
PUBLISHED = {"channel-web", "channel-phone", "channel-counter", "casework", "grafana"}
FOR_PEOPLE = {"insights"}
STORES = {"kafka", "clickhouse", "postgres"}


def filled() -> dict[str, str]:
    """The environment of deploy/env.example, with a secret wherever one is asked for."""
    lines = (DEPLOY / "env.example").read_text(encoding="utf-8").splitlines()
    pairs = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name: value or ("s" * MIN_SECRET_CHARS if name in required() else "") for name, value in pairs.items()}


def required() -> set[str]:
    """The variables without which compose refuses to start."""
    return {name for name, default in variables(COMPOSE.read_text(encoding="utf-8")).items() if default is None}


def interpolated(text: str) -> str:
    """A value of the compose file under the filled environment."""
    environment = filled()

    def value(match: re.Match[str]) -> str:
        return environment.get(match[1]) or (match[3] if match[2] == ":-" else "")

    return re.sub(r"\$\{([A-Z_]+)(:?[-?])?([^}]*)\}", value, text)


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    """The environment of a container."""
    return {name: interpolated(str(value)) for name, value in service.get("environment", {}).items()}


def test_the_file_follows_the_compose_specification() -> None:
    """The schema of the specification, as check-jsonschema brings it, finds nothing wrong."""
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_target_of_a_cluster_is_a_service_and_no_other() -> None:
    """Each target is run; several detectors are one target."""
    run = {tuple(service["command"]) for service in own_services().values()}
    assert run == {("service", name) for name in CLUSTER}


@pytest.mark.parametrize("name", sorted(own_services()))
def test_settings_are_real_and_make_a_cluster(name: str) -> None:
    """Every variable with the product's prefix is a setting that can be read, and what it says is accepted."""
    environment = environment_of(own_services()[name])
    assert all(each.startswith("PARCOURS_") for each in environment)
    settings = read_settings(environment)
    assert settings.brokers == "kafka:9092"
    assert settings.registry.startswith("postgresql+psycopg://")
    assert settings.instance
    if settings.clickhouse:
        check_dsn(settings.clickhouse)


def test_instances_have_names_of_their_own() -> None:
    """Static membership and leases tell processes apart by `PARCOURS_INSTANCE`: no two share one."""
    names = [environment_of(service)["PARCOURS_INSTANCE"] for service in own_services().values()]
    assert len(set(names)) == len(names)


def test_only_who_needs_the_tables_may_write_them() -> None:
    """The loader and setup have the user that writes, alerts and insights the one that reads, gateways and detectors none."""
    users = {
        name: re.search(r"http://(\w+):", found).group(1)  # type: ignore[union-attr]
        for name, service in own_services().items()
        if (found := environment_of(service).get("PARCOURS_CLICKHOUSE"))
    }
    writing, reading = (
        dict.fromkeys(("setup", "loader"), "parcours_loader"),
        dict.fromkeys(("alerts", "insights"), "parcours_insights"),
    )
    assert users == writing | reading


def test_gateways_demand_a_key() -> None:
    """Bound beyond loopback, a gateway shows no route without the key; no other service knows it."""
    having = {name for name, service in own_services().items() if "PARCOURS_INGEST_KEY" in environment_of(service)}
    assert having == {"channel-web", "channel-phone", "channel-counter", "casework"}
    check_key(environment_of(services()["casework"])["PARCOURS_INGEST_KEY"])


def test_nothing_starts_without_secrets() -> None:
    """Compose names a missing secret and stops: none has a default, and the example leaves each of them empty."""
    secrets = {"PARCOURS_INGEST_KEY", "POSTGRES_PASSWORD", "CLICKHOUSE_LOADER_PASSWORD", "CLICKHOUSE_INSIGHTS_PASSWORD"}
    assert required() == secrets
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")
    assert all(re.search(rf"^{name}=$", example, re.MULTILINE) for name in secrets)


def test_the_example_names_every_variable() -> None:
    """What the compose file asks the environment for stands in deploy/env.example, and nothing else does."""
    named = set(re.findall(r"^#?([A-Z_]+)=", (DEPLOY / "env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert named == set(variables(COMPOSE.read_text(encoding="utf-8")))


def test_defaults_are_those_of_the_settings() -> None:
    """A setting that the environment may change has the product's own default, but for the number of partitions."""
    for name, default in variables(COMPOSE.read_text(encoding="utf-8")).items():
        field = name.removeprefix("PARCOURS_").lower()
        if name.startswith("PARCOURS_") and default is not None and field != "partitions":
            assert default == str(getattr(Settings(), field))


@pytest.mark.parametrize("name", sorted(services()))
def test_every_service_is_hardened_and_bounded(name: str) -> None:
    """No root, no capability, nothing written but to volumes and memory; bounds on memory, processes and logs."""
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert int(service["user"].split(":")[0]) > 0
    assert service["init"] is True
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["pids_limit"] > 0
    assert service["logging"]["options"]["max-size"]
    assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")


@pytest.mark.parametrize("name", sorted(services()))
def test_every_service_tells_whether_it_is_well(name: str) -> None:
    """A health check for each that stays; with Parcours' own it is the program of the image."""
    check = services()[name]["healthcheck"]
    if name in NO_HEALTH:
        assert check == {"disable": True}
        return
    assert check["test"]
    assert check["start_period"]
    if name in own_services():
        assert check["test"][:3] == ["CMD", "python", "/opt/parcours/deploy/healthy.py"]
        kind, what = check["test"][3:]
        target = CLUSTER[own_services()[name]["command"][1]]
        ports = {"ingest_port": ("http", "8081"), "port": ("http", "8080")}
        assert (kind, what) == ports.get(target.answers_on, ("heartbeat", own_services()[name]["command"][1]))


@pytest.mark.parametrize("name", sorted(services()))
def test_images_are_pinned(name: str) -> None:
    """Each image has a tag that says a version."""
    assert re.search(r":v?\d[\w.-]*$", services()[name]["image"])


def test_services_wait_for_what_they_need() -> None:
    """Everything of Parcours waits for setup's success, setup for healthy servers and for Kafka's permissions."""
    for name, service in own_services().items():
        if name != "setup":
            assert service["depends_on"]["setup"] == {"condition": "service_completed_successfully"}
    waits = services()["setup"]["depends_on"]
    assert {name for name, how in waits.items() if how["condition"] == "service_healthy"} == STORES
    assert waits["kafka-acl"] == {"condition": "service_completed_successfully"}


def test_only_gateways_and_the_operators_page_are_published_on_loopback() -> None:
    """No other service has a port on the host, and none listens beyond loopback unless the operator says so."""
    ports = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert set(ports) == PUBLISHED
    for each in ports.values():
        for port in each:
            assert interpolated(port).startswith("127.0.0.1:")
    assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", ports["grafana"][0])


def test_people_reach_pages_through_a_proxy_only() -> None:
    """Insights is in internal networks only; so are the stores, each without a way from or to the outside."""
    networks = compose()["networks"]
    for name in FOR_PEOPLE | STORES:
        joined = services()[name]["networks"]
        assert all(networks[each]["internal"] for each in joined), name
    assert [name for name, service in services().items() if "people" in service.get("networks", [])] == ["insights"]


def test_keys_are_written_once_and_read_elsewhere() -> None:
    """Only setup may write the keys; who has no use for them has none. Nothing else of Parcours is kept on this disk."""
    mounts = {volume for service in own_services().values() for volume in service.get("volumes", [])}
    assert all(volume.startswith("keys:") or volume.endswith(":ro") for volume in mounts)
    modes = {
        name: volume.removeprefix("keys:/var/lib/parcours/keys")
        for name, service in own_services().items()
        for volume in service.get("volumes", [])
        if volume.startswith("keys:")
    }
    assert modes.pop("setup") == ""
    assert set(modes.values()) == {":ro"}
    assert set(modes) == {"channel-web", "channel-phone", "channel-counter", "casework", "loader", "insights"}


def test_alert_settings_are_the_same_where_they_are_read_and_hold_no_secret() -> None:
    """Who tells of alerts and who shows them have one folder mounted, and only they; what stands in it is valid and tells nobody."""
    folders = {
        name: [volume for volume in service.get("volumes", []) if "/etc/parcours/alerts" in volume]
        for name, service in own_services().items()
    }
    having = {name: mounts for name, mounts in folders.items() if mounts}
    assert set(having) == {"alerts", "insights"}
    assert having["alerts"] == having["insights"]
    origin, target, mode = interpolated(having["alerts"][0]).split(":")
    assert mode == "ro"
    files = {environment_of(own_services()[name])["PARCOURS_ALERTS"] for name in having}
    assert files == {f"{target}/alerts.toml"}
    assert {name for name, service in own_services().items() if "PARCOURS_ALERTS" in environment_of(service)} == set(
        having
    )
    shipped = ROOT / origin / "alerts.toml"
    assert tomllib.loads(shipped.read_text(encoding="utf-8")) == {}
    assert site_notification(site_alerts(shipped), shipped).receivers == {}


def test_the_ways_to_receivers_are_given_to_who_tells_alone() -> None:
    """As docs/operations.md has it: secrets and a network of receivers for `alerts`; the pages stay where nothing leads out."""
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    example = next(block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "receivers" in block)
    override = yaml.safe_load(example)
    assert list(override["services"]) == ["alerts"]
    added = override["services"]["alerts"]
    assert set(services()["alerts"]["networks"]) < set(added["networks"])
    assert set(added["networks"]) - set(compose()["networks"]) == set(override["networks"])
    assert set(added["secrets"]) == set(override["secrets"])
    assert not any("secrets" in service for service in own_services().values())


def test_every_volume_network_and_file_that_is_named_exists() -> None:
    """No mount of a file that is missing, which an engine would make as an empty folder; no volume is forgotten."""
    used: set[str] = set()
    for service in services().values():
        assert set(service.get("networks", [])) <= set(compose()["networks"])
        for volume in map(interpolated, service.get("volumes", [])):
            origin = volume.split(":")[0]
            if origin.startswith("./"):
                assert (ROOT / origin).exists(), origin
                assert volume.endswith(":ro")
            else:
                used.add(origin)
    assert used == set(compose()["volumes"])


def test_addresses_that_permissions_name_are_the_gateways() -> None:
    """Kafka lets an address read a raw topic: it is its gateway's, in the network's fixed half."""
    pool = compose()["networks"]["log"]["ipam"]["config"][0]
    subnet, dynamic = ipaddress.ip_network(pool["subnet"]), ipaddress.ip_network(pool["ip_range"])
    for channel in ("web", "phone", "counter"):
        address = services()["kafka-acl"]["environment"][f"CHANNEL_{channel.upper()}_ADDRESS"]
        assert services()[f"channel-{channel}"]["networks"]["log"]["ipv4_address"] == address
        assert ipaddress.ip_address(address) in subnet
        assert ipaddress.ip_address(address) not in dynamic


def test_the_schema_finds_mistakes(tmp_path: Path) -> None:
    """The check above can fail: a misspelt key is found."""
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(yaml.safe_dump({"services": {"a": {"image": "a:1", "read_onIy": True}}}), encoding="utf-8")
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(wrong)]
    assert subprocess.run(checker, capture_output=True, check=False).returncode == 1
