"""Alerts as the registry keeps them: what it must find them by as columns, the whole as a document that it does not read."""

from msgspec import Struct


class AlertRow(Struct, frozen=True, kw_only=True):
    """One alert. document: all of it as JSON text; key: at most one open alert has it; version: the number of its latest transition."""

    id: str
    key: str
    state: str
    severity: str
    suppressed_by: str
    fired_us: int
    changed_us: int
    resolved_us: int | None
    version: int
    document: str


class TransitionRow(Struct, frozen=True, kw_only=True):
    """One thing that happened to an alert; `number` runs from 1 without gaps."""

    alert: str
    number: int
    step: str
    at_us: int
    by: str = ""
    text: str = ""
    until_us: int | None = None


class NewDelivery(Struct, frozen=True, kw_only=True):
    """What is to be told of one transition to one receiver, from `due_us` on."""

    alert: str
    number: int
    receiver: str
    message: bytes
    created_us: int
    due_us: int

    @property
    def id(self) -> str:
        """Its name, the same however often it is sent: receivers can tell a repeat by it."""
        return f"{self.alert}-{self.number}-{self.receiver}"


class Fence(Struct, frozen=True):
    """The lease under which the writer works, and the token it got with it (`shared.registry.leases`)."""

    lease: str
    token: int


class Held(Struct, frozen=True, kw_only=True):
    """What a round begins with. version: of the engine's state, 0 before the first round; round_us: the instant of the round that
    wrote it; state: what the engine wrote then; alerts: the open ones, and those resolved since a given time.
    """

    version: int
    round_us: int | None
    state: bytes
    alerts: list[AlertRow]


class RoundWrite(Struct, frozen=True, kw_only=True):
    """What a round leaves, all or nothing.

    replaces: the version of the engine's state that was read. alerts: each with the version that was read of it, 0 for a new one.
    fence: `None` where no other process can write.
    """

    replaces: int
    round_us: int
    state: bytes
    alerts: list[tuple[AlertRow, int]] = []
    transitions: list[TransitionRow] = []
    deliveries: list[NewDelivery] = []
    fence: Fence | None = None


class Change(Struct, frozen=True, kw_only=True):
    """What a person's action makes of an alert."""

    alert: AlertRow
    transition: TransitionRow
    deliveries: list[NewDelivery] = []
