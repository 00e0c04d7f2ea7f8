"""The alert settings of this site."""

from pathlib import Path

from services.alerts.notification.playbooks import Playbooks
from services.alerts.notification.settings import NotificationSettings
from services.alerts.notification.settings_reader import read
from services.alerts.settings import AlertSettings, default_alerts, parse_alerts
from services.alerts.settings_lines import line_of
from shared.errors import ConfigurationError


def site_alerts(path: Path | None, named: str = "PARCOURS_ALERTS") -> AlertSettings:
    """The settings of an alert file, or the defaults. Raises `ConfigurationError`, naming the file, and what named it."""
    if path is None:
        return default_alerts()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"{named}={path}: the alert file cannot be read: {reason}") from error
    return parse_alerts(text, str(path))


def site_notification(alerts: AlertSettings, path: Path | None) -> NotificationSettings:
    """Who is told of alerts, and how; the site's playbooks are looked at, too. Raises `ConfigurationError`."""
    lines = dict(alerts.lines)
    name = "the defaults" if path is None else str(path)
    notification = read(alerts.notification, lambda at: line_of(tuple(str(part) for part in at), lines), name)
    Playbooks(notification.playbooks).check()
    return notification
