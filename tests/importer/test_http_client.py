"""Patience with a service, within bounds."""

from collections.abc import Callable

import pytest

from shared.client.http_client import Patience, ServiceClient
from shared.client.send import IngestClient
from shared.errors import ConfigurationError, ParcoursError, Unreachable
from tests.importer.scripted_server import Answer, Asked, scripted_server

OK = Answer(200, {"fine": True})


def in_turn(*answers: Answer) -> Callable[[Asked], Answer]:
    """Each answer once, the last for ever."""
    left = list(answers)
    return lambda _asked: left.pop(0) if len(left) > 1 else left[0]


def client(url: str, slept: list[float], patience: Patience | None = None) -> ServiceClient:
    """A client that notes how long it would sleep."""
    return ServiceClient("the test service", url, patience=patience, sleep=slept.append)


@pytest.mark.parametrize(
    ("answers", "expected_sleeps"),
    [
        pytest.param([OK], [], id="at-once"),
        pytest.param([Answer(503), Answer(503), OK], [0.2, 0.4], id="back-off"),
        pytest.param([Answer(503, headers={"Retry-After": "3"}), Answer(502), OK], [3.0, 0.4], id="retry-after"),
        pytest.param([Answer(503, headers={"Retry-After": "3600"}), OK], [10.0], id="retry-after-is-bounded"),
        pytest.param([Answer(503, headers={"Retry-After": "Fri, 01 Jan 2100"}), OK], [0.2], id="retry-after-date"),
        pytest.param([Answer(0), Answer(429), Answer(408), OK], [0.2, 0.4, 0.8], id="connection-lost"),
    ],
)
def test_it_tries_again_with_back_off(answers: list[Answer], expected_sleeps: list[float]):
    """Overload and lost connections are tried again, waiting longer each time and at least as long as asked."""
    slept: list[float] = []
    with scripted_server(in_turn(*answers)) as server, client(server.url, slept) as service:
        assert service.json("GET", "/x") == {"fine": True}
        assert [asked.path for asked in server.asked] == ["/x"] * len(answers)
    assert slept == expected_sleeps


def test_it_gives_up_by_name():
    """A service that stays overloaded is given up after a bounded time, with one line that says who and why."""
    slept: list[float] = []
    overloaded = Answer(503, {"detail": "Too much is waiting."})
    with scripted_server(in_turn(overloaded)) as server, client(server.url, slept) as service:
        with pytest.raises(Unreachable, match=r"the test service at .* does not answer: 503 Too much is waiting"):
            service.request("GET", "/x")
        assert 50 < sum(slept) <= 60


def test_a_service_that_never_answered_is_given_up_soon():
    """Nobody listens: that is said within about two seconds."""
    with scripted_server(in_turn(OK)) as server:
        url = server.url
    slept: list[float] = []
    with client(url, slept) as service, pytest.raises(Unreachable, match="does not answer"):
        service.request("GET", "/x")
    assert sum(slept) <= 2


def test_a_service_that_restarts_is_waited_for():
    """After it has answered once, a service may be away for longer."""
    slept: list[float] = []
    answers = in_turn(OK, *[Answer(0)] * 6, OK)
    with scripted_server(answers) as server, client(server.url, slept) as service:
        service.request("GET", "/x")
        service.request("GET", "/y")
    assert sum(slept) > 10


@pytest.mark.parametrize("url", ["ftp://x", "no address"])
def test_what_is_no_address_is_said_at_once(url: str):
    """A wrong address is an error of the setting, and not tried again."""
    slept: list[float] = []
    with pytest.raises(ConfigurationError, match="is not an address"), client(url, slept) as service:
        service.request("GET", "/x")
    assert slept == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(404, {"title": "Not found"}), "refuses: 404 Not found"),
        (Answer(500, b"<html>"), "refuses: 500 Internal Server Error"),
        (Answer(200, b"\xff"), "gives an answer that is not understood"),
    ],
)
def test_other_answers_are_errors(answer: Answer, message: str):
    """A refusal, a defect and an answer that is no JSON are one line each, without another try."""
    slept: list[float] = []
    with scripted_server(in_turn(answer)) as server, client(server.url, slept) as service:
        with pytest.raises(ParcoursError, match=message):
            service.json("GET", "/x")
        assert len(server.asked) == 1


def test_a_body_that_is_refused_as_a_whole_is_an_error():
    """A gateway that refuses a whole body, or answers too few results, is not taken for success."""
    answers = (Answer(413, {"detail": "Too large."}), Answer(202, {"results": []}), Answer(202, {"other": 1}))
    messages = ("413 Too large", "0 results for 1 events", "not understood")
    for answer, message in zip(answers, messages, strict=True):
        with (
            scripted_server(in_turn(answer)) as server,
            IngestClient("the ingest service", server.url) as ingest,
            pytest.raises(ParcoursError, match=message),
        ):
            ingest.send(b"[{}]", 1)
