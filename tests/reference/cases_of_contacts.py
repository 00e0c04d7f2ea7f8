"""Cases of the rules on contacts: repeats, retries, channels."""

from tests.reference.case import US, Case, event
from tests.reference.rule_settings import DAY_S, HOUR_S, MINUTE_S

REPEATS = [
    Case(
        "repeat-at-the-minimum",
        "The earlier contact must lie more than the minimum before: exactly five minutes is none.",
        [event("a", "contact.made", 0), event("b", "contact.made", 5 * MINUTE_S)],
        [],
    ),
    Case(
        "repeat-just-over-the-minimum",
        "A microsecond more than the minimum is a repeat.",
        [
            event("a", "contact.made", 0, channel="web"),
            event("b", "contact.made", 5 * MINUTE_S + US, channel="web", office="north", territory="fr/75", case="k"),
        ],
        [("repeat_contact", "b")],
        details={
            ("repeat_contact", "b"): {
                "figures": {"gap_s": 300.000_001, "earlier_channel": "web"},
                "parameters": {"min_gap_s": 300, "window_s": 604_800},
                "evidence": ["a", "b"],
                "evidence_sources": ["/test", "/test"],
                "channel": "web",
                "step": "",
                "office": "north",
                "territory": "fr/75",
                "case": "k",
                "time": "2024-03-04T09:05:00.000001Z",
                "minutes_citizen": None,
                "minutes_administration": None,
            }
        },
    ),
    Case(
        "repeat-at-the-window",
        "The window is inclusive.",
        [event("a", "contact.made", 0), event("b", "contact.made", 7 * DAY_S)],
        [("repeat_contact", "b")],
    ),
    Case(
        "repeat-beyond-the-window",
        "A microsecond more than the window is none.",
        [event("a", "contact.made", 0), event("b", "contact.made", 7 * DAY_S + US)],
        [],
    ),
    Case(
        "repeat-compares-with-the-latest-only",
        "Where the latest earlier contact is too near, one further back does not count instead.",
        [
            event("a", "contact.made", 0),
            event("b", "contact.made", HOUR_S),
            event("c", "contact.made", HOUR_S + MINUTE_S),
        ],
        [("repeat_contact", "b")],
    ),
    Case(
        "repeat-invited",
        "An invited contact is no repeat, but one after it is.",
        [
            event("a", "contact.made", 0),
            event("b", "contact.made", HOUR_S, invited=True),
            event("c", "contact.made", 2 * HOUR_S, invited=False),
        ],
        [("repeat_contact", "c")],
        details={("repeat_contact", "c"): {"evidence": ["b", "c"]}},
    ),
    Case(
        "repeat-of-the-same-matter",
        "The earlier contact has the same matter, or one of the two has none.",
        [
            event("a", "contact.made", 0, matter="leak"),
            event("b", "contact.made", HOUR_S, matter="noise"),
            event("c", "contact.made", 2 * HOUR_S, matter="leak"),
            event("d", "contact.made", 3 * HOUR_S),
            event("e", "contact.made", 4 * HOUR_S, matter="noise"),
        ],
        [("repeat_contact", "c"), ("repeat_contact", "d"), ("repeat_contact", "e")],
        details={
            ("repeat_contact", "c"): {"evidence": ["a", "c"]},
            ("repeat_contact", "d"): {"evidence": ["c", "d"]},
            ("repeat_contact", "e"): {"evidence": ["d", "e"]},
        },
    ),
    Case(
        "repeat-within-one-contact",
        "Events of one contact do not repeat each other.",
        [event("a", "call.queued", 0, contact="c1"), event("b", "ticket.taken", HOUR_S, contact="c1")],
        [],
    ),
    Case(
        "repeat-skips-unserved-contacts",
        "Before a call refused in between, the contact served earlier is the one repeated.",
        [
            event("a", "contact.made", 0),
            event("full", "call.rejected", HOUR_S),
            event("b", "contact.made", 2 * HOUR_S),
        ],
        [
            ("repeat_contact", "b"),
            ("repeat_contact", "full"),
            ("turned_away", "full"),
            ("unanswered_retry", "b"),
        ],
        details={
            ("repeat_contact", "b"): {"evidence": ["a", "b"]},
            ("unanswered_retry", "b"): {"evidence": ["full", "b"]},
        },
    ),
    Case(
        "unserved-is-decided-after-the-anchor",
        "A contact that turns out unserved after the anchor makes it a retry, not a repeat.",
        [
            event("a", "call.queued", 0, contact="c1"),
            event("b", "contact.made", 10 * MINUTE_S),
            event("gone", "call.abandoned", 20 * MINUTE_S, contact="c1"),
        ],
        [("queue_abandoned", "gone"), ("unanswered_retry", "b")],
    ),
    Case(
        "served-is-decided-after-the-anchor",
        "A contact that is served after all, after the anchor, makes it a repeat, not a retry.",
        [
            event("a", "call.queued", 0, contact="c1"),
            event("gone", "call.abandoned", 10, contact="c1"),
            event("b", "contact.made", 10 * MINUTE_S),
            event("served", "call.answered", 20 * MINUTE_S, contact="c1"),
        ],
        [("queue_abandoned", "gone"), ("repeat_contact", "b")],
    ),
    Case(
        "contact-id-at-24-hours",
        "An event with the contact's id exactly 24 hours after its first is still of that contact.",
        [event("a", "call.queued", 0, contact="c1"), event("b", "call.queued", DAY_S, contact="c1")],
        [],
    ),
    Case(
        "contact-id-after-24-hours",
        "A later event with the id begins another contact.",
        [event("a", "call.queued", 0, contact="c1"), event("b", "call.queued", DAY_S + US, contact="c1")],
        [("repeat_contact", "b")],
    ),
    Case(
        "contact-counts-from-its-first-event-of-any-type",
        "The 24 hours run from the first event with the id, not from the last, nor from the first contact event.",
        [
            event("page", "page.viewed", 0, contact="c1"),
            event("a", "call.queued", 23 * HOUR_S, contact="c1"),
            event("b", "call.queued", 24 * HOUR_S + 1, contact="c1"),
        ],
        [("repeat_contact", "b")],
    ),
    Case(
        "unserved-looks-at-its-own-24-hours",
        "An answer with the same id that belongs to a later contact does not serve the earlier one.",
        [
            event("full", "call.rejected", 0, contact="c1"),
            event("b", "contact.made", HOUR_S),
            event("other", "call.answered", DAY_S + US, contact="c1"),
        ],
        [("turned_away", "full"), ("unanswered_retry", "b")],
    ),
]

