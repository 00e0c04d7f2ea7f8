"""The outboxes keep the sender's contract: the registry's on SQLite and PostgreSQL, and the one in memory of these tests."""

from collections.abc import Callable

import pytest

from services.alerts.notification.outbox import Outbox
from shared.registry.alert_rows import Change, NewDelivery, TransitionRow
from shared.registry.registry import Registry
from tests.alerts_lifecycle.rows import row, write
from tests.alerts_notification.memory_outbox import MemoryOutbox
from tests.alerts_notification.outbox_contract import Add, OutboxContract
from tests.alerts_notification.samples import NOW_US
from tests.registry.conftest import open_registry, postgresql_server, postgresql_url, url

__all__ = ["open_registry", "postgresql_server", "postgresql_url", "url"]


class TestInMemory(OutboxContract):
    """The one that tests of the sender use."""

    @pytest.fixture
    def outbox(self) -> MemoryOutbox:
        """Empty."""
        return MemoryOutbox()

    @pytest.fixture
    def add(self, outbox: MemoryOutbox) -> Add:
        """As it is."""
        return outbox.add


class TestInTheRegistry(OutboxContract):
    """The one that is used, written to as rounds and people's actions write."""

    @pytest.fixture
    def registry(self, open_registry: Callable[[], Registry]) -> Registry:
        """Empty."""
        return open_registry()

    @pytest.fixture
    def outbox(self, registry: Registry) -> Outbox:
        """Its deliveries."""
        return registry.outbox

    @pytest.fixture
    def add(self, registry: Registry) -> Add:
        """Writes a delivery with a transition of its alert."""
        rounds = [0]

        def add(
            *,
            alert: str = "a1",
            number: int = 1,
            receiver: str = "web",
            at_us: int = NOW_US,
            message: bytes = b"{}",
        ) -> str:
            name = (alert.removeprefix("a") * 16)[:16]
            told = NewDelivery(
                alert=name, number=number, receiver=receiver, message=message, created_us=NOW_US, due_us=at_us
            )
            held = registry.alerts.get(name)
            if held is None:
                first = row(alert.removeprefix("a"), number)
                registry.alerts.commit_round(write(rounds[0], first, deliveries=[told], alerts=[(first, 0)]))
                rounds[0] += 1
            else:
                step = TransitionRow(
                    alert=name,
                    number=held.version + 1,
                    step="commented",
                    at_us=at_us,
                    by="team",
                    text="",
                    until_us=None,
                )
                after = row(alert.removeprefix("a"), held.version + 1)
                change = Change(alert=after, transition=step, deliveries=[told])
                registry.alerts.change(name, held.version, lambda _: change)
            return told.id

        return add
