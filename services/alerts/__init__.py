"""Warns the people on duty: judges counts in event time, keeps alerts through their life, notifies, and shows them."""
