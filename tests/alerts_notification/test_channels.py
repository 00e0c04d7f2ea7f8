"""The settings become ways to reach people, with their secrets, or it is said what is missing."""

from pathlib import Path
from typing import Any

import pytest

from services.alerts.notification.alertmanager import AlertmanagerChannel
from services.alerts.notification.channels import open_channels, secret_problems
from services.alerts.notification.smtp import EmailChannel
from services.alerts.notification.topic import TopicChannel
from services.alerts.notification.webhook import WebhookChannel
from shared.errors import ConfigurationError
from shared.log.local import LocalLogWriter
from shared.log.port import ALERTS
from tests.alerts_notification.certificates import make_certificates
from tests.alerts_notification.test_settings import FULL, settings_of

ENVIRONMENT = {"WEB_TEAM_KEY": "k" * 32, "MAIL_PASSWORD": "secret"}


def full(tmp_path: Path) -> str:
    """Settings with a receiver of each kind; the second key in a file that exists."""
    (tmp_path / "next").write_text("n" * 32, encoding="utf-8")
    return FULL.replace("/run/secrets/next", str(tmp_path / "next"))


def test_each_receiver_has_its_channel(tmp_path: Path) -> None:
    """Of the kind of the settings."""
    writer = LocalLogWriter(tmp_path / "alerts.sqlite", ALERTS)
    found = open_channels(settings_of(full(tmp_path)), ENVIRONMENT, writer)
    assert {name: type(each) for name, each in found.items()} == {
        "web-team": WebhookChannel,
        "on-call": EmailChannel,
        "monitoring": AlertmanagerChannel,
        "banner": TopicChannel,
    }
    assert [each.repeat_s for each in found.values()] == [None, None, 30, None]
    for each in found.values():
        each.send_again([], 0)
        each.close()
    writer.close()


@pytest.mark.parametrize(
    ("environment", "topic", "what"),
    [
        ({"MAIL_PASSWORD": "x"}, True, r"line 17: notification\.receiver\.web-team\.key: the variable WEB_TEAM_KEY"),
        ({"WEB_TEAM_KEY": "k" * 32}, True, "the variable MAIL_PASSWORD"),
        (ENVIRONMENT | {"WEB_TEAM_KEY": "short"}, True, "shorter than 24 bytes"),
        (ENVIRONMENT, False, r"notification\.receiver\.banner: there is no topic"),
    ],
)
def test_what_is_missing_is_said_at_the_start(tmp_path: Path, environment: Any, topic: bool, what: str) -> None:
    """A secret that is not there, or a topic that nobody writes, ends the start with its line."""
    writer = LocalLogWriter(tmp_path / "alerts.sqlite", ALERTS)
    with pytest.raises(ConfigurationError, match=what):
        open_channels(settings_of(full(tmp_path)), environment, writer if topic else None)
    writer.close()


def test_all_secrets_that_are_missing_are_told_with_their_line(tmp_path: Path) -> None:
    """Each with the setting that names it, and nothing of what the others hold; none, where all can be used."""
    settings = settings_of(full(tmp_path))
    assert secret_problems(settings, ENVIRONMENT) == []
    (tmp_path / "next").unlink()
    told = secret_problems(settings, {"WEB_TEAM_KEY": "a short key"})
    assert [(line, what.partition(":")[0]) for line, what in told] == [
        (17, "notification.receiver.web-team.key"),
        (18, "notification.receiver.web-team.next_key"),
        (26, "notification.receiver.on-call.password"),
    ]
    assert ["shorter than 24 bytes" in what for _, what in told] == [True, False, False]
    assert ["missing or empty" in what for _, what in told] == [False, True, True]
    assert "a short key" not in str(told)
    token = (
        '[notification]\notherwise = "x"\n[notification.receiver.x]\nkind = "alertmanager"\nurl = "https://a.example"\n'
    )
    told = secret_problems(settings_of(token + 'token = { environment = "TOKEN" }\n'), {})
    assert [line for line, _ in told] == [6]


def test_certificates_that_cannot_be_used_are_said_at_the_start(tmp_path: Path) -> None:
    """With the line; and with the receiver's name, where they went away after the settings were read."""
    path = tmp_path / "ca.pem"
    path.write_text("nothing", encoding="utf-8")
    text = full(tmp_path).replace('kind = "webhook"', f'kind = "webhook"\nca_file = "{path}"')
    with pytest.raises(
        ConfigurationError, match=r"line \d+: notification\.receiver\.web-team\.ca_file: expected a file"
    ):
        settings_of(text)
    path.write_bytes(make_certificates(tmp_path, "a.example").authority.read_bytes())
    settings = settings_of(text)
    path.unlink()
    with pytest.raises(ConfigurationError, match=r"notification\.receiver\.web-team: ca_file cannot be used"):
        open_channels(settings, ENVIRONMENT, None)
