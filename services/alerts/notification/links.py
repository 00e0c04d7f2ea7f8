"""Where people go from a message: the evidence, the alert, the playbook; paths below the address of Parcours' pages."""

from typing import Final
from urllib.parse import quote, urlencode

from services.alerts.notification.titles import cause_of
from shared.alerts.finding import Finding
from shared.journey.instants import to_text

ALERT_PATH: Final = "/alerts/"
PLAYBOOK_PATH: Final = "/alerts/playbooks/"

_ABOUT_DATA: Final = frozenset({"silence", "rejects", "lag"})


def evidence_path(finding: Finding) -> str:
    """The points that were counted; of what is about data, the page that shows their state."""
    series = finding.series
    if series.condition in _ABOUT_DATA:
        return "/data"
    given = {"rule": series.rule, "service": series.service, "channel": series.channel, "territory": series.territory}
    period = {"from": to_text(min(finding.since_us, finding.from_us)), "to": to_text(finding.to_us)}
    return "/points?" + urlencode({name: value for name, value in {**given, **period}.items() if value})


def alert_path(alert: str) -> str:
    """The page of the alert."""
    return ALERT_PATH + quote(alert, safe="")


def playbook_path(finding: Finding, lang: str) -> str:
    """The playbook of its cause, in a language."""
    return f"{PLAYBOOK_PATH}{cause_of(finding.series)}?lang={lang}"
