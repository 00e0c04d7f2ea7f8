"""Rules about waiting: queues, refused calls, messages that nobody answers, transfers."""

from typing import Final

from shared.detection.declarations.declaration import PHONE_OWNER, RECEPTION_OWNER, SERVICE_OWNER, Declaration, Words

WAITING_RULES: Final = (
    Declaration(
        name="long_wait",
        title=Words(fr="Attente trop longue", en="Wait too long"),
        purpose=Words(
            fr="Voir où et quand l'attente au téléphone ou au guichet dépasse la limite que l'administration s'est fixée.",
            en="To see where and when the wait on the phone or at the counter goes over the limit that the administration "
            "has set itself.",
        ),
        data=Words(
            fr="La durée d'attente mesurée par le standard ou le distributeur de tickets, le canal, la date et l'heure.",
            en="The waiting time measured by the telephone system or the ticket machine, the channel, the date and time.",
        ),
        parameters={
            "limit_s": Words(
                fr="Attente admise, par canal. Un canal sans limite n'est pas observé.",
                en="The wait allowed, per channel. A channel without a limit is not watched.",
            )
        },
        limits=Words(
            fr="Seule l'attente mesurée est connue : ni le temps passé devant la porte avant de prendre un ticket, ni les "
            "annonces avant la mise en file si le standard ne les compte pas.",
            en="Only the wait that is measured is known: neither the time spent at the door before taking a ticket, nor "
            "the announcements before the queue if the telephone system does not count them.",
        ),
        owner=RECEPTION_OWNER,
        needed_types=frozenset({"call.answered", "ticket.called"}),
        needed_fields=frozenset({"wait_s"}),
    ),
    Declaration(
        name="queue_abandoned",
        title=Words(fr="Attente abandonnée", en="Wait given up"),
        purpose=Words(
            fr="Voir où des personnes quittent la file d'attente avant d'être prises en charge : leur demande reste "
            "entière.",
            en="To see where people leave the queue before being served: what they came for is still to be done.",
        ),
        data=Words(
            fr="Les appels terminés dans la file et les tickets appelés sans que personne se présente : durée d'attente "
            "si elle est connue, canal, date et heure.",
            en="The calls that ended in the queue and the tickets called when nobody came: waiting time if it is known, "
            "channel, date and time.",
        ),
        parameters={
            "minimum_s": Words(
                fr="En dessous de cette attente, par canal, le départ n'est pas compté (erreur de numéro, par exemple). "
                "Une attente inconnue est comptée.",
                en="Below this wait, per channel, leaving is not counted (a wrong number, for example). A wait that is "
                "not known is counted.",
            )
        },
        limits=Words(
            fr="La règle ne sait pas pourquoi la personne est partie : elle a pu trouver la réponse autrement. Une "
            "coupure de la ligne y ressemble.",
            en="The rule does not know why the person left: they may have found the answer elsewhere. A line that was cut "
            "looks the same.",
        ),
        owner=RECEPTION_OWNER,
        needed_types=frozenset({"call.abandoned", "ticket.noshow"}),
    ),
    Declaration(
        name="turned_away",
        title=Words(fr="Appel refusé", en="Call refused"),
        purpose=Words(
            fr="Compter les appels qui n'ont pas pu entrer dans la file : service fermé, lignes occupées ou aucun agent "
            "disponible.",
            en="To count the calls that could not enter the queue: closed, lines busy or no member of staff available.",
        ),
        data=Words(
            fr="Les appels refusés par le standard : date, heure et démarche ou numéro appelé.",
            en="The calls refused by the telephone system: date, time and procedure or number called.",
        ),
        parameters={},
        limits=Words(
            fr="Les appels arrêtés avant le standard, par l'opérateur par exemple, ne sont pas vus. La règle ne distingue "
            "pas un appel hors des heures d'ouverture d'un manque de lignes.",
            en="Calls stopped before the telephone system, by the operator for example, are not seen. The rule does not "
            "tell a call outside opening hours from a lack of lines.",
        ),
        owner=PHONE_OWNER,
        needed_types=frozenset({"call.rejected"}),
    ),
    Declaration(
        name="unanswered_message",
        title=Words(fr="Message sans réponse", en="Message without an answer"),
        purpose=Words(
            fr="Voir où des messages ou des demandes de rappel restent sans suite au-delà du délai prévu.",
            en="To see where messages or requests to be called back stay without a follow-up beyond the time foreseen.",
        ),
        data=Words(
            fr="Les messages reçus et les demandes de rappel d'une même personne, sous pseudonyme, et ce qui les a "
            "suivis : réponse, rappel, appel ou passage pris en charge, notification, décision. Date et heure seulement ; "
            "le texte des messages n'est pas lu.",
            en="The messages received and requests to be called back of one person, under a pseudonym, and what followed "
            "them: an answer, a call back, a call or visit that was served, a notice, a decision. Date and time only; "
            "the text of the messages is not read.",
        ),
        parameters={
            "window_s": Words(
                fr="Délai prévu pour répondre à un message.",
                en="The time foreseen to answer a message.",
            ),
            "callback_window_s": Words(
                fr="Délai prévu pour rappeler.",
                en="The time foreseen to call back.",
            ),
        },
        limits=Words(
            fr="Si les réponses ne sont pas transmises à Parcours, tous les messages semblent sans réponse : il faut le "
            "vérifier avant de lire ce chiffre. Certains messages, comme un remerciement, n'appellent pas de réponse. "
            "Une réponse sur un autre sujet de la même démarche est prise pour la réponse.",
            en="If answers are not passed on to Parcours, every message seems unanswered: check this before reading the "
            "figure. Some messages, such as thanks, call for no answer. An answer on another subject of the same "
            "procedure is taken for the answer.",
        ),
        owner=SERVICE_OWNER,
        needed_types=frozenset({"message.received", "callback.requested"}),
    ),
    Declaration(
        name="transfer_loop",
        title=Words(fr="Transferts successifs", en="Successive transfers"),
        purpose=Words(
            fr="Voir où une personne est passée de service en service au cours d'un même appel ou d'une même visite, "
            "souvent parce que la demande n'est pas arrivée au bon endroit.",
            en="To see where a person is passed from desk to desk within one call or one visit, often because the request "
            "did not arrive at the right place.",
        ),
        data=Words(
            fr="Les transferts d'un même appel ou d'un même ticket : date et heure, numéro du contact.",
            en="The transfers of one call or one ticket: date and time, number of the contact.",
        ),
        parameters={
            "count": Words(
                fr="Nombre de transferts d'un même contact à partir duquel ils sont signalés.",
                en="The number of transfers of one contact from which they are reported.",
            )
        },
        limits=Words(
            fr="Un transfert peut être la bonne réponse. Les transferts faits hors du standard ou du système de tickets "
            "ne sont pas vus. La règle ne juge pas les agents qui transfèrent.",
            en="A transfer may be the right answer. Transfers made outside the telephone or ticket system are not seen. "
            "The rule does not judge the staff who transfer.",
        ),
        owner=RECEPTION_OWNER,
        needed_types=frozenset({"call.transferred", "ticket.transferred"}),
        needed_fields=frozenset({"contact"}),
    ),
)
