"""Pages and figures over synthetic journeys: how long they take at 1, 5 and 20 million events."""
