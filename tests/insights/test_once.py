"""Parts of a page worked out side by side: each question once, each part's own answer, the first part's error."""

import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import pytest

from services.insights.figures.once import OnceStore, once, side_by_side
from shared.errors import QueryLimitExceeded
from shared.store.client import Rows

_LIMIT_S = 10


class CountingStore:
    """Answers each question with its text; `while_asked` runs meanwhile."""

    def __init__(self, while_asked: Callable[[], None] = lambda: None) -> None:
        self.asked: list[str] = []
        self._while_asked = while_asked

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Rows:
        self.asked.append(sql)
        self._while_asked()
        if sql == "too much":
            raise QueryLimitExceeded("too much")
        return Rows(["text"], [(sql, *parameters.values())])


def test_what_two_parts_ask_at_the_same_time_is_asked_once():
    """The second waits for the answer of the first."""
    both_began = threading.Barrier(2)
    store = CountingStore()
    once = OnceStore(store)

    def part() -> object:
        both_began.wait(_LIMIT_S)
        return once.query("how many", {"of": 1}).rows

    assert side_by_side({"one": part, "other": part}) == {"one": [("how many", 1)], "other": [("how many", 1)]}
    assert store.asked == ["how many"]
    once.query("how many", {"of": 2})
    assert store.asked == ["how many"] * 2


def test_who_waits_for_a_question_that_fails_gets_its_error():
    """Typed, as the store raised it; and again whoever asks it later."""
    one_asks, may_fail = threading.Event(), threading.Event()

    def wait() -> None:
        one_asks.set()
        assert may_fail.wait(_LIMIT_S)

    store = CountingStore(wait)
    once = OnceStore(store)
    errors: list[BaseException] = []

    def ask() -> None:
        with pytest.raises(QueryLimitExceeded) as raised:
            once.query("too much", {})
        errors.append(raised.value)

    def ask_later() -> None:
        assert one_asks.wait(_LIMIT_S)
        may_fail.set()
        ask()

    side_by_side({"one": ask, "other": ask_later})
    ask()
    assert len(errors) == 3
    assert store.asked == ["too much"]


def test_parts_know_the_context_of_their_page_and_keep_their_names():
    """What a request set for itself (its trace) is set in every part; results stand in the order of the parts."""
    request = ContextVar[str]("request")
    request.set("of this page")
    found = side_by_side(dict.fromkeys("edcba", request.get))
    assert list(found.items()) == [(name, "of this page") for name in "edcba"]


def test_the_first_error_ends_the_page():
    """Parts that were not begun by then are left."""
    begun: list[int] = []

    def fail() -> None:
        raise QueryLimitExceeded("too much")

    def wait(number: int) -> None:
        begun.append(number)
        threading.Event().wait(0.05)

    parts: dict[str, Callable[[], object]] = {"fails": fail}
    parts |= {str(number): lambda number=number: wait(number) for number in range(50)}
    with pytest.raises(QueryLimitExceeded):
        side_by_side(parts)
    assert len(begun) < 50


def test_what_figures_of_a_page_share_is_made_once_for_a_request():
    """Under its key, by whoever asks first; a figure that is asked for by itself makes its own."""
    made: list[str] = []

    def make() -> list[str]:
        made.append("made")
        return made

    of_request, alone = OnceStore(CountingStore()), CountingStore()
    assert once(of_request, "shared", make) is once(of_request, "shared", make)
    assert made == ["made"]
    once(of_request, "other", make)
    once(OnceStore(alone), "shared", make)
    once(alone, "shared", make)
    once(alone, "shared", make)
    assert len(made) == 5
