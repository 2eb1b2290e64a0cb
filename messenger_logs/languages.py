"""The language of a family, as other systems give it: a BCP 47 tag ("es-MX") or a name ("Haitian Creole")."""

from __future__ import annotations

import re

from django.conf.locale import LANG_INFO

# RFC 5646: language, then script, region and variants. Systems that write "_" for "-" mean the same.
_TAG = re.compile(r"[a-z]{2,3}([-_][a-z0-9]{2,8})*", re.IGNORECASE | re.ASCII)
# Languages of American schools that Django does not name.
_NAMES = {
    "am": "Amharic",
    "chk": "Chuukese",
    "fil": "Filipino",
    "gu": "Gujarati",
    "hmn": "Hmong",
    "ht": "Haitian Creole",
    "kar": "Karen",
    "ku": "Kurdish",
    "lao": "Lao",
    "lo": "Lao",
    "mh": "Marshallese",
    "mww": "Hmong Daw",
    "om": "Oromo",
    "pa": "Punjabi",
    "prs": "Dari",
    "ps": "Pashto",
    "rw": "Kinyarwanda",
    "so": "Somali",
    "ti": "Tigrinya",
    "tl": "Tagalog",
    "yo": "Yoruba",
    "zh": "Chinese",
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
    name = _NAMES.get(first) or LANG_INFO.get(first, {}).get("name", "")
    if not name or not _TAG.fullmatch(language):
        return language
    return name if language == first else f"{name} ({language})"
