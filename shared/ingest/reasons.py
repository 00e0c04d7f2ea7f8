"""Why something is refused: one table of codes with their texts in English and French.

Codes are part of the interface and never change; texts are for people.
"""

from typing import Final, NamedTuple

LANGUAGES: Final = ("en", "fr")
DEFAULT_LANGUAGE: Final = "en"
_MAX_HEADER_CHARS: Final = 512


class Texts(NamedTuple):
    """One message in both languages."""

    en: str
    fr: str

    def in_language(self, lang: str) -> str:
        """The text in `fr`, else in English."""
        return self.fr if lang == "fr" else self.en


EVENT_REASONS: Final = {
    "not_json": Texts("This is not JSON.", "Ce n'est pas du JSON."),
    "not_utf8": Texts("The text is not UTF-8.", "Le texte n'est pas en UTF-8."),
    "nested_too_deep": Texts("The JSON is nested too deeply.", "Le JSON est imbriqué trop profondément."),
    "event_too_large": Texts(
        "An event may have at most 64 kB (65,536 bytes).", "Un événement compte au plus 64 ko (65 536 octets)."
    ),
    "missing_field": Texts(
        "This field is required; empty text and null count as absent.",
        "Ce champ est obligatoire ; un texte vide ou null compte comme absent.",
    ),
    "wrong_type": Texts("The value is of the wrong type.", "La valeur n'est pas du bon type."),
    "too_long": Texts("The text is too long.", "Le texte est trop long."),
    "out_of_range": Texts("The value is out of range.", "La valeur est hors limites."),
    "invalid_time": Texts(
        "The time is not written as RFC 3339 asks (2026-01-31T09:30:00+01:00).",
        "L'heure n'est pas écrite selon la RFC 3339 (2026-01-31T09:30:00+01:00).",
    ),
    "time_without_offset": Texts(
        "The time has no offset from UTC (end it with Z or +01:00).",
        "L'heure n'a pas de décalage par rapport à UTC (terminez-la par Z ou +01:00).",
    ),
    "time_ahead": Texts(
        "The time is more than 10 minutes ahead of this gateway's clock.",
        "L'heure devance de plus de 10 minutes l'horloge de cette passerelle.",
    ),
    "time_out_of_range": Texts(
        "The time is before 1970 or beyond 2299.", "L'heure est antérieure à 1970 ou postérieure à 2299."
    ),
    "invalid_phone_number": Texts(
        "The subject cannot be a telephone number (tel:+33123456789).",
        "L'identifiant n'est pas un numéro de téléphone possible (tel:+33123456789).",
    ),
    "invalid_email_address": Texts(
        "The subject is not an e-mail address (mailto:name@example.org).",
        "L'identifiant n'est pas un courriel valable (mailto:nom@example.org).",
    ),
    "empty_account": Texts(
        "The subject names no account (account:123).", "L'identifiant ne nomme aucun compte (account:123)."
    ),
    "unknown_channel": Texts(
        "The channel is not one of web, phone, counter, email, letter, chat, bot, social, partner.",
        "Le canal n'est aucun de ceux-ci : web, phone, counter, email, letter, chat, bot, social, partner.",
    ),
    "unknown_field": Texts(
        "This field is not defined; what has no field of its own belongs in data.attributes.",
        "Ce champ n'est pas défini ; ce qui n'a pas de champ à soi va dans data.attributes.",
    ),
    "reserved_type": Texts(
        "This type is reserved for the platform itself.", "Ce type est réservé à la plateforme elle-même."
    ),
    "unsupported_specversion": Texts(
        "Only CloudEvents 1.0 is understood (specversion 1.0).",
        "Seule la version 1.0 de CloudEvents est comprise (specversion 1.0).",
    ),
    "unsupported_datacontenttype": Texts(
        "The data of an event must be JSON.", "Les données d'un événement doivent être en JSON."
    ),
    "binary_data": Texts(
        "Binary data (data_base64) are not accepted.", "Les données binaires (data_base64) ne sont pas acceptées."
    ),
    "conflicting_duplicate": Texts(
        "Another event of this request has the same source and id but other content.",
        "Un autre événement de cette requête a les mêmes source et id, mais un autre contenu.",
    ),
}
"""Why one event is refused."""

