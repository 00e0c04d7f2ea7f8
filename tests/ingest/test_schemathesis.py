"""The gateways against their own API description, with requests that schemathesis makes up.

5,000 requests in CI, fewer on a developer's machine. Two of its checks are left out: that valid events are accepted and
invalid ones refused. A description cannot say all that makes an event good (its time against the gateway's clock, a
subject that is what its prefix says), nor that empty text counts as absent; other tests hold both.
"""

import json
import math
import os
from collections import Counter
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.ingest.parts import PATHS, Served

REQUESTS = 5_000 if os.environ.get("CI", "").lower() in {"1", "true"} else 500
CONTROL_PATHS = ("/v1/imports", "/v1/imports/finish", "/v1/redetections", "/v1/redetections/finish")
REPLAY_PATH = "/v1/redetections/replay"
OPERATIONS = (*PATHS, *CONTROL_PATHS, REPLAY_PATH)
SHARES = dict.fromkeys(PATHS, 0.11) | dict.fromkeys(CONTROL_PATHS, 0.014) | {REPLAY_PATH: 0.004}
"""Of all requests, for each operation in each mode; a replayed journey takes a second to make up."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def ndjson_serializer(_context: Any, value: Any) -> bytes:
    """Lines as they are; anything else as one line."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else json.dumps(value).encode()


@pytest.fixture(scope="module")
def schema(server: Served) -> Any:
    """The description that the running gateway gives of itself."""
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("path", OPERATIONS)
def test_every_answer_is_as_described(schema: Any, path: str, mode: GenerationMode) -> None:
    """No 5xx; status, media type, headers and body of every answer are those of the description."""
    statuses: Counter[int] = Counter()

    @settings(max_examples=math.ceil(REQUESTS * SHARES[path]), suppress_health_check=list(HealthCheck), deadline=None)
    @given(case=schema[path]["POST"].as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            set_times(case.body)
        statuses[case.call_and_validate(checks=CHECKS, session=session).status_code] += 1

    with requests.Session() as session:
        send()
    assert mode is GenerationMode.NEGATIVE or statuses[202] > 0


def set_times(body: Any) -> None:
    """Give most events of a body a time that the gateway's clock has reached: a made-up one hardly ever has."""
    for value in body if isinstance(body, list) else [body]:
        if isinstance(value, dict) and len(str(value.get("id"))) % 4:
            value["time"] = "2026-01-31T09:30:00+01:00"
            if isinstance(value.get("data"), dict):
                value["data"].pop("due", None)


def test_every_operation_is_described(server: Served) -> None:
    """Each route with its body and answers, by schemas that exist."""
    document = server.client.get("/openapi.json").json()
    assert set(document["paths"]) == set(OPERATIONS)
    for path in document["paths"].values():
        assert set(path["post"]["responses"]) == {"202", "400", "401", "408", "413", "415", "422", "503"}
        assert path["post"]["requestBody"]["required"]
    named = set(document["components"]["schemas"])
    used = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert used <= named
