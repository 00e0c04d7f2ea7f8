"""What citizens could be told of an alert, on the telephone or in a banner: a proposal, in French and English.

A person or a rule of the site decides whether it is said, and may say it otherwise. The texts are neutral: they name what is
difficult, never who; they promise nothing that the platform cannot know, and send nobody to a channel that may be full too.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from services.alerts.notification.titles import cause_of
from services.alerts.settings import ServiceLevel
from shared.alerts.alert import Alert
from shared.alerts.finding import SEVERITIES, Series
from shared.detection.declarations.declaration import Words
from shared.detection.wording import quoted

MAX_CHARS: Final = 320
"""What a person can hear at the beginning of a call without losing the thread, service name included."""
NOT_FOR_CITIZENS: Final = frozenset({"lag", "rejects", "ping_pong", "rework"})
"""Causes that citizens do not meet: nothing is announced unless a person decides so."""


class CitizenText(Struct, frozen=True, kw_only=True):
    """The text, and whether it should be announced now: not once the alert is over or kept quiet."""

    fr: str
    en: str
    announce: bool


_DIFFICULTIES: Final = Words(
    fr="Certaines personnes rencontrent en ce moment des difficultés{service}. Nous en cherchons la cause. Si votre demande "
    "peut attendre, vous pouvez réessayer plus tard. Merci de votre patience.",
    en="Some people are having difficulties at the moment{service}. We are looking for the cause. If your request can wait, "
    "you can try again later. Thank you for your patience.",
)
_FORM: Final = Words(
    fr="Certaines personnes rencontrent en ce moment des difficultés avec le formulaire en ligne{service}. Nous en cherchons "
    "la cause. Si vous n'avez pas pu terminer, vous pouvez réessayer plus tard. Merci de votre patience.",
    en="Some people are having difficulties with the online form at the moment{service}. We are looking for the cause. If you "
    "could not finish, you can try again later. Thank you for your patience.",
)
_WAIT_BY_PHONE: Final = Words(
    fr="L'attente au téléphone est en ce moment plus longue que d'habitude{service}. Si votre demande peut attendre, vous "
    "pouvez rappeler plus tard. Merci de votre patience.",
    en="Waiting times on the phone are longer than usual at the moment{service}. If your request can wait, you can call again "
    "later. Thank you for your patience.",
)
_WAIT_AT_COUNTER: Final = Words(
    fr="L'attente au guichet est en ce moment plus longue que d'habitude{service}. Si votre demande peut attendre, vous pouvez "
    "venir à un autre moment. Merci de votre patience.",
    en="Waiting times at the counter are longer than usual at the moment{service}. If your request can wait, you can come at "
    "another time. Thank you for your patience.",
)
_WAIT: Final = Words(
    fr="L'attente est en ce moment plus longue que d'habitude{service}. Si votre demande peut attendre, vous pouvez essayer à "
    "un autre moment. Merci de votre patience.",
    en="Waiting times are longer than usual at the moment{service}. If your request can wait, you can try at another time. "
    "Thank you for your patience.",
)
_BUSY_LINES: Final = Words(
    fr="Nous recevons en ce moment plus d'appels que nous ne pouvons en prendre{service}, et certains n'aboutissent pas. Si "
    "votre demande peut attendre, vous pouvez rappeler plus tard. Merci de votre patience.",
    en="We are receiving more calls than we can take at the moment{service}, and some do not get through. If your request can "
    "wait, you can call again later. Thank you for your patience.",
)
_SLOW_ANSWERS: Final = Words(
    fr="Nos réponses prennent en ce moment plus de temps que prévu{service}. Nous le regrettons. Merci de votre patience.",
    en="Our answers are taking longer than planned at the moment{service}. We are sorry about this. Thank you for your "
    "patience.",
)
_SLOW_CASES: Final = Words(
    fr="Le traitement des dossiers prend en ce moment plus de temps que prévu{service}. Nous le regrettons. Merci de votre "
    "patience.",
    en="Handling cases is taking longer than planned at the moment{service}. We are sorry about this. Thank you for your "
    "patience.",
)
_ONLINE_DOWN: Final = Words(
    fr="Le service en ligne est peut-être indisponible en ce moment{service}. Nous vérifions. Vous pouvez réessayer plus tard. "
    "Merci de votre patience.",
    en="The online service may be unavailable at the moment{service}. We are checking. You can try again later. Thank you for "
    "your patience.",
)
_PHONE_DOWN: Final = Words(
    fr="Notre accueil téléphonique est peut-être perturbé en ce moment{service}. Nous vérifions. Vous pouvez rappeler plus "
    "tard. Merci de votre patience.",
    en="Our telephone line may be disrupted at the moment{service}. We are checking. You can call again later. Thank you for "
    "your patience.",
)
_COUNTER_DOWN: Final = Words(
    fr="L'accueil au guichet est peut-être perturbé en ce moment{service}. Nous vérifions. Si votre demande peut attendre, "
    "vous pouvez venir à un autre moment. Merci de votre patience.",
    en="Service at the counter may be disrupted at the moment{service}. We are checking. If your request can wait, you can "
    "come at another time. Thank you for your patience.",
)
_PERHAPS_DOWN: Final = Words(
    fr="L'accueil est peut-être perturbé en ce moment{service}. Nous vérifions. Vous pouvez réessayer plus tard. Merci de "
    "votre patience.",
    en="The service may be disrupted at the moment{service}. We are checking. You can try again later. Thank you for your "
    "patience.",
)
_NOTHING_CHANGES: Final = Words(
    fr="Nous vérifions en ce moment nos outils de suivi{service}. Vous n'avez rien à faire.",
    en="We are checking our monitoring tools at the moment{service}. There is nothing you need to do.",
)

TEXTS: Final[Mapping[tuple[str, str], Words]] = {
    ("repeat_contact", ""): Words(
        fr="Nous recevons en ce moment beaucoup de questions{service}. Nos équipes y répondent dès que possible. Merci de "
        "votre patience.",
        en="We are receiving many questions at the moment{service}. Our teams are answering as soon as they can. Thank you "
        "for your patience.",
    ),
    ("unanswered_retry", ""): _WAIT,
    ("unanswered_retry", "phone"): _BUSY_LINES,
    ("unanswered_retry", "counter"): _WAIT_AT_COUNTER,
    ("channel_switch", ""): Words(
        fr="Certaines personnes doivent en ce moment s'y prendre à plusieurs fois{service}. Nous en cherchons la cause. Merci "
        "de votre patience.",
        en="Some people need several attempts at the moment{service}. We are looking for the cause. Thank you for your "
        "patience.",
    ),
    ("form_abandoned", ""): _FORM,
    ("error_loop", ""): _FORM,
    ("repeated_click", ""): Words(
        fr="Certaines pages du service en ligne répondent mal en ce moment{service}. Nous en cherchons la cause. Vous pouvez "
        "réessayer plus tard. Merci de votre patience.",
        en="Some pages of the online service are not responding well at the moment{service}. We are looking for the cause. You "
        "can try again later. Thank you for your patience.",
    ),
    ("long_wait", ""): _WAIT,
    ("long_wait", "phone"): _WAIT_BY_PHONE,
    ("long_wait", "counter"): _WAIT_AT_COUNTER,
    ("queue_abandoned", ""): _WAIT,
    ("queue_abandoned", "phone"): _WAIT_BY_PHONE,
    ("queue_abandoned", "counter"): _WAIT_AT_COUNTER,
    ("turned_away", ""): _BUSY_LINES,
    ("unanswered_message", ""): Words(
        fr="Nos réponses aux messages prennent en ce moment plus de temps que d'habitude{service}. Nous le regrettons. Merci "
        "de votre patience.",
        en="Our replies to messages are taking longer than usual at the moment{service}. We are sorry about this. Thank you "
        "for your patience.",
    ),
    ("transfer_loop", ""): Words(
        fr="Vous pouvez en ce moment être dirigé vers plusieurs personnes avant d'obtenir une réponse{service}. Si vous avez "
        "un numéro de dossier, gardez-le près de vous. Merci de votre patience.",
        en="You may be passed to several people before you get an answer at the moment{service}. If you have a case number, "
        "please keep it at hand. Thank you for your patience.",
    ),
    ("ping_pong", ""): _SLOW_CASES,
    ("repeated_request", ""): Words(
        fr="Il se peut que nous vous redemandions un document que vous avez déjà envoyé{service}. Si c'est le cas, dites-le "
        "nous. Nous le regrettons et en cherchons la cause.",
        en="We may ask you again for a document that you have already sent{service}. If so, please tell us. We are sorry and "
        "are looking for the cause.",
    ),
    ("rework", ""): _SLOW_CASES,
    ("case_reopened", ""): Words(
        fr="Certains dossiers sont examinés une nouvelle fois{service}. Cela peut prendre plus de temps que d'habitude. Merci "
        "de votre patience.",
        en="Some cases are being looked at again{service}. This may take longer than usual. Thank you for your patience.",
    ),
    ("deadline_missed", ""): Words(
        fr="Le traitement des dossiers prend en ce moment plus de temps que le délai annoncé{service}. Nous le regrettons. "
        "Merci de votre patience.",
        en="Handling cases is taking longer than the time announced at the moment{service}. We are sorry about this. Thank "
        "you for your patience.",
    ),
    ("status_chasing", ""): Words(
        fr="Vous vous demandez où en est votre dossier{service} ? Nous recevons en ce moment beaucoup de questions à ce sujet "
        "et y répondons dès que possible. Merci de votre patience.",
        en="Are you wondering how your case is going{service}? We are receiving many questions about this at the moment and "
        "answer as soon as we can. Thank you for your patience.",
    ),
    ("low_rating", ""): Words(
        fr="Vos avis nous signalent en ce moment des difficultés{service}. Nous les lisons et en cherchons la cause. Merci de "
        "nous les donner.",
        en="Your feedback tells us of difficulties at the moment{service}. We read it and are looking for the cause. Thank "
        "you for giving it.",
    ),
    ("rise", ""): _DIFFICULTIES,
    ("rise", "web"): _FORM,
    ("threshold", ""): _DIFFICULTIES,
    ("service_level", ""): _SLOW_ANSWERS,
    ("service_level", "phone"): _BUSY_LINES,
    ("silence", ""): _PERHAPS_DOWN,
    ("silence", "web"): _ONLINE_DOWN,
    ("silence", "phone"): _PHONE_DOWN,
    ("silence", "counter"): _COUNTER_DOWN,
    ("rejects", ""): _NOTHING_CHANGES,
    ("lag", ""): _NOTHING_CHANGES,
}
"""By cause (a rule, or a condition) and channel; '' is any channel that has none of its own."""

OF_LEVELS: Final[Mapping[tuple[str, str], Words]] = {
    ("answered_in_time", ""): Words(
        fr="L'attente est en ce moment plus longue que le temps annoncé{service}. Nous le regrettons. Si votre demande peut "
        "attendre, vous pouvez essayer à un autre moment. Merci de votre patience.",
        en="Waiting times are longer than announced at the moment{service}. We are sorry about this. If your request can wait, "
        "you can try at another time. Thank you for your patience.",
    ),
    ("answered_in_time", "phone"): Words(
        fr="L'attente au téléphone est en ce moment plus longue que le temps annoncé{service}. Nous le regrettons. Si votre "
        "demande peut attendre, vous pouvez rappeler plus tard. Merci de votre patience.",
        en="Waiting times on the phone are longer than announced at the moment{service}. We are sorry about this. If your "
        "request can wait, you can call again later. Thank you for your patience.",
    ),
    ("answered_in_time", "counter"): Words(
        fr="L'attente au guichet est en ce moment plus longue que le temps annoncé{service}. Nous le regrettons. Si votre "
        "demande peut attendre, vous pouvez venir à un autre moment. Merci de votre patience.",
        en="Waiting times at the counter are longer than announced at the moment{service}. We are sorry about this. If your "
        "request can wait, you can come at another time. Thank you for your patience.",
    ),
    ("due_kept", ""): Words(
        fr="Certaines dates annoncées ne sont pas tenues en ce moment{service}. Nous le regrettons. Merci de votre patience.",
        en="Some dates that were announced are not being kept at the moment{service}. We are sorry about this. Thank you for "
        "your patience.",
    ),
}
"""By kind of a service level and channel; a kind that has none says what its condition says."""
OVER: Final = Words(
    fr="Les difficultés signalées{service} sont terminées. Merci de votre patience.",
    en="The difficulties reported{service} are over. Thank you for your patience.",
)


def citizen_text(
    alert: Alert, series: Series, service_name: Words | None, level: ServiceLevel | None = None
) -> CitizenText:
    """The proposal for an alert whose first series this is. level: the service level that the series is of."""
    cause = cause_of(series)
    over = alert.state == "resolved"
    words = OVER if over else _of_level(level, series.channel) or TEXTS.get((cause, series.channel)) or TEXTS[cause, ""]
    quiet = over or bool(alert.suppressed_by) or cause in NOT_FOR_CITIZENS
    return CitizenText(
        fr=_filled(words, "fr", service_name),
        en=_filled(words, "en", service_name),
        announce=not quiet and SEVERITIES.index(alert.severity) >= SEVERITIES.index("warning"),
    )


def _of_level(level: ServiceLevel | None, channel: str) -> Words | None:
    if level is None:
        return None
    return OF_LEVELS.get((level.kind, channel)) or OF_LEVELS.get((level.kind, ""))


def _filled(words: Words, lang: str, service_name: Words | None) -> str:
    text = words.in_language(lang)
    if service_name is None:
        return text.replace("{service}", "")
    name = quoted(service_name.in_language(lang), lang)
    return text.replace("{service}", f" pour {name}" if lang == "fr" else f" for {name}")
