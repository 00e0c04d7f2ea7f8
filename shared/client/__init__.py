"""A client of the platform's two ports: what publishes events and asks how things stand."""