RETRIES = [
    Case(
        "retry-at-the-window",
        "A retry exactly 24 hours after an unserved contact counts.",
        [event("a", "call.rejected", 0, channel="phone"), event("b", "contact.made", DAY_S)],
        [("turned_away", "a"), ("unanswered_retry", "b")],
        details={
            ("unanswered_retry", "b"): {
                "figures": {"gap_s": 86_400, "earlier_channel": "phone"},
                "parameters": {"window_s": 86_400},
                "evidence": ["a", "b"],
            }
        },
    ),
    Case(
        "retry-beyond-the-window",
        "A microsecond later it is none.",
        [event("a", "call.rejected", 0), event("b", "contact.made", DAY_S + US)],
        [("turned_away", "a")],
    ),
    Case(
        "retry-at-once-and-of-any-matter",
        "There is no minimum, and the matter does not count.",
        [event("a", "call.rejected", 0, matter="leak"), event("b", "contact.made", 0, matter="noise")],
        [("turned_away", "a"), ("unanswered_retry", "b")],
    ),
    Case(
        "retry-only-after-the-latest",
        "Once a contact lies between, the next is no retry.",
        [event("a", "call.rejected", 0), event("b", "contact.made", 60), event("c", "contact.made", 120)],
        [("turned_away", "a"), ("unanswered_retry", "b")],
    ),
    Case(
        "retry-passes-over-its-own-contact",
        "Events of the anchor's own contact, and events that are no contact events, lie between without a say.",
        [
            event("a", "call.rejected", 0),
            event("page", "page.viewed", 30),
            event("b", "ticket.taken", 60, contact="c1"),
            event("c", "call.queued", 120, contact="c1"),
        ],
        [("turned_away", "a"), ("unanswered_retry", "b"), ("unanswered_retry", "c")],
        details={("unanswered_retry", "c"): {"evidence": ["a", "c"]}},
    ),
    Case(
        "retry-invited",
        "A contact that was asked for is no retry.",
        [event("a", "call.rejected", 0), event("b", "contact.made", 60, invited=True)],
        [("turned_away", "a")],
    ),
    Case(
        "retry-after-no-show",
        "A ticket not shown up for is unserved; one called and not shown up for is served.",
        [
            event("a", "ticket.taken", 0, contact="c1"),
            event("gone", "ticket.noshow", 60, contact="c1"),
            event("b", "ticket.taken", 120, contact="c2"),
            event("called", "ticket.called", 180, contact="c2"),
            event("late", "ticket.noshow", 240, contact="c2"),
            event("c", "ticket.taken", 300, contact="c3"),
        ],
        [("queue_abandoned", "gone"), ("queue_abandoned", "late"), ("unanswered_retry", "b")],
    ),
    Case(
        "ties-by-id",
        "At equal times the lower id is earlier: the contact comes before the refused call.",
        [event("z", "call.rejected", 0), event("a", "contact.made", 0)],
        [("turned_away", "z")],
    ),
    Case(
        "ties-by-bytes-of-the-id",
        "Ids are compared as bytes: capitals before small letters, accents last.",
        [
            event("Z", "call.rejected", 0),
            event("a", "contact.made", 0),
            event("z", "call.rejected", HOUR_S, subject="p1-bob"),
            event("é", "contact.made", HOUR_S, subject="p1-bob"),
        ],
        [("turned_away", "Z"), ("turned_away", "z"), ("unanswered_retry", "a"), ("unanswered_retry", "é")],
    ),
    Case(
        "ties-by-source-first",
        "At equal times the source decides before the id.",
        [event("z", "call.rejected", 0, source="/a"), event("a", "contact.made", 0, source="/b")],
        [("turned_away", "z"), ("unanswered_retry", "a")],
        details={("unanswered_retry", "a"): {"evidence_sources": ["/a", "/b"]}},
    ),
]

