"""What every gateway does: read, validate, pseudonymise, batch, answer.

A request's way: `body` reads and splits it, `validate` judges each event, `intake` collects one request's verdicts,
`batcher` makes them durable together with other requests', `answers` says so. `app` is the HTTP application.
"""
