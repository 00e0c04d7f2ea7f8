"""The alert settings of this site."""

from pathlib import Path

from services.alerts.notification.playbooks import Playbooks
from services.alerts.notification.settings import NotificationSettings
from services.alerts.notification.settings_reader import read
from services.alerts.settings import AlertSettings, default_alerts, parse_alerts
from shared.errors import ConfigurationError


def site_alerts(path: Path | None, named: str = "PARCOURS_ALERTS") -> AlertSettings:
    """The settings of an alert file, or the defaults; its table `notification` is checked, too.

    Raises `ConfigurationError`, naming the file with the line, and what named the file.
    """
    if path is None:
        return default_alerts()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"{named}={path}: the alert file cannot be read: {reason}") from error
    settings = parse_alerts(text, str(path))
    _notification(settings, path)
    return settings


def site_notification(alerts: AlertSettings, path: Path | None) -> NotificationSettings:
    """Who is told of alerts, and how; the site's playbooks are looked at, too. Raises `ConfigurationError`."""
    notification = _notification(alerts, path)
    Playbooks(notification.playbooks).check()
    return notification


def _notification(alerts: AlertSettings, path: Path | None) -> NotificationSettings:
    name = "the defaults" if path is None else str(path)
    return read(alerts.notification, alerts.line_of, name, alerts.time_zone)
