"""Rules about contacts: coming back, trying again, changing channel, asking where a case stands, giving an opinion."""

from typing import Final

from shared.detection.declarations.declaration import RECEPTION_OWNER, SERVICE_OWNER, Declaration, Words
from shared.journey.vocabulary import CONTACT_TYPES

_WINDOW: Final = Words(
    fr="Durée au plus entre les deux contacts.",
    en="The longest time between the two contacts.",
)

CONTACT_RULES: Final = (
    Declaration(
        name="repeat_contact",
        title=Words(fr="Recontact pour la même démarche", en="Repeat contact for the same procedure"),
        purpose=Words(
            fr="Voir où les personnes doivent reprendre contact pour la même démarche. C'est souvent le signe que le "
            "premier contact n'a pas suffi : il manquait une information, une réponse ou une suite.",
            en="To see where people have to get in touch again for the same procedure. It is often a sign that the first "
            "contact was not enough: some information, an answer or a follow-up was missing.",
        ),
        data=Words(
            fr="Les contacts d'une même personne, sous pseudonyme, pour une même démarche : date et heure, canal, objet "
            "s'il est connu, s'ils ont abouti et si l'administration les avait demandés.",
            en="The contacts of one person, under a pseudonym, for one procedure: date and time, channel, matter if it is "
            "known, whether they were served and whether the administration had asked for them.",
        ),
        parameters={
            "min_gap_s": Words(
                fr="Jusqu'à cette durée, les deux contacts sont tenus pour un seul (appel coupé, par exemple).",
                en="Up to this time the two contacts are taken as one (a call that was cut off, for example).",
            ),
            "window_s": _WINDOW,
        },
        limits=Words(
            fr="La règle ne sait pas pourquoi la personne revient : il peut s'agir d'une nouvelle question. Quand l'objet "
            "n'est pas indiqué, deux sujets d'une même démarche sont confondus. Un contact demandé par l'administration "
            "mais non signalé comme tel est compté à tort. Un contact pris avec un autre numéro ou un autre compte n'est "
            "pas vu.",
            en="The rule does not know why the person comes back: it may be a new question. Where the matter is not given, "
            "two subjects of one procedure are taken as one. A contact that the administration asked for but did not "
            "mark as such is counted wrongly. A contact with another number or another account is not seen.",
        ),
        owner=SERVICE_OWNER,
        needed_types=CONTACT_TYPES,
    ),
    Declaration(
        name="unanswered_retry",
        title=Words(fr="Nouvel essai sans réponse", en="Another try after no answer"),
        purpose=Words(
            fr="Voir combien de fois les personnes doivent recommencer parce que leur essai précédent n'a pas abouti : "
            "appel refusé ou abandonné dans la file, ticket appelé sans que la personne soit encore là.",
            en="To see how often people have to try again because their last attempt came to nothing: a call that was "
            "refused or given up in the queue, a ticket called when the person was no longer there.",
        ),
        data=Words(
            fr="Les contacts d'une même personne, sous pseudonyme, pour une même démarche : date et heure, canal, et "
            "s'ils ont abouti.",
            en="The contacts of one person, under a pseudonym, for one procedure: date and time, channel, and whether "
            "they were served.",
        ),
        parameters={"window_s": _WINDOW},
        limits=Words(
            fr="Un contact n'est tenu pour non abouti que si le système d'accueil le signale. La règle ne sait pas si la "
            "personne a renoncé pour une raison qui lui est propre. Un essai avec un autre numéro n'est pas vu.",
            en="A contact is taken as not served only if the reception system says so. The rule does not know whether the "
            "person gave up for a reason of their own. An attempt with another number is not seen.",
        ),
        owner=RECEPTION_OWNER,
        needed_types=frozenset({"call.abandoned", "call.rejected", "ticket.noshow"}),
    ),
    Declaration(
        name="channel_switch",
        title=Words(fr="Changement de canal", en="Change of channel"),
        purpose=Words(
            fr="Voir où les personnes passent d'un canal à un autre sans y avoir été invitées, par exemple du formulaire "
            "en ligne au téléphone : le premier canal n'a peut-être pas permis d'aller au bout.",
            en="To see where people move from one channel to another without having been asked to, for example from the "
            "online form to the phone: the first channel may not have let them finish.",
        ),
        data=Words(
            fr="Les contacts, les actions sur les formulaires et les réclamations d'une même personne, sous pseudonyme, "
            "pour une même démarche : date et heure, canal, et si l'administration les avait demandés.",
            en="The contacts, form actions and complaints of one person, under a pseudonym, for one procedure: date and "
            "time, channel, and whether the administration had asked for them.",
        ),
        parameters={
            "window_s": Words(
                fr="Durée au plus entre l'action sur le premier canal et le contact sur le second.",
                en="The longest time between the action on the first channel and the contact on the second.",
            )
        },
        limits=Words(
            fr="Changer de canal peut être un choix et n'a rien d'anormal en soi. La règle ne voit que les canaux reliés "
            "à la même personne : une visite du site sans identification n'est pas rapprochée d'un appel.",
            en="To change channel may be a choice and is nothing wrong in itself. The rule only sees channels linked to the "
            "same person: a visit of the website without signing in is not matched with a call.",
        ),
        owner=SERVICE_OWNER,
        needed_types=CONTACT_TYPES,
        needed_fields=frozenset({"channel"}),
    ),
    Declaration(
        name="status_chasing",
        title=Words(fr="« Où en est mon dossier ? »", en="“Where does my case stand?”"),
        purpose=Words(
            fr="Compter les contacts pris seulement pour savoir où en est un dossier. Une information donnée à temps "
            "éviterait souvent ce déplacement ou cet appel.",
            en="To count the contacts made only to know where a case stands. Information given in time would often spare "
            "that visit or that call.",
        ),
        data=Words(
            fr="Le motif du contact tel que l'accueil l'a noté (« état du dossier »), la date et l'heure, le canal.",
            en="The reason of the contact as reception noted it (“status”), the date and time, the channel.",
        ),
        parameters={},
        limits=Words(
            fr="La règle dépend de ce que l'accueil note : sans motif, rien n'est vu. Quand un contact a plusieurs motifs, "
            "seul celui qui est noté compte.",
            en="The rule depends on what reception notes: without a reason nothing is seen. When a contact has several "
            "reasons, only the one that is noted counts.",
        ),
        owner=SERVICE_OWNER,
        needed_types=frozenset(),
        needed_fields=frozenset({"reason"}),
    ),
    Declaration(
        name="low_rating",
        title=Words(fr="Avis défavorable", en="Unfavourable opinion"),
        purpose=Words(
            fr="Voir où les personnes se disent mécontentes, pour comprendre ce qui est à l'origine de leur avis.",
            en="To see where people say that they are not satisfied, so as to understand what led to their opinion.",
        ),
        data=Words(
            fr="La note de 1 à 5 que la personne a donnée, la date, la démarche et le canal. Le commentaire n'est pas "
            "utilisé par la règle.",
            en="The rating from 1 to 5 that the person gave, the date, the procedure and the channel. The comment is not "
            "used by the rule.",
        ),
        parameters={
            "limit": Words(
                fr="La note est défavorable si elle est égale ou inférieure à cette valeur.",
                en="A rating at or below this value is unfavourable.",
            )
        },
        limits=Words(
            fr="Seules les personnes qui répondent sont entendues ; elles ne représentent pas tout le monde. La note peut "
            "porter sur la décision reçue plutôt que sur le service. Elle ne juge aucun agent.",
            en="Only people who answer are heard; they do not stand for everyone. The rating may be about the decision "
            "received rather than the service. It judges no member of staff.",
        ),
        owner=SERVICE_OWNER,
        needed_types=frozenset({"feedback.given"}),
        needed_fields=frozenset({"rating"}),
    ),
)
