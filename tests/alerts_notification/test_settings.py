"""The table `notification`: what it gives, and that everything wrong with it is told with its line."""

import tomllib
from pathlib import Path

import pytest

from services.alerts.notification.secret_source import SecretSource
from services.alerts.notification.settings import (
    NUMBERS,
    PEOPLE_STEPS,
    SYSTEM_STEPS,
    AlertmanagerReceiver,
    EmailReceiver,
    NotificationSettings,
    TopicReceiver,
    WebhookReceiver,
)
from services.alerts.notification.settings_reader import read
from services.alerts.settings_lines import key_lines, line_of
from shared.errors import ConfigurationError

FULL = """
[notification]
allow = ["10.20.0.0/16", "fd00:12::/32"]
pages_url = "https://parcours.example/"
otherwise = ["on-call"]
timeout_s = 5
max_tries = 12
max_age_s = 7200

[notification.service_name.housing-benefit]
fr = "aide au logement"
en = "housing benefit"

[notification.receiver.web-team]
kind = "webhook"
url = "https://hooks.example/parcours?team=web"
key = { environment = "WEB_TEAM_KEY" }
next_key = { file = "/run/secrets/next" }

[notification.receiver.on-call]
kind = "email"
host = "mail.example"
from = "parcours@example.org"
to = ["on-call@example.org", "head@example.org"]
user = "parcours"
password = { environment = "MAIL_PASSWORD" }
steps = ["fired", "resolved"]

[notification.receiver.monitoring]
kind = "alertmanager"
url = "http://10.20.0.9:9093/"
repeat_s = 30
labels = { team = "citizens" }

[notification.receiver.banner]
kind = "topic"

[[notification.route]]
receivers = ["web-team", "monitoring", "banner"]
service = "housing-benefit"
territory = ["fr/idf/"]
severity = "warning"
hours = "08:00-18:30"
weekdays = ["mon", "fri"]
outside_hours = "drop"
time_zone = "Indian/Reunion"
"""


def settings_of(text: str) -> NotificationSettings:
    """The settings of a file of this text."""
    lines = key_lines(text)
    return read(
        tomllib.loads(text)["notification"], lambda path: line_of(tuple(str(part) for part in path), lines), "site.toml"
    )


def test_a_full_table_gives_all_it_says() -> None:
    """Receivers of every kind, a route, networks, names of services and bounds."""
    found = settings_of(FULL)
    assert {name: type(each) for name, each in found.receivers.items()} == {
        "web-team": WebhookReceiver,
        "on-call": EmailReceiver,
        "monitoring": AlertmanagerReceiver,
        "banner": TopicReceiver,
    }
    assert [str(network) for network in found.allow] == ["10.20.0.0/16", "fd00:12::/32"]
    assert (found.pages_url, found.otherwise, found.timeout_s, found.max_tries, found.max_age_s) == (
        "https://parcours.example",
        ("on-call",),
        5,
        12,
        7200,
    )
    assert found.service_names["housing-benefit"].fr == "aide au logement"
    (route,) = found.routes
    assert (route.receivers, route.services, route.territories) == (
        ("web-team", "monitoring", "banner"),
        ("housing-benefit",),
        ("fr/idf",),
    )
    assert (route.severity, route.from_min, route.to_min, route.weekdays) == ("warning", 480, 1110, frozenset({0, 4}))
    assert (route.outside_hours, route.zone.key) == ("drop", "Indian/Reunion")


def test_receivers_have_defaults() -> None:
    """The port follows the encryption; people are told of less than systems; hours are always, in French time."""
    found = settings_of(FULL)
    mail, manager, banner = found.receivers["on-call"], found.receivers["monitoring"], found.receivers["banner"]
    assert isinstance(mail, EmailReceiver)
    assert isinstance(manager, AlertmanagerReceiver)
    assert (mail.port, mail.tls, mail.steps) == (587, "starttls", {"fired", "resolved"})
    assert (manager.url, manager.repeat_s, manager.labels) == ("http://10.20.0.9:9093", 30, {"team": "citizens"})
    assert banner.steps == SYSTEM_STEPS
    assert PEOPLE_STEPS < SYSTEM_STEPS
    minimal = settings_of('[notification]\notherwise = "t"\n[notification.receiver.t]\nkind = "topic"\n')
    assert minimal.routes == ()
    assert (minimal.timeout_s, minimal.max_tries) == (NUMBERS["timeout_s"].default, NUMBERS["max_tries"].default)
    always = settings_of('[notification.receiver.t]\nkind = "topic"\n[[notification.route]]\nreceivers = "t"\n').routes[
        0
    ]
    assert always.is_always()
    assert always.zone.key == "Europe/Paris"


