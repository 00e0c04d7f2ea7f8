"""What makes a contact failure demand follows from the rules: names, windows, and a digest that tells when either changed."""

from shared.detection.failure_demand import ANCHORING, VISIBLE, judging, windows
from shared.detection.register import DECLARATIONS
from shared.detection.rule_file import parse_rules
from shared.detection.settings import RuleBook

DAY_US = 86_400_000_000


def book(text: str = "") -> RuleBook:
    """The rules of a file with this text."""
    return RuleBook(parse_rules(text, "rules.toml"), 1)


def test_what_citizens_see_includes_what_contacts_anchor() -> None:
    """Both lists name rules; every rule whose anchor is the contact itself is one that citizens see."""
    assert set(ANCHORING) <= set(VISIBLE) <= set(DECLARATIONS)


def test_services_may_have_a_window_of_their_own() -> None:
    """In microseconds; all others have that of the site."""
    found = windows(book("[failure_demand]\nwindow_s = 604800\n[service.housing.failure_demand]\nwindow_s = 259200\n"))
    assert found == {"services": ["housing"], "windows_us": [3 * DAY_US], "window_us": 7 * DAY_US}


def test_the_digest_tells_of_a_changed_window_and_of_nothing_else() -> None:
    """A service that names the window of all, or another setting, changes no verdict."""
    default = judging(book())
    assert len(default) == 32
    assert judging(book("[long_wait]\nenabled = false\n")) == default
    assert judging(book("[failure_demand]\nwindow_s = 259200\n")) != default
    own = judging(book("[service.housing.failure_demand]\nwindow_s = 259200\n"))
    assert own != default
    assert judging(book("[service.permits.failure_demand]\nwindow_s = 259200\n")) not in {own, default}
