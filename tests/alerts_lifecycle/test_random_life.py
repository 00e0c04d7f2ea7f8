"""Random lives with fixed seeds: whatever rounds find and people do, an alert's life keeps its promises."""

import random
from collections import defaultdict

import pytest
from msgspec import structs

from services.alerts.actions import acknowledge, assign, comment, resolve
from services.alerts.grouping import gather
from services.alerts.policy import US_PER_S, Policy
from services.alerts.silences import Matcher, Silence
from services.alerts.steps import EDGES
from shared.alerts.alert import Alert
from shared.alerts.finding import Finding, Series
from tests.alerts_lifecycle.build import HOUR, MINUTE, Life, finding, series

POLICY = Policy(
    resolve_after_s=300, reopen_s=1_200, by_hand_s=1_800, repeat_s=1_500, join_s=240, acknowledge_s=600, delays_s={"form_abandoned": 1_800}
)  # fmt: skip
RULES = ("error_loop", "form_abandoned", "repeat_contact", "long_wait", "turned_away", "low_rating", "deadline_missed")
PLACES = ("", "fr", "fr/75", "fr/29", "fr/75/1")


def some_series(chance: random.Random) -> Series:
    """A series of two services; one in five is no rise."""
    where = {"service": chance.choice("ab"), "territory": chance.choice(PLACES)}
    channel = chance.choice(("web", "phone", "counter", ""))
    if chance.random() < 0.2:
        condition = chance.choice(("silence", "service_level", "rejects", "lag"))
        return series("", channel, **{**where, "condition": condition, "name": "n" if condition != "silence" else ""})
    return series(chance.choice(RULES), channel, **where)


