"""The composition of a cluster's targets: each service a process of its own, on Kafka, ClickHouse and the registry."""
