"""The catalogs of translations: complete, up to date with the sources, and safe to put in the place of the English."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message
from django.conf import settings

from devtools.messages import catalogs, compiled, missing, updated, written

UPDATE = "run: bin/python -m devtools.messages, and translate what is new in locale/"
PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|%[a-z]|%%")
TAG = re.compile(r"</?[a-z][^>]*>")

each_language = pytest.mark.parametrize("language", catalogs())


@cache
def current(language: str) -> Catalog:
    """What the catalog should be. The sources are read once for all tests."""
    return updated(catalogs()[language], language)


def test_each_language_that_can_be_chosen_has_a_catalog() -> None:
    assert catalogs().keys() == dict(settings.LANGUAGES).keys() - {"en"}


@pytest.mark.slow
@each_language
def test_the_catalog_has_the_texts_of_the_sources_and_no_others(language: str) -> None:
    assert catalogs()[language].read_bytes() == written(current(language)), UPDATE


@pytest.mark.slow
@each_language
def test_every_text_has_a_translation(language: str) -> None:
    assert [message.id for message in missing(current(language))] == [], UPDATE


@pytest.mark.slow
@each_language
def test_the_compiled_catalog_is_that_of_the_text(language: str) -> None:
    assert catalogs()[language].with_suffix(".mo").read_bytes() == compiled(current(language)), UPDATE


@pytest.mark.slow
@each_language
def test_a_translation_has_the_placeholders_and_the_elements_of_its_text(language: str) -> None:
    assert [wrong for message in current(language) if message.id for wrong in wrong_translations(message)] == []


def wrong_translations(message: Message) -> list[tuple[str, str]]:
    texts = message.id if isinstance(message.id, tuple) else (message.id,)
    translations = message.string if isinstance(message.string, tuple) else (message.string,)
    # The form for one may name the number or not, as the English does in one of its forms.
    pairs = [(text, translation) for translation in translations for text in (texts if len(texts) > 1 else texts[:1])]
    fitting = {translation for text, translation in pairs if marks(text) == marks(translation)}
    return [(texts[-1], translation) for translation in translations if translation not in fitting]


def marks(text: str) -> tuple[list[str], list[str]]:
    if PLACEHOLDER.search(text) and "%(" in text:
        # What is no placeholder would be one for Python, too, and fail where the page is made.
        assert text % defaultdict(str) is not None
    return sorted({match[0] for match in PLACEHOLDER.finditer(text)}), sorted(TAG.findall(text))
