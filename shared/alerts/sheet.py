"""An alert as it may be shown: words in both languages, and no count of so few people that they could be recognised."""

from msgspec import Struct

from shared.alerts.alert import Ending, State
from shared.alerts.finding import Severity
from shared.detection.declarations.declaration import Words


class Touched(Struct, frozen=True, kw_only=True):
    """How many journeys were touched, at least. `None` where nothing counts them, or where that is `withheld` as below `minimum`."""

    count: int | None
    withheld: bool
    minimum: int


class Measure(Struct, frozen=True, kw_only=True):
    """What was observed from `from_us` until before `to_us`, and expected there; `None` where `withheld`, or not known.

    text: the same as a sentence.
    """

    observed: float | None
    expected: float | None
    withheld: bool
    from_us: int
    to_us: int
    text: Words


class Reading(Struct, frozen=True, kw_only=True):
    """One of an alert's series as it was found last; '' is any."""

    condition: str
    rule: str
    service: str
    channel: str
    territory: str
    name: str
    place: Words
    severity: Severity
    since_us: int
    touched: Touched
    measure: Measure


class Sheet(Struct, frozen=True, kw_only=True):
    """One alert. readings: the one that names its cause first.

    cause: names its playbook; title: what happened; place: where; why: one sentence; evidence: the path of the page that
    shows what was counted. citizen_text: a proposal; announce: whether it should be told now. The other fields are those of
    `shared.alerts.alert.Alert`; instants in µs since 1970 UTC.
    """

    id: str
    version: int
    state: State
    severity: Severity
    fired_us: int
    changed_us: int
    resolved_us: int | None
    ending: Ending | None
    acknowledged_by: str
    acknowledged_until_us: int | None
    assigned_to: str
    suppressed_by: str
    cause: str
    title: Words
    place: Words
    since_us: int
    touched: Touched
    why: Words
    evidence: str
    citizen_text: Words
    announce: bool
    readings: tuple[Reading, ...]


class Hidden(Struct, frozen=True):
    """What a silence would hide of the alerts that are open, and would have hidden of those of the last 7 days."""

    open: tuple[Sheet, ...]
    past: tuple[Sheet, ...]


class Looking(Struct, frozen=True, kw_only=True):
    """How the engine is. looked_us: the instant of its latest round, `None` before the first; through_us: up to when it had
    the data then, `None` where that is not known; trouble: why it does not look any more, ''; every_s: so often it writes.
    """

    looked_us: int | None
    through_us: int | None = None
    trouble: str = ""
    every_s: float = 60.0


class Letter(Struct, frozen=True, kw_only=True):
    """A message that was given up. subject: `None` where it cannot be read; `number`: of the alert's transition."""

    id: str
    alert: str
    number: int
    receiver: str
    tries: int
    created_us: int
    last_error: str
    subject: Words | None


class Receiving(Struct, frozen=True, kw_only=True):
    """One receiver of the settings, and its kind (webhook, email, alertmanager, topic)."""

    name: str
    kind: str


class Backlog(Struct, frozen=True, kw_only=True):
    """What waits for a receiver: so many messages; since_us: since when the oldest does, of those that were tried if there are any.

    last_error: why that one did not arrive, '' when nothing was tried yet.
    """

    receiver: str
    waiting: int
    since_us: int
    last_error: str


class Guide(Struct, frozen=True, kw_only=True):
    """A playbook in one language. html: its text below the title as safe HTML, whose headings begin at
    the third level.
    """

    cause: str
    language: str
    title: str
    html: str
    from_site: bool
