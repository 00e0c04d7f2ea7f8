"""Random journeys, arrivals and rule settings for property tests and torture runs."""
