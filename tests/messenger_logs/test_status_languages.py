"""Statuses in another language: a page shows the translation, and a file has the English word."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.db.models import TextChoices
from django.utils import translation

from core.languages import english
from core.statuses import Status
from imports.values import MESSAGE_WORDS, read_status
from mailgun_sync.choices import EventKind
from messenger_logs.choices import (
    ContactProblem,
    ContactState,
    DeliveryStatus,
    MessageStatus,
    Mode,
    Outcome,
    Reach,
)
from messenger_logs.contact_problems import CONTACT_PROBLEMS, CONTACT_STATES, what_to_do
from messenger_logs.languages import language_name
from messenger_logs.services.message_format import _MESSAGE_STATUSES
from messenger_logs.status_labels import (
    DELIVERY_STATUSES,
    EMAIL_OUTCOME_LABELS,
    EMAIL_OUTCOMES,
    MESSAGE_STATUSES,
    OUTCOMES,
    REACH,
    SENT_MESSAGE_LOG_2_STATUSES,
)

TABLES: list[Mapping[Any, Status]] = [
    MESSAGE_STATUSES,
    SENT_MESSAGE_LOG_2_STATUSES,
    DELIVERY_STATUSES,
    OUTCOMES,
    REACH,
    EMAIL_OUTCOMES,
    EMAIL_OUTCOME_LABELS,
    CONTACT_PROBLEMS,
    CONTACT_STATES,
]
SHOWN = [MessageStatus, DeliveryStatus, Outcome, Reach, ContactProblem, ContactState, Mode, EventKind]
# These are the same word in both languages.
SAME = {"Error", "ERROR", "Fax"}


@pytest.mark.parametrize("choices", SHOWN)
def test_every_label_has_a_translation(choices: type[TextChoices]) -> None:
    for choice in choices:
        with translation.override("es"):
            shown = str(choice.label)
        assert shown != english(choice.label) or shown in SAME


def test_a_status_has_its_english_word_in_a_file_whatever_the_page_shows() -> None:
    with translation.override("es"):
        for table in TABLES:
            for status in table.values():
                assert status.in_english == english(status.word)
                assert status.word != status.in_english or status.word in SAME
                assert status.lower.in_english == status.in_english.lower()
        assert str(DELIVERY_STATUSES[DeliveryStatus.DELIVERED].lower.word) == "entregado"


def test_english_words_are_read_in_every_language() -> None:
    with translation.override("es"):
        assert read_status(Mode.TEXT, "Delivered").status is DeliveryStatus.DELIVERED
        assert read_status(Mode.EMAIL, "Sent, but provider: Failed (permanent)").email_outcome == "failed-permanent"
    assert MESSAGE_WORDS["norecipients"] is MessageStatus.NO_RECIPIENTS
    assert _MESSAGE_STATUSES["inprogress"] is MessageStatus.IN_PROGRESS


def test_a_status_is_the_same_key_in_every_language() -> None:
    keys = set(MESSAGE_STATUSES.values())
    with translation.override("es"):
        assert all(status in keys for status in MESSAGE_STATUSES.values())


def test_sentences_and_names_of_languages_are_those_of_the_reader() -> None:
    assert language_name("es-MX") == "Spanish (es-MX)"
    assert what_to_do(ContactProblem.NOT_VALID, Mode.EMAIL) == "Correct it in the contact data."
    with translation.override("es"):
        assert language_name("es-MX") == "Español (es-MX)"
        assert language_name("ht") == "Criollo haitiano"
        assert what_to_do(ContactProblem.NOT_VALID, Mode.EMAIL) == "Corríjalo en los datos de contacto."