def test_an_empty_table_tells_nobody() -> None:
    """Without a table there are no receivers, and nothing is wrong."""
    assert read({}, lambda _: 1).receivers == {}


def test_times_are_told_by_the_clock_of_the_site() -> None:
    """So are the hours of a route that names no time zone of its own."""
    receivers = {"x": {"kind": "topic"}}
    routes = [{"receivers": ["x"]}, {"receivers": ["x"], "time_zone": "Indian/Reunion"}]
    found = read({"receiver": receivers, "route": routes}, lambda _: 1, site_zone="America/Cayenne")
    assert found.zone.key == "America/Cayenne"
    assert [route.zone.key for route in found.routes] == ["America/Cayenne", "Indian/Reunion"]


RECEIVER = '[notification]\notherwise = "x"\n[notification.receiver.x]\n'
MAIL = RECEIVER + 'kind = "email"\nhost = "mail.example"\nfrom = "a@example.org"\n'
HOOK = RECEIVER + 'kind = "webhook"\nkey = { environment = "KEY" }\n'
ROUTE = '[notification.receiver.x]\nkind = "topic"\n[[notification.route]]\nreceivers = "x"\n[[notification.route]]\n'

WRONG = [
    ("[notification]\nreceiver2 = 1\n", 2, "notification.receiver2: unknown"),
    ('[notification]\nallow = ["10.0.0.1/8"]\n', 2, "notification.allow[1]: expected a network"),
    ('[notification]\nallow = "everything"\n', 2, "expected a network"),
    ('[notification]\npages_url = "ftp://x"\n', 2, "https:// or http://"),
    ('[notification]\npages_url = "https://a:b@example.org"\n', 2, "user name or password"),
    ('[notification]\nplaybooks = "/nowhere/at/all"\n', 2, "expected a folder"),
    (f'[notification]\nplaybooks = "/{"a" * 300}"\n', 2, "expected a folder"),
    ('[notification]\npages_url = "https://example.org/?a"\n', 2, "it cannot hold a ?"),
    ("[notification]\nmax_tries = 0\n", 2, "from 1 to 200, found 0"),
    ("[notification]\ntimeout_s = true\n", 2, "found true or false"),
    ("[notification]\ntimeout_s = 1.5\n", 2, "a whole number"),
    (ROUTE + 'receivers = ["x"]\ntime_zone = "Mars/Olympus"\n', 7, "time zone"),
    ('[notification]\notherwise = ["nobody"]\n', 2, 'the receiver "nobody" is unknown'),
    ("[notification]\nservice_name = 3\n", 2, "expected a table, found a number"),
    ('[notification.service_name.a]\nfr = "x"\n', 1, "expected `en`"),
    ("[notification]\nroute = 3\n", 2, "expected [[notification.route]]"),
    (RECEIVER + 'kind = "pigeon"\n', 4, "unknown; known: webhook, email, alertmanager, topic"),
    (RECEIVER + 'kind = "emial"\n', 4, 'did you mean "email"?'),
    (RECEIVER + "\n", 3, "missing; known: webhook"),
    (RECEIVER + 'kind = "topic"\nurl = "https://x.example"\n', 5, "notification.receiver.x.url: unknown"),
    (RECEIVER + 'kind = "topic"\nsteps = ["fired", "sneezed"]\n', 5, '"sneezed" is unknown'),
    ('[notification.receiver."No Good"]\nkind = "topic"\n', 1, "small letters"),
    ('[notification.receiver.x]\nkind = "topic"\n', 1, "no route and no `otherwise` leads to this receiver"),
    (HOOK, 3, "expected `url`, a web address"),
    (HOOK + 'url = "https://hooks.example/a b"\n', 6, "without spaces"),
    (HOOK + 'url = "https://hooks.example/#top"\n', 6, "a part after #"),
    (HOOK + 'url = "https://hooks.example:99999/"\n', 6, "not a web address"),
    (HOOK + 'url = "https:///x"\n', 6, "no host name"),
    (HOOK + 'url = "https://h\\u00f4te.example/"\n', 6, "ASCII"),
    (HOOK + 'url = "https://a.example"\nca_file = "/nowhere.pem"\n', 7, "certificates (PEM)"),
    (HOOK + f'url = "https://a.example"\nca_file = "/{"a" * 300}"\n', 7, "certificates (PEM)"),
    (HOOK + f'url = "https://a.example"\nca_file = "{__file__}"\n', 7, "certificates (PEM)"),
    (RECEIVER + 'kind = "alertmanager"\nurl = "https://a.example/?b=c"\n', 5, "it cannot hold a ?"),
    (HOOK + 'url = "http://127.0.0.1:9000/x"\n', 6, "notification.receiver.x.url: the address 127.0.0.1 is not public"),
    (HOOK + 'url = "https://[::ffff:10.0.0.1]/x"\n', 6, "the address ::ffff:"),
    (HOOK + 'url = "http://9.9.9.9/x"\n', 6, "without encryption only networks of notification.allow"),
    (MAIL.replace("mail.example", "10.0.0.9") + 'to = "b@example.org"\n', 5, "notification.receiver.x.host: the address"),
    (MAIL.replace("mail.example", "9.9.9.9") + 'to = "b@example.org"\ntls = "none"\n', 5, "without encryption"),
    (RECEIVER + 'kind = "alertmanager"\nurl = "http://10.20.0.9:9093"\n', 5, "add its network to notification.allow"),
    (RECEIVER + 'kind = "webhook"\nurl = "https://a.example"\n', 3, "expected `key`"),
    (RECEIVER + 'kind = "webhook"\nurl = "https://a.example"\nkey = "s3cret"\n', 6, "secrets do not stand in this file"),
    (RECEIVER + 'kind = "webhook"\nurl = "https://a.example"\nkey = { environment = "PARCOURS_KEY" }\n', 6, "PARCOURS_"),
    (RECEIVER + 'kind = "webhook"\nurl = "https://a.example"\nkey = { environ = "KEY" }\n', 6, 'did you mean "environment"'),
    (MAIL, 3, "expected `to`"),
    (MAIL + 'to = ["b@example.org\\r\\nBcc: c@example.org"]\n', 7, "on one line"),
    (MAIL + 'to = ["b at example.org"]\n', 7, "expected an e-mail address"),
    (MAIL + 'to = ["a,b@example.org"]\n', 7, "expected an e-mail address"),
    (MAIL + 'to = "b@example.org"\nuser = "me"\n', 3, "expected `password`"),
    (MAIL + 'to = "b@example.org"\npassword = { environment = "P" }\n', 8, "never used"),
    (MAIL + 'to = "b@example.org"\ntls = "none"\nuser = "me"\npassword = { environment = "P" }\n', 8, "without encryption"),
    (MAIL + 'to = "b@example.org"\nport = 0\n', 8, "from 1 to 65535"),
    (MAIL + "to = []\n", 7, "1 to 200 texts"),
    (MAIL + f"to = {[f'a{number}@example.org' for number in range(51)]}\n", 7, "at most 50 addresses"),
    (RECEIVER + 'kind = "alertmanager"\nurl = "http://a.example"\nlabels = { severity = "x" }\n', 6, "a label of Prometheus"),
    (RECEIVER + 'kind = "alertmanager"\nurl = "http://a.example"\nlabels = { "a b" = "x" }\n', 6, "a label of Prometheus"),
    (RECEIVER + 'kind = "alertmanager"\nurl = "http://a.example"\nlabels = 3\n', 6, "expected a table"),
    (ROUTE + 'severity = "bad"\n', 5, "expected `receivers`"),
    (ROUTE + 'receivers = "x"\nseverity = "bad"\n', 7, "known: information, warning, critical"),
    (ROUTE + 'receivers = "x"\nhours = "8-18"\n', 7, '"08:00-18:30"'),
    (ROUTE + 'receivers = "x"\nhours = "08:00-24:30"\n', 7, '"08:00-18:30"'),
    (ROUTE + 'receivers = "x"\nweekdays = ["mon", "lundi"]\n', 7, '"lundi" is unknown'),
    (ROUTE + 'receivers = "x"\nservices = "a"\n', 7, 'did you mean "service"?'),
    (ROUTE + 'receivers = ["y"]\n', 6, 'the receiver "y" is unknown'),
    (ROUTE + 'receivers = "x"\nservice = [1]\n', 7, "expected a text, found a number"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "what"), WRONG, ids=[what for _, _, what in WRONG])
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, what: str) -> None:
    """The message names the file, the line, the key, and what was expected."""
    with pytest.raises(ConfigurationError) as caught:
        settings_of(text)
    told = [each for each in str(caught.value).splitlines() if what in each]
    assert [each.split(":")[0] for each in told] == [f"site.toml, line {line}"], str(caught.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Errors come together, in the order of the file."""
    with pytest.raises(ConfigurationError) as caught:
        settings_of('[notification]\nmax_tries = 0\nallow = ["x"]\nwhat = 1\n')
    assert [each.split(":")[0] for each in str(caught.value).splitlines()] == [
        "site.toml, line 2",
        "site.toml, line 3",
        "site.toml, line 4",
    ]


@pytest.mark.parametrize("url", ["https://9.9.9.9/x", "http://localhost:9000/", "http://127.0.0.1:9000/"])
def test_an_address_that_may_be_reached_is_taken(url: str) -> None:
    """A public one, one within `allow`, and a name, which is judged when something is sent."""
    allow = 'allow = ["127.0.0.0/8"]\n' if "127" in url else ""
    text = HOOK.replace("[notification]\n", f"[notification]\n{allow}") + f'url = "{url}"\n'
    assert isinstance(settings_of(text).receivers["x"], WebhookReceiver)


def test_a_mistake_in_allow_is_told_alone() -> None:
    """What it was meant to allow is not told besides."""
    with pytest.raises(ConfigurationError) as caught:
        settings_of(
            HOOK.replace("[notification]\n", '[notification]\nallow = ["10.0.0.1/8"]\n') + 'url = "http://10.0.0.1"\n'
        )
    assert len(str(caught.value).splitlines()) == 1


def test_too_many_of_anything_is_refused() -> None:
    """Receivers and routes have a bound."""
    receivers = "".join(f'[notification.receiver.r{number}]\nkind = "topic"\n' for number in range(51))
    with pytest.raises(ConfigurationError, match="at most 50 receivers"):
        settings_of(receivers)
    routes = '[notification.receiver.x]\nkind = "topic"\n' + '[[notification.route]]\nreceivers = "x"\n' * 201
    with pytest.raises(ConfigurationError, match="at most 200 routes"):
        settings_of(routes)


def test_secrets_are_found_where_they_are_named(tmp_path: Path) -> None:
    """A variable or a file gives the secret without its last line break; one that is missing or empty is an error."""
    file = tmp_path / "key"
    file.write_text("from a file\n", encoding="utf-8")
    where = "site.toml, line 3: key"
    assert SecretSource(environment="KEY", where=where).reveal({"KEY": "from outside"}) == "from outside"
    assert SecretSource(file=file, where=where).reveal({}) == "from a file"
    for source in (SecretSource(environment="KEY", where=where), SecretSource(file=tmp_path / "none", where=where)):
        with pytest.raises(ConfigurationError, match=r"line 3.*missing or empty"):
            source.reveal({"KEY": "  "})
    with pytest.raises(ConfigurationError, match="cannot be read as a secret"):
        SecretSource(file=tmp_path, where=where).reveal({})
    file.write_bytes(b"x" * 5_000)
    with pytest.raises(ConfigurationError, match="too large"):
        SecretSource(file=file, where=where).reveal({})
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        SecretSource(file=file, where=where).reveal({})
