"""The log on Kafka: one topic a stream, written and read with kafka-python."""