class RandomLife:
    """A life that chance drives; `check` holds after every round."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.life = Life(POLICY)
        self.burning: dict[Series, int] = {}
        self.numbers: defaultdict[str, int] = defaultdict(int)
        self.states: dict[str, str | None] = {}
        self.seen = 0

    def go_on(self) -> None:
        """People do something, things begin and end, and a round passes, sometimes twice, sometimes with a clock that jumps."""
        if self.chance.random() < 0.3:
            self._act()
        for each in [each for each, left in self.burning.items() if left <= 0]:
            del self.burning[each]
        if self.chance.random() < 0.3:
            self.burning[some_series(self.chance)] = self.chance.randint(1, 40)
        self.burning = {each: left - 1 for each, left in self.burning.items()}
        before = dict(self.life.alerts)
        jump = self.chance.random()
        self.life.now_us += MINUTE if jump < 0.95 else HOUR if jump < 0.97 else -HOUR if jump < 0.99 else 0
        found = [self._found(each) for each in self.burning]
        corrected = [each for each in self._known() if each not in self.burning and self.chance.random() < 0.1]
        self.life.at(found, corrected)
        self.check(found, before)
        after = dict(self.life.alerts)
        assert self.life.at(found, corrected) == []
        assert [alert for name, alert in self.life.alerts.items() if alert != after[name]] == []

    def _found(self, of: Series) -> Finding:
        gravity = self.chance.choice(("warning", "warning", "critical"))
        return finding(of, self.life.now_us, float(self.chance.randint(5, 60)), severity=gravity)

    def _known(self) -> list[Series]:
        return [each.series for alert in self.life.open for each in alert.findings]

    def _act(self) -> None:
        now_us, chance = self.life.now_us, self.chance
        if chance.random() < 0.3:
            matcher = Matcher(service=chance.choice("ab"), channel=chance.choice(("", "web", "phone")))
            until_us = now_us + chance.randint(1, 60) * MINUTE
            name = f"s{len(self.life.silences)}"
            self.life.silences.append(Silence(id=name, matcher=matcher, from_us=now_us, until_us=until_us))
        elif self.life.open:
            alert = chance.choice(self.life.open)
            taken = chance.choice(
                (
                    lambda: acknowledge(alert, "team", now_us, POLICY, now_us + chance.randint(1, 30) * MINUTE),
                    lambda: assign(alert, "lead", "team", now_us),
                    lambda: comment(alert, "team", "seen", now_us),
                    lambda: resolve(alert, "team", now_us),
                )
            )()
            self.life.keep(taken)

    def check(self, found: list[Finding], before: dict[str, Alert]) -> None:
        """The promises."""
        life = self.life
        self._check_history()
        keys = [alert.key for alert in life.open]
        assert len(keys) == len(set(keys)), "two open alerts of one cause"
        holders = [each.series for alert in life.open for each in alert.findings]
        assert len(holders) == len(set(holders)), "one series in two open alerts"
        waits_us = POLICY.resolve_after_s * US_PER_S
        series_found = {each.series for each in found}
        for alert in life.open:
            held = {each.series for each in alert.findings}
            assert held, "an open alert without findings"
            assert held & series_found or alert.quiet_us < waits_us, "an open alert that has nothing to wait for"
            assert (alert.acknowledged_until_us is None) == (alert.state == "firing")
            assert alert.state == "firing" or (alert.acknowledged_until_us or 0) > life.now_us
        for alert in life.alerts.values():
            named, was = alert.findings[0].series, before.get(alert.id, alert).findings[0].series
            assert named in {was} | series_found, "a name that nothing of this round took over"
        self._check_nothing_forgotten(found, before)

    def _check_history(self) -> None:
        """Transitions are numbered without gaps, each from a state that allows it; the alert is what they made of it."""
        for taken in self.life.history[self.seen :]:
            step, alert = taken.transition, taken.transition.alert
            self.numbers[alert] += 1
            assert step.number == self.numbers[alert] == taken.alert.version
            allowed, leads_to = EDGES[step.step]
            state = self.states.get(alert)
            assert state in allowed if allowed else state is None
            self.states[alert] = leads_to or state
            assert taken.alert.state == self.states[alert]
            if taken.told and step.step not in ("resolved", "suppressed"):
                assert not taken.alert.suppressed_by, "somebody was told of what is kept quiet"
        self.seen = len(self.life.history)
        assert {name: alert.state for name, alert in self.life.alerts.items()} == self.states

    def _check_nothing_forgotten(self, found: list[Finding], before: dict[str, Alert]) -> None:
        """Each finding is in an open alert, in one resolved by hand, or is a sum of others that are."""
        gathered = gather(found, list(before.values()), self.life.now_us, POLICY)
        for each in found:
            if each.series in gathered.explained:
                continue
            homes = [
                alert
                for alert in self.life.alerts.values()
                if any(held.series == each.series for held in alert.findings)
                and (alert.state != "resolved" or alert.ending == "by_hand")
            ]
            assert homes, f"{each.series} is nowhere"


@pytest.mark.parametrize("seed", range(12))
def test_a_random_life_keeps_its_promises(seed: int) -> None:
    """Four hundred rounds, with people, silences, corrections, repeated rounds and clocks that jump."""
    lived = RandomLife(seed)
    for number in range(400):
        try:
            lived.go_on()
        except AssertionError as error:
            error.add_note(f"seed {seed}, round {number}")
            raise
    steps = {taken.transition.step for taken in lived.life.history}
    assert {"fired", "resolved"} <= steps


def test_every_step_is_lived() -> None:
    """The random lives above are not empty: together they take every step there is."""
    steps = set()
    for seed in range(3):
        lived = RandomLife(seed)
        for _ in range(300):
            lived.go_on()
        steps |= {taken.transition.step for taken in lived.life.history}
    assert steps == set(EDGES)


def test_a_tampered_life_is_noticed() -> None:
    """The checks can fail: an alert that is open twice, and one that is forgotten."""
    lived = RandomLife(1)
    while not lived.life.open:
        lived.go_on()
    alert = lived.life.open[0]
    lived.life.alerts["copy"] = structs.replace(alert, id="copy")
    lived.states["copy"] = alert.state
    with pytest.raises(AssertionError, match="two open alerts"):
        lived.check([], {})