SWITCHES = [
    Case(
        "switch-at-the-window",
        "The window is inclusive, and any citizen event counts as the earlier one.",
        [event("a", "complaint.filed", 0, channel="web"), event("b", "contact.made", 7 * DAY_S, channel="phone")],
        [("channel_switch", "b")],
        details={
            ("channel_switch", "b"): {
                "figures": {"gap_s": 604_800, "earlier_channel": "web"},
                "parameters": {"window_s": 604_800},
                "evidence": ["a", "b"],
            }
        },
    ),
    Case(
        "switch-beyond-the-window",
        "A microsecond later it is none.",
        [event("a", "complaint.filed", 0, channel="web"), event("b", "contact.made", 7 * DAY_S + US, channel="phone")],
        [],
    ),
    Case(
        "switch-from-a-form",
        "A form event counts, a page view does not.",
        [
            event("form", "form.submitted", 0, channel="web"),
            event("page", "page.viewed", 60, channel="phone"),
            event("b", "contact.made", 120, channel="phone"),
        ],
        [("channel_switch", "b")],
    ),
    Case(
        "switch-needs-both-channels",
        "Where the latest citizen event has no channel, an earlier one does not stand in for it.",
        [
            event("a", "complaint.filed", 0, channel="web"),
            event("b", "complaint.filed", 60),
            event("c", "contact.made", 120, channel="phone"),
            event("d", "contact.made", 180),
        ],
        [],
    ),
    Case(
        "switch-back-on-the-same-channel",
        "Only the latest citizen event is compared.",
        [
            event("a", "complaint.filed", 0, channel="web"),
            event("b", "complaint.filed", 60, channel="phone"),
            event("c", "contact.made", 120, channel="phone"),
        ],
        [],
    ),
    Case(
        "switch-leaves-out-its-own-contact",
        "Citizen events of the anchor's own contact are passed over.",
        [
            event("a", "complaint.filed", 0, channel="web"),
            event("b", "complaint.filed", 60, channel="phone", contact="c1"),
            event("c", "contact.made", 120, channel="phone", contact="c1"),
        ],
        [("channel_switch", "c")],
    ),
    Case(
        "switch-invited",
        "An invitation to the counter is no switch.",
        [
            event("a", "complaint.filed", 0, channel="web"),
            event("b", "ticket.taken", 60, channel="counter", invited=True),
        ],
        [],
    ),
]

CASES = [*REPEATS, *RETRIES, *SWITCHES]
