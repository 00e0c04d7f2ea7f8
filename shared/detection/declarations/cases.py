"""Rules about the handling of a case: moved about, asked again, done again, reopened, late."""

from typing import Final

from shared.detection.declarations.declaration import CASE_OWNER, Declaration, Words

CASE_RULES: Final = (
    Declaration(
        name="ping_pong",
        title=Words(fr="Dossier renvoyé entre équipes", en="Case sent back and forth between teams"),
        purpose=Words(
            fr="Voir où les dossiers reviennent à une équipe qui les avait déjà traités, pour clarifier qui fait quoi.",
            en="To see where cases come back to a team that had already handled them, so as to make clear who does what.",
        ),
        data=Words(
            fr="Les équipes par lesquelles passe un dossier, avec la date et l'heure. Aucun nom d'agent.",
            en="The teams through which a case passes, with the date and time. No names of staff.",
        ),
        parameters={},
        limits=Words(
            fr="Un retour peut être prévu par la procédure, par exemple pour une signature : c'est pourquoi la règle est "
            "désactivée tant que l'administration ne l'active pas. Elle ne mesure pas le travail d'une équipe.",
            en="A return may be part of the procedure, for example for a signature: this is why the rule is off until the "
            "administration turns it on. It does not measure the work of a team.",
        ),
        owner=CASE_OWNER,
        needed_types=frozenset(),
        needed_fields=frozenset({"case", "team"}),
        citizen_sees=False,
    ),
    Declaration(
        name="repeated_request",
        title=Words(fr="Pièce redemandée", en="Document asked for again"),
        purpose=Words(
            fr="Voir quelles pièces sont demandées plus d'une fois à la même personne pour la même démarche.",
            en="To see which documents are asked for more than once of the same person for the same procedure.",
        ),
        data=Words(
            fr="Le nom de la pièce demandée et la date de chaque demande. La pièce elle-même n'est pas transmise.",
            en="The name of the document asked for and the date of each request. The document itself is not passed on.",
        ),
        parameters={},
        limits=Words(
            fr="Une nouvelle demande peut être justifiée : pièce illisible, périmée ou incomplète. Une même pièce "
            "désignée de deux façons n'est pas reconnue ; deux pièces sous un même nom sont confondues.",
            en="A new request may be justified: a document that is illegible, out of date or incomplete. One document "
            "named in two ways is not recognised; two documents under one name are taken as one.",
        ),
        owner=CASE_OWNER,
        needed_types=frozenset({"information.requested"}),
        needed_fields=frozenset({"document"}),
    ),
    Declaration(
        name="rework",
        title=Words(fr="Étape refaite", en="Step done again"),
        purpose=Words(
            fr="Voir quelles étapes du traitement d'un dossier sont faites plus d'une fois, pour en chercher la cause "
            "dans la procédure ou les outils.",
            en="To see which steps in the handling of a case are done more than once, so as to look for the cause in the "
            "procedure or the tools.",
        ),
        data=Words(
            fr="Les étapes par lesquelles passe un dossier, avec la date et l'heure. Aucun nom d'agent.",
            en="The steps through which a case passes, with the date and time. No names of staff.",
        ),
        parameters={},
        limits=Words(
            fr="Certaines étapes se répètent normalement : c'est pourquoi la règle est désactivée tant que l'administration "
            "ne l'active pas. Elle ne dit rien de la qualité du travail d'un agent.",
            en="Some steps are normally repeated: this is why the rule is off until the administration turns it on. It "
            "says nothing about the quality of anyone's work.",
        ),
        owner=CASE_OWNER,
        needed_types=frozenset({"case.progressed"}),
        needed_fields=frozenset({"case", "step"}),
        citizen_sees=False,
    ),
    Declaration(
        name="case_reopened",
        title=Words(fr="Dossier rouvert", en="Case reopened"),
        purpose=Words(
            fr="Compter les dossiers rouverts, pour comprendre ce qui n'avait pas été réglé.",
            en="To count the cases that are reopened, so as to understand what had not been settled.",
        ),
        data=Words(
            fr="Les réouvertures de dossiers signalées par l'outil de gestion : date et heure, démarche.",
            en="The reopenings of cases reported by the case management tool: date and time, procedure.",
        ),
        parameters={},
        limits=Words(
            fr="La règle ne sait pas pourquoi le dossier est rouvert : un élément nouveau, un recours ou une correction "
            "se ressemblent. Un nouveau dossier ouvert à la place de l'ancien n'est pas vu.",
            en="The rule does not know why the case is reopened: something new, an appeal or a correction look alike. A "
            "new case opened in place of the old one is not seen.",
        ),
        owner=CASE_OWNER,
        needed_types=frozenset({"case.reopened"}),
    ),
    Declaration(
        name="deadline_missed",
        title=Words(fr="Délai annoncé dépassé", en="Announced deadline missed"),
        purpose=Words(
            fr="Voir où une date annoncée à la personne passe alors que son dossier est encore ouvert.",
            en="To see where a date announced to the person passes while their case is still open.",
        ),
        data=Words(
            fr="La date annoncée, l'ouverture et la fin du dossier, les demandes de pièces et leur réception : date et "
            "heure.",
            en="The date announced, the opening and end of the case, the requests for documents and their receipt: date "
            "and time.",
        ),
        parameters={},
        limits=Words(
            fr="Le temps pendant lequel l'administration attend une pièce indispensable n'est pas compté (article L114-5 "
            "du code des relations entre le public et l'administration) ; si la réception de la pièce n'est pas "
            "enregistrée, l'attente semble durer encore. Un dossier terminé sans que sa fin soit enregistrée est compté à "
            "tort. Sans date annoncée, rien n'est vu.",
            en="The time during which the administration waits for an indispensable document is not counted (article "
            "L114-5 of the French code of relations between the public and the administration); if the receipt of the "
            "document is not recorded, the wait seems to go on. A case that ended without its end being recorded is "
            "counted wrongly. Without a date announced, nothing is seen.",
        ),
        owner=CASE_OWNER,
        needed_types=frozenset(),
        needed_fields=frozenset({"case", "due"}),
    ),
)
