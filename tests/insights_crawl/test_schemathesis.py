"""The API against its own description, with requests that schemathesis makes up."""

import os
from contextlib import suppress
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

REQUESTS = 10 if os.environ.get("CI", "").lower() in {"1", "true"} else 3
"""For each operation in each mode."""
CHECKS = [not_a_server_error, response_schema_conformance]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_is_a_fault_of_ours(site: httpx.Client, mode: GenerationMode):
    """Every operation, with values as described and otherwise: no 5xx; bodies are those of the description."""
    schema = schemathesis.openapi.from_url(f"{str(site.base_url).rstrip('/')}/api/v1/openapi.json")
    asked = 0
    with requests.Session() as session:
        for found in schema.get_all_operations():
            operation = found.ok()

            @settings(
                max_examples=REQUESTS,
                suppress_health_check=list(HealthCheck),
                deadline=None,
                phases=[Phase.generate],
                database=None,
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Any) -> None:
                nonlocal asked
                asked += 1
                case.call_and_validate(checks=CHECKS, session=session)

            with suppress(Unsatisfiable):  # nothing can be wrong with a request that takes no value
                send()
    assert asked > 20
