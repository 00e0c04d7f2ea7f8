"""Texts that stand for what a citizen sends. No signal may hold one of them, in whatever form they are written."""

import base64
import re
from typing import NamedTuple
from urllib.parse import quote


class Canaries(NamedTuple):
    """One unique text a place; none is part of another, or of anything that a platform says by itself."""

    subject: str = "canary-subject-71f3a9"
    email: str = "canary.mail-5d20be@inbox.example"
    phone: str = "+33698761234"
    session: str = "canary-session-c84e17"
    contact: str = "canary-contact-09ab3f"
    case: str = "canary-case-b7712d"
    comment: str = "canary-comment-4e9fd0"
    attribute: str = "canary-attribute-d61c55"
    attribute_name: str = "canary_attribute_name_f02b"
    event_id: str = "canary-id-2a88c1"
    source: str = "/canary-source-6630fe"
    query: str = "canary-query-913bd7"
    path: str = "canary-path-e5d402"
    client: str = "203.0.113.77"
    token: str = "canary-token-40aa6e"
    agent: str = "canary-agent-8cc213"
    malformed: str = "canary-malformed-17f6b8"
    host: str = "canary-host-ab19.example"
    tracestate: str = "canary-state-3d5c91"
    baggage: str = "canary-baggage-77e20a"
    raised: str = "canary-raised-c50e4d"


CANARIES = Canaries()
PSEUDONYM = re.compile(rb"\b[psc]\d+-[A-Za-z0-9_-]{22}\b")
"""What stands for a citizen in the log: in no signal either."""


def leaks(signals: bytes) -> list[str]:
    """The places whose canary is found in the signals, plainly or encoded; `pseudonym` for one of those."""
    low = signals.lower()
    found = [place for place, text in CANARIES._asdict().items() if any(form in low for form in _forms(text))]
    return found + (["pseudonym"] if PSEUDONYM.search(signals) else [])


def _forms(text: str) -> set[bytes]:
    plain = text.encode()
    coded = [base64.b64encode(plain + b" " * pad)[: len(plain) * 4 // 3 - 2] for pad in range(1)]
    written = {text, quote(text, safe=""), plain.hex(), text.removeprefix("+")}
    return {each.lower().encode() for each in written} | {each.lower() for each in coded}
