"""Concurrent clients that send each request again until it is acknowledged, and what was acknowledged to them."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

import httpx

from tests.torture.posting import Request
from tests.torture.workload import Identity

ACKNOWLEDGED = (202, 422)
REQUEST_LIMIT_S = 30.0
GIVE_UP_S = 180.0
FIRST_BACK_OFF_S = 0.05
LONGEST_BACK_OFF_S = 1.0
POLL_S = 0.02


class Pace:
    """How far the clients may have come, as a share of what they have to send."""

    def __init__(self) -> None:
        self.share = 0.0
        self.stopped = threading.Event()

    def wait_for(self, share: float) -> bool:
        """Wait until `share` is allowed; `False` when everything is to stop."""
        while self.share < share:
            if self.stopped.wait(POLL_S):
                return False
        return not self.stopped.is_set()


class Ledger:
    """What was acknowledged, and how it went."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.stored: set[Identity] = set()
        self.refused: set[str] = set()
        self.requests: list[Request] = []
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.answered = threading.Event()
        """Set whenever an answer acknowledges something."""

    def acknowledge(self, request: Request) -> None:
        """The answer said that everything of the request is durable."""
        with self._lock:
            self.requests.append(request)
            self.stored.update(identity for identity in request.items if identity is not None)
            self.refused.update(request.bad)
            self.counts["requests"] += 1
            self.counts["events"] += len(request.items)

    def count(self, what: str) -> None:
        """Count an answer that acknowledges nothing."""
        with self._lock:
            self.counts[what] += 1

    def fail(self, what: str) -> None:
        """Note what may not happen."""
        with self._lock:
            self.failures.append(what)

    def any_request(self, chance: Random) -> Request | None:
        """One that was acknowledged before."""
        with self._lock:
            return chance.choice(self.requests) if self.requests else None


class Clients:
    """One thread per list of requests, and one that repeats what was acknowledged; a path's gateway is at `address_of` it."""

    def __init__(self, address_of: Callable[[str], str], requests: Sequence[Sequence[Request]], seed: int) -> None:
        self.pace = Pace()
        self.ledger = Ledger()
        self._address_of = address_of
        self._done = threading.Event()
        self._sending = [self._thread(partial(self._send_all, each)) for each in requests]
        self._repeating = self._thread(partial(self._repeat, Random(seed)))

    def start(self) -> None:
        """Begin to send, as fast as the pace allows."""
        for thread in (*self._sending, self._repeating):
            thread.start()

    def finish(self) -> None:
        """Wait until everything is acknowledged, or given up: then it is among the failures."""
        for thread in self._sending:
            thread.join()
        self._done.set()
        self._repeating.join()

    def stop(self) -> None:
        """End all threads, whatever is left to send."""
        self.pace.stopped.set()
        self.finish()

    def _thread(self, work: Callable[[httpx.Client], None]) -> threading.Thread:
        def run() -> None:
            try:
                with httpx.Client(timeout=REQUEST_LIMIT_S, trust_env=False) as client:
                    work(client)
            except Exception as error:
                self.ledger.fail(f"a client ended: {error!r}")
                self.pace.stopped.set()

        return threading.Thread(target=run)

    def _send_all(self, requests: Sequence[Request], client: httpx.Client) -> None:
        for number, request in enumerate(requests):
            if not self.pace.wait_for(number / len(requests)):
                return
            if self._send(client, request):
                self.ledger.acknowledge(request)

    def _repeat(self, chance: Random, client: httpx.Client) -> None:
        """Send what was acknowledged once more, now and then."""
        while not self._done.wait(chance.uniform(0.05, 0.6)) and not self.pace.stopped.is_set():
            request = self.ledger.any_request(chance)
            if request is not None and self._send(client, request):
                self.ledger.count("repeated")

    def _send(self, client: httpx.Client, request: Request) -> bool:
        """Send until it is acknowledged; `False` when everything is to stop."""
        wait_s = FIRST_BACK_OFF_S
        deadline = time.monotonic() + GIVE_UP_S
        while not self.pace.stopped.is_set():
            answer = self._post(client, request)
            if answer is not None and answer.status_code in ACKNOWLEDGED:
                return self._check(request, answer)
            if answer is not None and answer.status_code != 503:
                raise AssertionError(f"{request.path} answers {answer.status_code}: {answer.text[:500]}")
            assert time.monotonic() < deadline, f"no acknowledgement from {request.path} within {GIVE_UP_S:.0f} s"
            self.pace.stopped.wait(wait_s)
            wait_s = min(wait_s * 2, LONGEST_BACK_OFF_S)
        return False

    def _post(self, client: httpx.Client, request: Request) -> httpx.Response | None:
        try:
            address = self._address_of(request.path) + request.path
            answer = client.post(address, content=request.body, headers={"content-type": request.content_type})
        except httpx.TransportError as error:
            self.ledger.count(type(error).__name__)
            return None
        if answer.status_code in ACKNOWLEDGED:
            self.ledger.answered.set()
        if answer.status_code == 503:
            self.ledger.count("503")
        return answer

    def _check(self, request: Request, answer: httpx.Response) -> bool:
        """The answer speaks of every event, and refuses the bad ones only."""
        results = answer.json()["results"]
        assert len(results) == len(request.items), f"{len(results)} results for {len(request.items)} events"
        for result, identity in zip(results, request.items, strict=True):
            wrong = (result["status"] == "rejected") == (identity is not None)
            assert not wrong, f"{identity or 'a bad event'}: {result}"
        return True