REQUEST_REASONS: Final = {
    "empty_body": Texts("The request holds no event.", "La requête ne contient aucun événement."),
    "not_an_array": Texts("A batch is a JSON array of events.", "Un lot est un tableau JSON d'événements."),
    "incomplete_body": Texts("The body ended too early.", "Le corps de la requête s'est terminé trop tôt."),
    "invalid_content_length": Texts("Content-Length is not a number.", "Content-Length n'est pas un nombre."),
    "body_timeout": Texts("The body came too slowly.", "Le corps de la requête est arrivé trop lentement."),
    "body_too_large": Texts(
        "A request may have at most 5 MB (5,242,880 bytes); send several.",
        "Une requête compte au plus 5 Mo (5 242 880 octets) ; faites-en plusieurs.",
    ),
    "too_many_events": Texts(
        "A request may hold at most 10,000 events; send several.",
        "Une requête contient au plus 10 000 événements ; faites-en plusieurs.",
    ),
    "unsupported_media_type": Texts(
        "Content-Type must be application/cloudevents+json, application/cloudevents-batch+json or "
        "application/x-ndjson, in UTF-8.",
        "Content-Type doit être application/cloudevents+json, application/cloudevents-batch+json ou "
        "application/x-ndjson, en UTF-8.",
    ),
    "unsupported_json_type": Texts(
        "Content-Type must be application/json, in UTF-8.", "Content-Type doit être application/json, en UTF-8."
    ),
    "unsupported_encoding": Texts(
        "Send the body uncompressed (no Content-Encoding).",
        "Envoyez le corps non compressé (sans Content-Encoding).",
    ),
    "all_rejected": Texts(
        "Every event was refused; each result says why.",
        "Tous les événements ont été refusés ; chaque résultat dit pourquoi.",
    ),
    "overloaded": Texts(
        "Too much is waiting for the log; nothing of this request was kept. Send it again later.",
        "Trop de données sont en attente du journal ; rien n'est confirmé de cette requête. Renvoyez-la plus tard.",
    ),
    "log_unavailable": Texts(
        "The log cannot be written now; nothing of this request is confirmed. Send it again later.",
        "Le journal ne peut pas être écrit pour l'instant ; rien n'est confirmé de cette requête. Renvoyez-la plus tard.",
    ),
    "low_space": Texts(
        "The platform has too little free space; nothing was kept. Send it again later.",
        "La plateforme manque d'espace libre ; rien n'a été gardé. Renvoyez plus tard.",
    ),
    "not_ready": Texts(
        "The gateway is starting or stopping; nothing was kept. Send it again shortly.",
        "La passerelle démarre ou s'arrête ; rien n'a été gardé. Renvoyez dans un instant.",
    ),
    "platform_only": Texts(
        "Only the platform itself sends the past again: use `parcours redetect`.",
        "Seule la plateforme renvoie le passé : utilisez `parcours redetect`.",
    ),
    "key_required": Texts(
        "Show the publishers' key of this platform: Authorization: Bearer, then the key.",
        "Présentez la clé des émetteurs de cette plateforme : Authorization: Bearer, puis la clé.",
    ),
    "not_found": Texts("There is nothing at this path.", "Il n'y a rien à ce chemin."),
    "method_not_allowed": Texts("This path does not take this method.", "Ce chemin n'accepte pas cette méthode."),
    "http_error": Texts("The request cannot be handled.", "La requête ne peut pas être traitée."),
    "internal": Texts(
        "Something went wrong here; the log of the platform says more.",
        "Une erreur s'est produite ici ; le journal technique de la plateforme en dit plus.",
    ),
}
"""Why a whole request is refused."""

TITLES: Final = {
    400: Texts("The request cannot be read", "La requête est illisible"),
    401: Texts("Unauthorized", "Non autorisé"),
    404: Texts("Not found", "Introuvable"),
    405: Texts("Method not allowed", "Méthode non autorisée"),
    408: Texts("The request took too long", "La requête a duré trop longtemps"),
    413: Texts("The request is too large", "La requête est trop volumineuse"),
    415: Texts("This kind of content is not accepted", "Ce type de contenu n'est pas accepté"),
    422: Texts("Nothing was accepted", "Rien n'a été accepté"),
    500: Texts("Internal error", "Erreur interne"),
    503: Texts("Not available for the moment", "Momentanément indisponible"),
}
_OTHER_TITLE: Final = Texts("The request was refused", "La requête a été refusée")
_ALL: Final = REQUEST_REASONS | EVENT_REASONS


def explain(reason: str, lang: str) -> str:
    """The text of a reason of either table."""
    return _ALL[reason].in_language(lang)


def title(status: int, lang: str) -> str:
    """The title of a problem with this HTTP status."""
    return TITLES.get(status, _OTHER_TITLE).in_language(lang)


def preferred_language(accept_language: str | None) -> str:
    """`fr` or `en`: the one an `Accept-Language` header wants most (RFC 9110, 12.5.4); English by default."""
    best, best_weight = DEFAULT_LANGUAGE, 0.0
    for item in (accept_language or "")[:_MAX_HEADER_CHARS].split(","):
        tag, _, parameter = item.partition(";")
        lang = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if lang in LANGUAGES and weight > best_weight:
            best, best_weight = lang, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
