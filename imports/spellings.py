"""The texts of this product's own files, which are in the language of who made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from core.languages import ENGLISH, in_language

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def languages() -> list[str]:
    """Return the codes of the languages, English first: of two that write the same, it is the likelier one."""
    return [ENGLISH, *(code for code, name in settings.LANGUAGES if code != ENGLISH)]


def spelling(text: StrOrPromise, language: str) -> str:
    """Return a translated text as it is in a language."""
    with in_language(language):
        return str(text)


def spellings(text: StrOrPromise) -> list[str]:
    """Return a translated text in each language, each spelling once."""
    return list(dict.fromkeys(spelling(text, language) for language in languages()))
