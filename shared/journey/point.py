"""A friction point as it stands in the log `frictions`: one row of (id, revision, sign).

Source: docs/definitions/frictions.md, section "Rules", "A point carries". A point is in force while the signs of its rows
add up to 1; its content is then that of its latest revision. A retraction repeats the content it takes back, so that
sums over any column cancel out.
"""

from msgspec import Struct


class Point(Struct, omit_defaults=False, gc=False):
    """One row. Times are texts of `instants.to_text`; minutes are `None` where they cannot be told.

    `revision` runs per (subject, service); (`id`, `revision`) is the row's identity. `evidence` are event ids, the anchor
    last, and `evidence_sources` their sources, position by position. `figures` are what the sentence is rendered from.
    `partition` and `offset` name the record of `journey-events` that caused the row.
    """

    id: str
    revision: int
    sign: int
    rule: str
    version: int
    parameters: dict[str, float]
    figures: dict[str, float | str]
    source: str
    anchor: str
    subject: str
    service: str
    journey: str
    channel: str
    step: str
    office: str
    territory: str
    case: str
    time: str
    evidence: list[str]
    evidence_sources: list[str]
    minutes_citizen: float | None
    minutes_administration: float | None
    partition: int = 0
    offset: int = 0


class LateEvent(Struct, gc=False):
    """An event that came further behind its journey than its source's lateness limit: stored, flagged, not detected.

    `recordedtime` names the copy. `behind_s` is how far behind the journey's latest event it came.
    """

    source: str
    id: str
    recordedtime: str
    subject: str
    service: str
    time: str
    behind_s: float
    partition: int = 0
    offset: int = 0
