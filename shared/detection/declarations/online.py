"""Rules about the online service: forms that are not sent, errors and clicks that repeat."""

from typing import Final

from shared.detection.declarations.declaration import ONLINE_OWNER, Declaration, Words
from shared.journey.vocabulary import FORM_TYPES

ONLINE_RULES: Final = (
    Declaration(
        name="form_abandoned",
        title=Words(fr="Formulaire commencé, non envoyé", en="Form begun, not sent"),
        purpose=Words(
            fr="Voir où les personnes s'arrêtent dans un formulaire en ligne, pour le rendre plus simple ou dire à "
            "l'avance ce qu'il faut avoir sous la main.",
            en="To see where people stop in an online form, so as to make it simpler or say beforehand what they need to "
            "have at hand.",
        ),
        data=Words(
            fr="Les étapes du formulaire atteintes, les erreurs affichées, les brouillons enregistrés, l'envoi, et "
            "l'ouverture d'un dossier : date et heure. Le contenu des champs n'est ni lu ni transmis.",
            en="The steps of the form reached, the errors shown, the drafts saved, the sending, and the opening of a case: "
            "date and time. What is written in the fields is neither read nor passed on.",
        ),
        parameters={
            "window_s": Words(
                fr="Durée sans nouvelle action au bout de laquelle le formulaire est tenu pour abandonné.",
                en="The time without a new action after which the form is taken as abandoned.",
            ),
            "saved_window_s": Words(
                fr="La même durée quand un brouillon vient d'être enregistré.",
                en="The same time when a draft has just been saved.",
            ),
        },
        limits=Words(
            fr="La règle ne sait pas pourquoi la personne s'arrête : elle a pu seulement se renseigner, ou terminer sur "
            "un autre appareil sans s'identifier. Un envoi que le site ne signale pas est pris pour un abandon.",
            en="The rule does not know why the person stops: they may only have wanted information, or have finished on "
            "another device without signing in. A sending that the website does not report is taken for an abandonment.",
        ),
        owner=ONLINE_OWNER,
        needed_types=FORM_TYPES - {"form.submitted"},
    ),
    Declaration(
        name="error_loop",
        title=Words(fr="Erreurs répétées à une étape", en="Repeated errors at one step"),
        purpose=Words(
            fr="Trouver les étapes d'un formulaire où les personnes rencontrent plusieurs erreurs de suite : consigne peu "
            "claire, contrôle trop strict ou panne.",
            en="To find the steps of a form where people meet several errors in a row: an unclear instruction, a check "
            "that is too strict, or a fault.",
        ),
        data=Words(
            fr="Les messages d'erreur affichés par le formulaire : étape, date et heure. Le contenu des champs n'est ni lu "
            "ni transmis.",
            en="The error messages shown by the form: step, date and time. What is written in the fields is neither read "
            "nor passed on.",
        ),
        parameters={
            "count": Words(
                fr="Nombre d'erreurs à la même étape à partir duquel elles sont signalées.",
                en="The number of errors at one step from which they are reported.",
            ),
            "window_s": Words(
                fr="Durée au plus entre la première et la dernière de ces erreurs.",
                en="The longest time between the first and the last of these errors.",
            ),
        },
        limits=Words(
            fr="Les erreurs dont l'étape n'est pas indiquée ne comptent pas. La règle ne distingue pas une consigne mal "
            "comprise d'une panne du site.",
            en="Errors whose step is not given do not count. The rule does not tell an instruction that is hard to "
            "understand from a fault of the website.",
        ),
        owner=ONLINE_OWNER,
        needed_types=frozenset({"form.error"}),
        needed_fields=frozenset({"step"}),
    ),
    Declaration(
        name="repeated_click",
        title=Words(fr="Clics répétés", en="Repeated clicks"),
        purpose=Words(
            fr="Trouver les endroits d'une page où plusieurs clics rapprochés laissent penser que rien ne se passe : "
            "bouton sans effet, réponse trop lente.",
            en="To find the places of a page where several clicks in quick succession suggest that nothing happens: a "
            "button without effect, an answer that is too slow.",
        ),
        data=Words(
            fr="Le fait que plusieurs clics ont eu lieu au même endroit en très peu de temps, la page, la date et l'heure.",
            en="The fact that several clicks took place at one spot within a very short time, the page, the date and time.",
        ),
        parameters={},
        limits=Words(
            fr="Certains usages normaux y ressemblent : boutons « plus » et « moins », sélection d'un texte, "
            "tremblement de la main. Le nombre de clics retenu est fixé par l'outil de mesure du site.",
            en="Some normal uses look alike: “plus” and “minus” buttons, selecting a text, a trembling hand. The number of "
            "clicks is set by the website's measuring tool.",
        ),
        owner=ONLINE_OWNER,
        needed_types=frozenset({"click.repeated"}),
    ),
)
