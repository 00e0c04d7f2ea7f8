"""The sentence of each condition, in French and English, and what it withholds."""

import re
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from services.alerts.explanation import Reader, explain, where
from services.alerts.settings import ServiceLevel, parse_alerts
from shared.alerts.finding import CONDITIONS, Finding, Series
from shared.detection.settings import RULES
from shared.journey.instants import DAY_US, HOUR_US, from_text

NOW = from_text("2026-03-11T10:15:00.000000Z")
FR = Reader("fr", ZoneInfo("Europe/Paris"), 10, {"housing": "Allocation logement"})
EN = Reader("en", ZoneInfo("Europe/Paris"), 10, {"housing": "Housing benefit"})


def finding(series: Series, **values: float) -> Finding:
    """A finding of a quarter hour."""
    quarter = NOW - 900_000_000
    given = {"observed": 42.0, "expected": 6.0, "citizens": 40, "from_us": quarter, "since_us": quarter} | values
    return Finding(series=series, window="fast", to_us=NOW, **given)  # type: ignore[arg-type]


RISE = Series("rise", "error_loop", "housing", "web", "fr/idf")
CASES = [
    (
        finding(RISE),
        "« Erreurs répétées à une étape », Allocation logement, en ligne, territoire fr/idf : ",
        (
            "42 difficultés relevées en 15 minutes, 40 personnes touchées, contre environ 6 d’habitude au même moment de la "
            "semaine, soit 7 fois plus."
        ),
        "“Repeated errors at one step”, Housing benefit, online, territory fr/idf: ",
        (
            "42 difficulties noted within 15 minutes, 40 people affected, where about 6 are usual at this time of the week: "
            "7 times as many."
        ),
    ),
    (
        finding(RISE, observed=9, citizens=7, expected=0.2),
        "« Erreurs répétées à une étape », Allocation logement, en ligne, territoire fr/idf : ",
        "moins de 10 personnes touchées en 15 minutes, contre presque aucune d’habitude au même moment de la semaine.",
        "“Repeated errors at one step”, Housing benefit, online, territory fr/idf: ",
        "fewer than 10 people affected within 15 minutes, where hardly any are usual at this time of the week.",
    ),
    (
        finding(RISE, observed=60, from_us=NOW - DAY_US, expected=24.0),
        "« Erreurs répétées à une étape », Allocation logement, en ligne, territoire fr/idf : ",
        (
            "60 difficultés relevées en 24 heures, 40 personnes touchées, contre environ 24 d’habitude au même moment de la "
            "semaine, soit 2,5 fois plus."
        ),
        "“Repeated errors at one step”, Housing benefit, online, territory fr/idf: ",
        (
            "60 difficulties noted within 24 hours, 40 people affected, where about 24 are usual at this time of the week: "
            "2.5 times as many."
        ),
    ),
    (
        finding(Series("threshold", "", "housing", name="crue"), citizens=1250, expected=1000),
        "Difficultés de toute sorte, Allocation logement : ",
        "1 250 personnes touchées en 15 minutes ; le seuil « crue » est fixé à 1 000.",
        "Difficulties of any kind, Housing benefit: ",
        "1,250 people affected within 15 minutes; the threshold “crue” is set at 1,000.",
    ),
    (
        finding(Series("service_level", "", "", "phone", name="appels"), observed=0.62, expected=0.8, citizens=38),
        "Niveau de service « appels », toutes les démarches, par téléphone : ",
        "sur 100 contacts ou échéances en 15 minutes, 62, soit 62 %, comme annoncé, au lieu des 80 % annoncés.",
        "Service level “appels”, all services, by phone: ",
        "62 (62%) of 100 contacts or dates within 15 minutes were as announced, instead of the 80% announced.",
    ),
    (
        finding(Series("silence", "", "housing", "phone"), observed=0, expected=21.4),
        "Silence, Allocation logement, par téléphone : ",
        "plus aucun événement reçu depuis 11:00, contre environ 21 d’habitude sur une telle durée.",
        "Silence, Housing benefit, by phone: ",
        "no event received since 11:00, where about 21 are usual over such a time.",
    ),
    (
        finding(Series("rejects", name="/web/site"), observed=1200, expected=14.0),
        "Source « /web/site » : ",
        "1 200 événements refusés en 15 minutes, contre environ 14 d’habitude à cette heure de la journée.",
        "Source “/web/site”: ",
        "1,200 events refused within 15 minutes, where about 14 are usual at this time of day.",
    ),
    (
        finding(Series("rejects", name="/web/site"), observed=25, expected=0.0),
        "Source « /web/site » : ",
        "25 événements refusés en 15 minutes, contre presque aucun d’habitude à cette heure de la journée.",
        "Source “/web/site”: ",
        "25 events refused within 15 minutes, where hardly any are usual at this time of day.",
    ),
    (
        finding(Series("lag", name="journey-events.ingest"), observed=185, expected=120),
        "Flux « journey-events.ingest » : ",
        "3 minutes et 5 secondes de retard (toléré : 2 minutes) ; ce qui se passe maintenant n’est pas encore visible.",
        "Stream “journey-events.ingest”: ",
        "3 minutes and 5 seconds behind (accepted: 2 minutes); what happens now cannot be seen yet.",
    ),
]


