"""deploy/kafka on a real broker: its settings, and who may do what after acl.sh."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from services.detector.kafka_checkpoint import Checkpoint, CheckpointWriter, Topics, load_partition
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.topics import create_topics, declared_topics
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.port import Kind, Record
from tests.deploy import kafka_acls
from tests.deploy.files import DEPLOY, properties
from tests.kafka_broker.broker import Broker, free_port
from tests.kafka_broker.jars import BrokerNotAvailable

pytestmark = pytest.mark.kafka

HERE = "127.0.0.1"
ELSEWHERE = "192.0.2.12"  # an address of documentation: nobody comes from there
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
PASSWORD = "a password of the test"


class Site:
    """A broker on the settings of deploy/kafka, with a listener for channel systems beside those of the site."""

    def __init__(self, folder: Path) -> None:
        services, node, controller, channels = (free_port() for _ in range(4))
        self.services, self.node, self.channels = f"{HERE}:{services}", f"{HERE}:{node}", f"{HERE}:{channels}"
        listeners = f"PARCOURS://{self.services},NODE://{self.node}"
        settings = properties(DEPLOY / "kafka/server.properties") | {
            "controller.quorum.voters": f"1@{HERE}:{controller}",
            "listeners": f"{listeners},CHANNELS://{self.channels},CONTROLLER://{HERE}:{controller}",
            "advertised.listeners": f"{listeners},CHANNELS://{self.channels}",
            "listener.name.channels.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.channels.plain.sasl.jaas.config": f'{LOGIN} required user_web-site="{PASSWORD}";',
            "log.dirs": str(folder / "data"),
        }
        settings["listener.security.protocol.map"] += ",CHANNELS:SASL_PLAINTEXT"
        self.broker = Broker(folder, port=services, properties=settings)

    def permit(self) -> None:
        """Run acl.sh: the gateway of web is here, those of phone and counter are elsewhere."""
        tool = self.broker.folder / "kafka-acls"
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {kafka_acls.__name__} "$@"\n')
        tool.chmod(0o700)
        environment = os.environ | {
            "KAFKA_ACLS": str(tool),
            "BOOTSTRAP_SERVER": self.node,
            "CHANNEL_WEB_ADDRESS": HERE,
            "CHANNEL_PHONE_ADDRESS": ELSEWHERE,
            "CHANNEL_COUNTER_ADDRESS": ELSEWHERE,
            "CHANNEL_WEB_WRITERS": "User:web-site",
            "PYTHONWARNINGS": "ignore",
        }
        subprocess.run([DEPLOY / "kafka/acl.sh"], env=environment, check=True, timeout=120)

    def as_web_site(self) -> dict[str, Any]:
        """How the web site's own system connects."""
        return {
            "bootstrap_servers": self.channels,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": "web-site",
            "sasl_plain_password": PASSWORD,
        }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The broker, its permissions set (twice, as at each start of the cluster), its topics made as `setup` makes them."""
    try:
        site = Site(tmp_path_factory.mktemp("kafka"))
        site.broker.start()
    except BrokerNotAvailable as error:
        pytest.skip(str(error))
    try:
        site.permit()
        site.permit()
        made = create_topics(site.services, declared_topics(2, 1, 7, 14), 1)
        assert "channel-web" in made
        yield site
    finally:
        site.broker.kill()


def read_all(topic: str, **settings: Any) -> list[bytes | None]:
    """The values of partition 0 of a topic."""
    consumer = KafkaConsumer(enable_auto_commit=False, auto_offset_reset="earliest", **settings)
    try:
        consumer.assign([TopicPartition(topic, 0)])
        polled = consumer.poll(timeout_ms=3_000)
        return [record.value for batch in polled.values() for record in batch]
    finally:
        consumer.close()


def write(topic: str, **settings: Any) -> None:
    """One record into partition 0 of a topic, acknowledged."""
    producer = KafkaProducer(max_block_ms=5_000, request_timeout_ms=5_000, delivery_timeout_ms=8_000, **settings)
    try:
        producer.send(topic, b"{}", key=b"key", partition=0).get(timeout=10)
    finally:
        producer.close(timeout=5)


def test_services_write_and_read_the_log(site: Site) -> None:
    """A gateway appends, the loader reads, and a detector writes its transactions: nothing they need is forbidden."""
    writer = KafkaLogWriter(site.services, "journey-events", 2)
    reader = KafkaLogReader(site.services, "journey-events")
    try:
        writer.append([Record(0, Kind.EVENTS, b"[]", 1)])
        assert reader.ends()[0] == 1
    finally:
        writer.close()
        reader.close()
    assert asyncio.run(checkpoint_and_load(site)) == 1


async def checkpoint_and_load(site: Site) -> int:
    """Write one checkpoint of partition 0 as the detector does, and count what a load gives back."""
    topics = Topics("journey-events", "frictions", "detector-state", "detector")
    writer = CheckpointWriter(site.services, topics, 0)
    try:
        await writer.open()
        await writer.write(Checkpoint([(b"key", b"value")], [Record(0, Kind.POINTS, b"[]", 1)], 1))
    finally:
        await writer.close()
    loaded = await load_partition(site.services, topics, 0)
    return len(loaded.records)


def test_a_channel_system_writes_its_own_raw_topic_and_its_gateway_reads_it(site: Site) -> None:
    """The one that is named as writer writes; the gateway, from its address, reads what it wrote."""
    write("channel-web", **site.as_web_site())
    assert read_all("channel-web", bootstrap_servers=site.services)[:1] == [b"{}"]


@pytest.mark.parametrize("topic", ["channel-phone", "journey-events"])
def test_a_channel_system_writes_nowhere_else(site: Site, topic: str) -> None:
    """Neither another channel's raw topic nor the log of the platform takes its records."""
    with pytest.raises(KafkaError) as refused:
        write(topic, **site.as_web_site())
    assert "Authorization" in repr(refused.value) or "Authorization" in repr(refused.value.__cause__)


@pytest.mark.parametrize("topic", ["channel-web", "journey-events", "detector-state"])
def test_a_channel_system_reads_nothing(site: Site, topic: str) -> None:
    """Not even what it wrote itself: where the gateway reads records, it is given none."""
    write(topic, **(site.as_web_site() if topic == "channel-web" else {"bootstrap_servers": site.services}))
    assert read_all(topic, bootstrap_servers=site.services)
    read: list[bytes | None] = []
    with suppress(TopicAuthorizationFailedError):  # a topic that it may not even see is only never there
        read = read_all(topic, **site.as_web_site())
    assert read == []


def test_a_raw_topic_is_read_from_its_gateways_address_only(site: Site) -> None:
    """A service of Parcours that is not the gateway of phone may not read `channel-phone`, nor write it."""
    with pytest.raises(TopicAuthorizationFailedError):
        read_all("channel-phone", bootstrap_servers=site.services)
    with pytest.raises(TopicAuthorizationFailedError):
        write("channel-phone", bootstrap_servers=site.services)


def test_a_channel_system_cannot_change_permissions(site: Site) -> None:
    """Who is not on the broker's own loopback under the node's name may not give itself more."""
    from kafka import KafkaAdminClient
    from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

    admin = KafkaAdminClient(**site.as_web_site())
    own = ResourcePattern(ResourceType.TOPIC, "channel-web")
    try:
        result = admin.create_acls([ACL("User:web-site", "*", ACLOperation.READ, ACLPermissionType.ALLOW, own)])
        assert result["failed"]
        assert not result["succeeded"]
    finally:
        admin.close()
