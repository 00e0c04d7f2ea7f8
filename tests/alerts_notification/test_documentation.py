"""docs/alerts/notification.md is true: its examples work, and it names every setting, step and bound."""

import base64
import re
import tomllib
from typing import Any

from services.alerts.notification.alertmanager import MISSED_REPEATS
from services.alerts.notification.citizen_texts import MAX_CHARS
from services.alerts.notification.http_post import FINAL_STATUSES, MAX_ANSWER_BYTES
from services.alerts.notification.receiver_reader import KINDS
from services.alerts.notification.settings import NUMBERS, PEOPLE_STEPS, STEPS, SYSTEM_STEPS
from services.alerts.notification.settings_reader import read
from services.alerts.notification.signature import REPLAY_WINDOW_S, signed_headers
from tests.alerts_notification.samples import NOW_US
from tests.docs.pages import in_code, table_rows, text

PAGE = "docs/alerts/notification.md"
KEYS = {
    "in `[notification]`": {
        "pages_url",
        "allow",
        "otherwise",
        "playbooks",
        "timeout_s",
        "max_tries",
        "max_age_s",
    },
    "in `[notification.receiver.NAME]`": {
        *("kind", "steps", "url", "key", "next_key", "host", "port", "tls", "from", "to", "user", "password"),
        *("repeat_s", "labels", "token", "ca_file"),
    },
    "in `[[notification.route]]`": {
        *("receivers", "service", "territory", "severity", "hours", "weekdays", "time_zone", "outside_hours"),
    },
}


def block(language: str) -> str:
    """The first example in a language."""
    found = re.search(rf"```{language}\n(.*?)```", text(PAGE), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_of_settings_is_valid() -> None:
    """It shows each kind of receiver, and is read without complaint."""
    example = block("toml")
    settings = read(tomllib.loads(example)["notification"], lambda _: 1)
    assert len(settings.routes) == 3
    assert {kind for kind in KINDS if f'kind = "{kind}"' in example} == set(KINDS)


def test_the_example_of_verifying_works() -> None:
    """A message of ours is taken, with either key; another body, key, time or signature is not."""
    names: dict[str, Any] = {}
    exec(block("python"), names)  # the document's own code
    verify = names["is_from_parcours"]
    key, other, body, now_s = b"k" * 32, b"o" * 32, b'{"a": 1}', NOW_US / 1_000_000
    headers = signed_headers("a1-1", body, [key, other], NOW_US)
    assert verify(headers, body, key, now_s)
    assert verify(headers, body, other, now_s + REPLAY_WINDOW_S)
    assert not verify(headers, body, key, now_s + REPLAY_WINDOW_S + 1)
    assert not verify(headers, body, key, now_s - REPLAY_WINDOW_S - 1)
    assert not verify(headers, body + b" ", key, now_s)
    assert not verify(headers, body, b"x" * 32, now_s)
    assert not verify(headers | {"webhook-id": "a1-2"}, body, key, now_s)
    assert not verify(headers | {"webhook-timestamp": "soon"}, body, key, now_s)
    assert not verify(headers | {"webhook-signature": "v1," + base64.b64encode(b"x").decode()}, body, key, now_s)


def test_every_setting_is_in_its_table() -> None:
    """With the numbers' defaults and ranges; and the readers take each of them."""
    for heading, keys in KEYS.items():
        rows = {name: row for row in table_rows(PAGE, heading) for name in in_code(row[0])}
        assert set(rows) == keys
        for name in keys & set(NUMBERS):
            each = NUMBERS[name]
            assert f"{each.default} ({each.low} to {each.high})" in " ".join(rows[name])


def test_steps_bounds_and_statuses_are_those_of_the_code() -> None:
    """What the page says of them is so."""
    (row,) = [row for row in table_rows(PAGE, "in `[notification.receiver.NAME]`") if "steps" in in_code(row[0])]
    steps = [name for name in in_code(row[2]) if name in STEPS]
    assert tuple(steps[: len(STEPS)]) == STEPS
    assert set(steps[len(STEPS) : len(STEPS) + len(PEOPLE_STEPS)]) == PEOPLE_STEPS
    assert set(steps[len(STEPS) + len(PEOPLE_STEPS) :]) == SYSTEM_STEPS - PEOPLE_STEPS
    page = text(PAGE)
    final = re.search(r"([\d, ]+ and \d+) are final", page)
    assert final is not None
    assert {int(each) for each in re.findall(r"\d+", final[1])} == FINAL_STATUSES
    assert f"more than {REPLAY_WINDOW_S} s" in page
    assert f"at most {MAX_CHARS} characters" in page
    assert MISSED_REPEATS == 4
    assert MAX_ANSWER_BYTES == 64 * 1024