def plain(text: str) -> str:
    """The text with ordinary spaces."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(("case", "sujet", "french", "subject", "english"), CASES)
def test_each_condition_is_explained_in_one_sentence(
    case: Finding, sujet: str, french: str, subject: str, english: str
) -> None:
    """How much, compared with what; alone it begins with what and where, below a title and a place with a capital letter."""
    assert plain(explain(case, FR)) == sujet + french
    assert plain(explain(case, EN)) == subject + english
    assert plain(explain(case, FR, alone=False)) == french[0].upper() + french[1:]
    assert plain(explain(case, EN, alone=False)) == english[0].upper() + english[1:]


def level(kind: str, channel: str = "phone") -> ServiceLevel:
    """A service level of an hour; of five minutes where a time is announced."""
    within = "within_s = 300" if kind == "answered_in_time" else ""
    place = f'channel = "{channel}"' if channel else ""
    text = f'[[service_level]]\nname = "n"\nkind = "{kind}"\nat_least = 0.8\n{place}\n{within}'
    return parse_alerts(text, "alerts.toml").service_levels[0]


@pytest.mark.parametrize(
    ("given", "kept", "total", "french", "english"),
    [
        (
            level("answered_in_time"),
            0,
            30,
            "Sur 30 appels en 1 heure, 0 pris en charge en 5 minutes au plus, au lieu des 80 % annoncés.",
            "0 of 30 calls within 1 hour were answered within 5 minutes, instead of the 80% announced.",
        ),
        (
            level("answered_in_time", "counter"),
            811,
            1243,
            "Sur 1 243 contacts en 1 heure, 811, soit 65 %, pris en charge en 5 minutes au plus, au lieu des 80 % annoncés.",
            "811 (65%) of 1,243 contacts within 1 hour were answered within 5 minutes, instead of the 80% announced.",
        ),
        (
            level("answered_by_person", ""),
            3,
            33,
            "Sur 33 appels en 1 heure, moins de 10 pris par une personne, au lieu des 80 % annoncés.",
            "Fewer than 10 of 33 calls within 1 hour were answered by a person, instead of the 80% announced.",
        ),
        (
            level("due_kept", ""),
            11,
            20,
            "Sur les échéances en 1 heure, 55 % à temps, au lieu des 80 % annoncés ; moins de 10 en défaut.",
            "55% of announced dates within 1 hour were kept, instead of the 80% announced; fewer than 10 missed.",
        ),
    ],
)
def test_a_service_level_says_what_it_counts(
    given: ServiceLevel, kept: int, total: int, french: str, english: str
) -> None:
    """So many of so many, and the time announced; never both numbers where few were missed."""
    series = Series("service_level", channel=given.channel, name="n")
    found = finding(series, observed=kept / total, citizens=total - kept, expected=0.8, from_us=NOW - HOUR_US)
    assert plain(explain(found, replace(FR, levels={"n": given}), alone=False)) == french
    assert plain(explain(found, replace(EN, levels={"n": given}), alone=False)) == english


def test_every_condition_and_rule_can_be_explained() -> None:
    """None is missing, in neither language; French differs from English."""
    for condition in CONDITIONS:
        for rule in RULES:
            told = [explain(finding(Series(condition, rule, "s", "web", name="n")), reader) for reader in (FR, EN)]
            assert told[0] != told[1]
            assert all(each.endswith(".") and "{" not in each for each in told)


@pytest.mark.parametrize("observed", range(1, 10))
def test_no_small_count_can_be_read_from_a_sentence(observed: int) -> None:
    """Neither the count, nor the ratio from which it could be worked out."""
    for expected in (0.0, 0.4, 3.2, 5.0):
        told = explain(finding(RISE, observed=observed, citizens=observed, expected=expected), EN)
        assert "fewer than 10 people" in told
        assert not re.search(rf"\b{observed}\b", told.partition(", where")[0])
        assert "times as many" not in told


def test_few_people_with_many_difficulties_are_not_told_either() -> None:
    """What so few met often is withheld in the sentence, as it is in what is measured."""
    told = explain(finding(RISE, observed=24, citizens=7, expected=4.0), EN)
    assert "fewer than 10 people" in told
    assert "24" not in told


def test_the_bound_of_small_counts_is_the_sites() -> None:
    """With a bound of 0 everything is told."""
    told = explain(finding(RISE, observed=4, citizens=4, expected=1.0), Reader("en", ZoneInfo("UTC"), 0))
    assert "4 difficulties noted" in told
    assert "4 times as many" in told


def test_a_silence_of_days_tells_its_date() -> None:
    """A clock time alone would be today's."""
    told = explain(finding(Series("silence"), observed=0, expected=50, since_us=NOW - 2 * DAY_US - HOUR_US), FR)
    assert "depuis le 9 mars à 10:15" in plain(told)


def test_a_share_close_to_one_keeps_its_decimal() -> None:
    """99.5 % announced is not 100 %."""
    series = Series("service_level", name="x")
    assert "99,5 %" in plain(explain(finding(series, observed=0.9, expected=0.995), FR))


def test_a_place_without_a_name_is_told_by_its_code() -> None:
    """Service, channel and territory as they are; none of them is everywhere."""
    assert where(Series("rise", "", "passport", "fax", "fr"), EN) == "passport, by the channel “fax”, territory fr"
    assert where(Series("rise"), FR) == "toutes les démarches"
