"""The form of a declaration: what a rule says of itself, in French and in English."""

from msgspec import Struct

from shared.detection.wording import typeset


class Words(Struct, frozen=True):
    """One text in both languages."""

    fr: str
    en: str

    def in_language(self, lang: str) -> str:
        """The text in `fr`, else in English, with the typography of the language."""
        return typeset(self.fr if lang == "fr" else self.en, lang)


class Declaration(Struct, frozen=True, kw_only=True):
    """One rule. The rule is observable for a service and channel where at least one event of `needed_types` (empty: any
    type) was received from them, and each of `needed_fields` on such events.

    `parameters` explains each parameter of `shared.detection.settings.RULE_PARAMETERS`. `citizen_sees` says whether the
    citizen can notice the point, which makes a contact after it failure demand.
    """

    name: str
    title: Words
    purpose: Words
    data: Words
    parameters: dict[str, Words]
    limits: Words
    owner: Words
    needed_types: frozenset[str]
    needed_fields: frozenset[str] = frozenset()
    citizen_sees: bool = True


SERVICE_OWNER = Words(
    fr="À désigner par l'administration : la personne responsable de la démarche.",
    en="To be named by the administration: the person responsible for the procedure.",
)
PHONE_OWNER = Words(
    fr="À désigner par l'administration : la personne responsable de l'accueil téléphonique.",
    en="To be named by the administration: the person responsible for telephone reception.",
)
RECEPTION_OWNER = Words(
    fr="À désigner par l'administration : la personne responsable de l'accueil, au téléphone et au guichet.",
    en="To be named by the administration: the person responsible for reception, by phone and at the counter.",
)
ONLINE_OWNER = Words(
    fr="À désigner par l'administration : la personne responsable du service en ligne.",
    en="To be named by the administration: the person responsible for the online service.",
)
CASE_OWNER = Words(
    fr="À désigner par l'administration : la personne responsable du traitement des dossiers.",
    en="To be named by the administration: the person responsible for the handling of cases.",
)
