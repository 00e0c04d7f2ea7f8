"""A real Apache Kafka broker for the tests: fetched once, started, killed and started again by them."""
