"""Kafka's `kafka-acls.sh` as far as deploy/kafka/acl.sh uses it, for machines that have no more of Kafka than the broker.

It takes the same arguments, as a program, and asks the broker through kafka-python.
"""

import argparse
import sys

from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from shared.log.kafka.client import administration

_OPERATIONS = {
    "All": ACLOperation.ALL,
    "Read": ACLOperation.READ,
    "Write": ACLOperation.WRITE,
    "Create": ACLOperation.CREATE,
    "Describe": ACLOperation.DESCRIBE,
    "DescribeConfigs": ACLOperation.DESCRIBE_CONFIGS,
}


def main(arguments: list[str]) -> None:
    """Add the permissions that the arguments name; another argument than those known is an error."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--bootstrap-server", required=True)
    parser.add_argument("--add", action="store_true", required=True)
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--allow-host", default="*")
    parser.add_argument("--operation", action="append", required=True, choices=_OPERATIONS)
    parser.add_argument("--topic", action="append", default=[])
    parser.add_argument("--group", action="append", default=[])
    parser.add_argument("--transactional-id", action="append", default=[])
    parser.add_argument("--cluster", action="store_true")
    asked = parser.parse_args(arguments)
    patterns = [
        *(ResourcePattern(ResourceType.TOPIC, name) for name in asked.topic),
        *(ResourcePattern(ResourceType.GROUP, name) for name in asked.group),
        *(ResourcePattern(ResourceType.TRANSACTIONAL_ID, name) for name in asked.transactional_id),
        *([ResourcePattern(ResourceType.CLUSTER, "kafka-cluster")] if asked.cluster else []),
    ]
    assert patterns, "no resource"
    acls = [
        ACL(asked.allow_principal, asked.allow_host, _OPERATIONS[name], ACLPermissionType.ALLOW, pattern)
        for pattern in patterns
        for name in asked.operation
    ]
    with administration(asked.bootstrap_server) as admin:
        result = admin.create_acls(acls)
    assert not result["failed"], result["failed"]


if __name__ == "__main__":
    main(sys.argv[1:])
