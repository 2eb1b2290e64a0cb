"""The words by which a family refuses texts, or takes them again, in English, Spanish and French.

The English words for STOP are those of the FCC: 47 CFR 64.1200(a)(10),
https://www.ecfr.gov/current/title-47/section-64.1200 .
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass


def _set(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


# No text about something else begins with one of these. So the first word decides: "STOP. Sent from my phone".
_ALWAYS_STOP = _set(
    "stop stopall unsubscribe optout revoke quit",
    "parar pare detener desuscribir desuscribirse",
    "arret arreter arretez desabonner desabonnement desinscrire desinscription",
)
# These also begin other texts, such as "End of day?" or "Fin de semana". So they count as a sentence of their own.
_STOP = _ALWAYS_STOP | _set(
    "end cancel",
    "alto basta baja cancelar terminar salir fin",
    "annuler resilier",
)
_START = _set(
    "start unstop optin",
    "inicio iniciar empezar comenzar reanudar suscribir alta",
    "commencer demarrer reprendre abonner",
)
# The answer to many questions. It counts only as the whole text, and only where the number is opted out.
_YES = "yes"
_POLITE = _set("please thanks thank you", "por favor gracias", "svp sil vous plait merci")

_END_OF_SENTENCE = re.compile(r"[.!?\n]")
# Signs within a word: opt-out, s'il.
_WITHIN_WORDS = frozenset("-'\u2010\u2011\u2012\u2013\u2019\u00ad")


@dataclass(frozen=True, slots=True)
class Consent:
    """What a text says about more texts.

    ``whole``: it says nothing else. ``answer``: it may be the answer to any question, and takes texts again only where
    the number refused them.
    """

    opted_out: bool
    whole: bool
    answer: bool = False


def consent_of(text: str) -> Consent | None:
    """Return the consent that a text gives or takes back; None for any other text."""
    text = unicodedata.normalize("NFKC", text)
    words = _words(text)
    whole = "".join(word for word in words if word not in _POLITE)
    first_sentence = "".join(word for word in _first_sentence(text) if word not in _POLITE)
    if whole in _STOP or whole in _START:
        return Consent(opted_out=whole in _STOP, whole=True)
    if "".join(words) == _YES:
        return Consent(opted_out=False, whole=True, answer=True)
    if first_sentence in _STOP or {*words[:1], "".join(words[:2])} & _ALWAYS_STOP:
        return Consent(opted_out=True, whole=False)
    return Consent(opted_out=False, whole=False) if first_sentence in _START else None


def _first_sentence(text: str) -> list[str]:
    return next(filter(None, map(_words, _END_OF_SENTENCE.split(text))), [])


def _words(text: str) -> list[str]:
    """Return the words, in small letters without accents. All signs but those within a word part the words."""
    return "".join(_letters(text)).split()


def _letters(text: str) -> Iterator[str]:
    for character in unicodedata.normalize("NFKD", text.casefold()):
        category = unicodedata.category(character)
        if category.startswith("L"):
            yield character
        elif not (category in ("Mn", "Cf") or character in _WITHIN_WORDS):
            yield " "
