"""The languages of pages, reports and mails: which one counts, and texts in one of them.

Texts are written in English and translated by gettext; locale/ has the translations.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from django.conf import settings
from django.utils import translation

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ENGLISH = "en"


class Reader(Protocol):
    """Somebody who may have chosen a language: an account."""

    language: str


def english(text: StrOrPromise) -> str:
    """Return a text without its translation: for exports of statuses, stored rows, SQL, and the API."""
    with translation.override(ENGLISH):
        return str(text)


def language_now() -> str:
    """Return the code of the language in which texts are made now, to be kept with a job that makes more of them."""
    return translation.get_language() or settings.LANGUAGE_CODE


def in_language(code: str) -> AbstractContextManager[None]:
    """Make texts in a language that was kept, for the time of a block. Blank, or no longer here: the district's."""
    return translation.override(code if code in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE)


def in_language_of(reader: Reader) -> AbstractContextManager[None]:
    """Make texts in the language that a person chose, for the time of a block: mails, and what a job makes for them.

    Without a choice it is the district's: nobody knows the browser that will not show it.
    """
    return in_language(reader.language)


def in_language_of_district() -> AbstractContextManager[None]:
    """Make texts for no person in particular, for the time of a block: webhooks and shared mailboxes."""
    return in_language("")
