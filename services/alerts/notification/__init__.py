"""Tells people and systems what happened to an alert: routes, messages, receivers, and a sender that forgets nothing."""
