"""The language of a family, as other systems give it: a BCP 47 tag ("es-MX") or a name ("Haitian Creole")."""

from __future__ import annotations

import re

from django.conf.locale import LANG_INFO
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# RFC 5646: language, then script, region and variants. Systems that write "_" for "-" mean the same.
_TAG = re.compile(r"[a-z]{2,3}([-_][a-z0-9]{2,8})*", re.IGNORECASE | re.ASCII)
# Languages of American schools that Django does not name.
_NAMES = {
    "am": _("Amharic"),
    "chk": _("Chuukese"),
    "fil": _("Filipino"),
    "gu": _("Gujarati"),
    "hmn": _("Hmong"),
    "ht": _("Haitian Creole"),
    "kar": _("Karen"),
    "ku": _("Kurdish"),
    "lao": _("Lao"),
    "lo": _("Lao"),
    "mh": _("Marshallese"),
    "mww": _("Hmong Daw"),
    "om": _("Oromo"),
    "pa": _("Punjabi"),
    "prs": _("Dari"),
    "ps": _("Pashto"),
    "rw": _("Kinyarwanda"),
    "so": _("Somali"),
    "ti": _("Tigrinya"),
    "tl": _("Tagalog"),
    "yo": _("Yoruba"),
    "zh": _("Chinese"),
}


def normalized_language(text: str) -> str:
    """The tag in its usual letters, or the name with capitals: "ES_mx" is "es-MX", "SPANISH" is "Spanish"."""
    text = " ".join(text.split())
    if _TAG.fullmatch(text):
        first, *others = re.split("[-_]", text)
        return "-".join([first.lower(), *map(_subtag, others)])
    return text.title() if text.islower() or text.isupper() else text


def _subtag(text: str) -> str:
    if len(text) == 4 and text.isalpha():
        return text.capitalize()
    return text.upper() if len(text) == 2 else text.lower()


def language_name(language: str) -> str:
    """The name to show: that of a tag where it is known, with the tag behind it where it says more; else the text."""
    first = language.split("-")[0]
    known = _NAMES.get(first) or LANG_INFO.get(first, {}).get("name", "")
    if not known or not _TAG.fullmatch(language):
        return language
    # Django translates the names of its languages.
    name = capfirst(gettext(str(known)))
    return name if language == first else f"{name} ({language})"
