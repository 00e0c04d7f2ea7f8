"""deploy/clickhouse, which no server reads here: well-formed, names that this engine knows, system logs that end."""

import re
import xml.etree.ElementTree as ET

import chdb
import pytest
from clickhouse_connect.driver.client import Client

from shared.store.client import Store
from tests.deploy.files import DEPLOY, services

CONFIG = DEPLOY / "clickhouse/config.d/parcours.xml"
USERS = DEPLOY / "clickhouse/users.d/parcours.xml"
STRUCTURE = {"http_port", "mysql_port", "postgresql_port", "prometheus", "logger"}
"""Parts of a server that the engine inside a process has not."""


def root(path: str | object) -> ET.Element:
    """The root of a configuration file."""
    found = ET.parse(str(path)).getroot()
    assert found.tag == "clickhouse"
    return found


@pytest.fixture
def engine(embedded_store: Store) -> Client:
    """The engine whose settings are asked for."""
    return embedded_store.writer()


def column(engine: Client, sql: str) -> set[str]:
    """The first column of an answer."""
    return {str(row[0]) for row in engine.query(sql).result_rows}


def test_server_settings_are_known_to_the_engine(engine: Client) -> None:
    """What is neither a log nor a part of a server is a server setting of this version."""
    known = column(engine, "SELECT name FROM system.server_settings")
    named = {each.tag for each in root(CONFIG)} - STRUCTURE
    assert {name for name in named - known if not name.endswith(("_log", "_queue"))} == set()


def test_every_system_log_ends() -> None:
    """A log of the server of itself is either removed or deleted after days."""
    for log in root(CONFIG):
        if log.tag.endswith(("_log", "_queue")) and log.get("remove") != "1":
            assert log.get("replace") == "1", log.tag
            assert re.fullmatch(r"event_date \+ INTERVAL \d+ DAY DELETE", log.findtext("ttl", "")), log.tag
            assert log.findtext("database") == "system"
            assert log.findtext("table") == log.tag


def test_a_system_log_takes_its_ttl(engine: Client) -> None:
    """The expression holds for a table made as the server makes its logs."""
    for log in root(CONFIG):
        if log.findtext("ttl"):
            engine.command(
                f"CREATE OR REPLACE TABLE {log.tag} (event_date Date, event_time DateTime) ENGINE = MergeTree "
                f"PARTITION BY {log.findtext('partition_by')} ORDER BY event_time TTL {log.findtext('ttl')}"
            )
            assert log.tag in column(engine, "SHOW TABLES")
            engine.command(f"DROP TABLE {log.tag}")


def test_no_file_of_the_server_s_log() -> None:
    """The container engine keeps the log and bounds it."""
    logger = root(CONFIG).find("logger")
    assert logger is not None
    assert logger.findtext("console") == "1"
    assert all(logger.find(name).get("remove") == "1" for name in ("log", "errorlog"))  # type: ignore[union-attr]


def test_settings_of_profiles_are_known_to_the_engine(engine: Client) -> None:
    """Each setting of a profile exists and takes its value."""
    known = column(engine, "SELECT name FROM system.settings")
    for setting in root(USERS).iterfind("profiles/*/*"):
        assert setting.tag in known
        engine.query(f"SELECT 1 SETTINGS {setting.tag} = {setting.text}")


def test_grants_are_statements_of_the_engine(engine: Client) -> None:
    """Each grant parses, and what is granted to the reader is reading."""
    for user in root(USERS).iterfind("users/*"):
        for grant in user.iterfind("grants/query"):
            assert grant.text
            engine.query(f"SELECT formatQuery($grant${grant.text} TO someone$grant$)")
            if user.tag == "parcours_insights":
                assert re.fullmatch(r"GRANT SELECT(, SHOW)? ON [\w.*]+", grant.text)


def test_the_default_user_is_gone_and_the_others_have_passwords_from_the_environment() -> None:
    """Nobody gets in without one of the two passwords, which the compose file gives the server."""
    users = {user.tag: user for user in root(USERS).iterfind("users/*")}
    assert users.pop("default").get("remove") == "1"
    assert set(users) == {"parcours_loader", "parcours_insights"}
    for user in users.values():
        password = user.find("password")
        assert password is not None
        assert password.get("from_env") in services()["clickhouse"]["environment"]


def test_the_server_is_of_the_engine_that_is_tested() -> None:
    """The image's version is that of chDB's engine, against which all queries are tested."""
    image = services()["clickhouse"]["image"].partition(":")[2]
    assert str(chdb.engine_version).startswith(f"{image}.")
