"""A gateway's judgement of an event, without a gateway: nothing is pseudonymised, sent or kept."""

from functools import partial
from typing import Final

from shared.client.send import EventResult
from shared.ingest.incoming import Refused
from shared.ingest.reasons import explain
from shared.ingest.validate import Validator, arrival_at
from shared.privacy.pseudonyms import normalise_subject

ACCEPTED: Final = EventResult("accepted")


class LocalCheck:
    """Judges events as a gateway would at `now_us`; `channel` is the gateway's own, `phone_region` the site's."""

    def __init__(self, now_us: int, channel: str | None = None, lang: str = "en", *, phone_region: str = "FR") -> None:
        self._arrival = arrival_at(now_us, now_us, channel)
        self._validator = Validator(
            _NoKeys(), 1, normalise=partial(normalise_subject, phone_region=phone_region), scrub=str
        )
        self._lang = lang

    def check(self, raw: bytes, *, utf8: bool = False) -> EventResult:
        """What a gateway would answer for this one event; `utf8` says that it is known to be UTF-8."""
        try:
            self._validator.check(raw, utf8, self._arrival)
        except Refused as refused:
            return EventResult("rejected", refused.reason, refused.pointer, explain(refused.reason, self._lang))
        return ACCEPTED


class _NoKeys:
    """Stands in for the secrets of a site: only the judgement is wanted."""

    def pseudonym(self, kind: str, normalised: str) -> str:
        return kind + normalised

    def shard(self, normalised: str) -> int:  # noqa: ARG002 - the protocol of the keys
        return 0
