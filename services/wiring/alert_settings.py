"""The alert settings of this site."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from services.alerts.notification.channels import secret_problems
from services.alerts.notification.playbooks import Playbooks
from services.alerts.notification.settings import NotificationSettings
from services.alerts.notification.settings_reader import noted, read
from services.alerts.settings import AlertSettings, default_alerts, parse_alerts
from shared.errors import ConfigurationError


def site_alerts(
    path: Path | None, named: str = "PARCOURS_ALERTS", secrets: Mapping[str, str] | None = None
) -> AlertSettings:
    """The settings of an alert file, or the defaults; its table `notification` is checked, too.

    secrets: the variables of the environment, for a process that needs what the file says they hold: whether each secret is
    there and can be used is checked as well. Without them no secret is looked at.

    Raises `ConfigurationError`, naming the file with the line of each mistake, and what named the file.
    """
    if path is None:
        return default_alerts()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"{named}={path}: the alert file cannot be read: {reason}") from error
    return parse_alerts(text, str(path), partial(_notification_problems, secrets))


def site_notification(alerts: AlertSettings, path: Path | None) -> NotificationSettings:
    """Who is told of alerts, and how; the site's playbooks are looked at, too. Raises `ConfigurationError`."""
    name = "the defaults" if path is None else str(path)
    notification = read(alerts.notification, alerts.line_of, name, alerts.time_zone)
    Playbooks(notification.playbooks).check()
    return replace(notification, levels={each.name: each for each in alerts.service_levels})


def _notification_problems(
    secrets: Mapping[str, str] | None,
    table: Mapping[str, Any],
    line_of: Callable[[Sequence[str | int]], int],
    time_zone: str,
) -> list[tuple[int, str]]:
    settings, problems = noted(table, line_of, site_zone=time_zone)
    return problems.found + ([] if secrets is None else secret_problems(settings, secrets))
