"""Lists, sentences and charts in the language of their reader."""

from datetime import date
from typing import Any

import pytest
from django.utils.translation import override

from accounts.models import AuditEvent
from listings.cells import cells_of
from messenger_logs.choices import DeliveryStatus, Mode, Outcome
from messenger_logs.models import Delivery
from messenger_logs.reach import People
from web.audit_sentences import _WORDS, action_text, audit_sentence, said_by_sentence
from web.charts import day_columns
from web.listings.message_columns import EmailsColumn, emails_text, people_text
from web.listings.recipients import ReachFilter, RecipientTable
from web.listings.sent_message_log import SentMessageLogFilters

EMAILS = {"delivered": 1_204, "failed": 1, "not_known": 2, "refused": 1}


@pytest.mark.parametrize(("language", "heading"), [("en", "Delivery Mode"), ("es", "Modo de entrega")])
def test_the_cells_of_a_table_have_the_headings_of_each_language(language, heading):
    delivery = Delivery(mode=Mode.VOICE, status=DeliveryStatus.NO_ANSWER, outcome=Outcome.NOT_REACHED)
    with override(language):
        cells = cells_of(RecipientTable, Delivery)
        assert f'data-label="{heading}"' in cells["mode"].html(RecipientTable(), delivery)
        assert RecipientTable.base_columns["mode"].header == heading


def test_a_file_has_the_status_in_english():
    delivery = Delivery(mode=Mode.VOICE, status=DeliveryStatus.NO_ANSWER, outcome=Outcome.NOT_REACHED)
    with override("es"):
        cells = cells_of(RecipientTable, Delivery)
        assert cells["status"].text(RecipientTable(), delivery) == "No-Answer"
        assert "No-Answer" not in cells["status"].html(RecipientTable(), delivery)


def test_what_the_provider_says_is_in_english_in_a_file_alone():
    row: Any = type("Row", (), {"emails": EMAILS})()
    with override("es"):
        said = "1,204 entregados, 1 fallido, 2 sin resultado todavía"
        assert emails_text(EMAILS) == f"{said}; enviados, pero no entregados: 1"
        said = "1,204 delivered, 1 failed, 2 not known yet"
        assert EmailsColumn().value(row) == f"{said}; sent, but not delivered: 1"


def test_a_filter_is_in_the_language_of_the_moment():
    with override("es"):
        assert str(SentMessageLogFilters.base_filters["subject"].label) == "Asunto del mensaje"
        spanish = dict(ReachFilter().field.choices)
    with override("en"):
        english = dict(ReachFilter().field.choices)
        assert english["email-reached"] == "Email: reached"
    assert spanish.keys() == english.keys()
    assert str(spanish["email-reached"]) != "Email: reached"


def test_one_person_and_several_have_their_forms():
    with override("es"):
        assert people_text("sent", People(reached=1)) == "1 de 1 persona alcanzada"
        assert people_text("in_progress", People(reached=2)) == "2 de 2 personas alcanzadas hasta ahora"


@pytest.mark.parametrize(
    ("action", "details", "sentence"),
    [
        ("message.canceled", {"message": 309}, "Ana Ruiz canceló el mensaje 309."),
        (
            "message.viewed",
            {"message": 309, "shown": "recipients", "person": "4711"},
            "Ana Ruiz miró los destinatarios en el mensaje 309 con los valores de la persona 4711.",
        ),
        ("sign_out.succeeded", {}, "Ana Ruiz cerró sesión."),
    ],
)
def test_an_event_of_the_trail_is_a_sentence(action, details, sentence):
    with override("es"):
        assert audit_sentence(AuditEvent(who="Ruiz, Ana", action=action, details=details)) == sentence


def test_an_action_to_choose_reads_as_its_sentence():
    with override("es"):
        assert action_text("message.canceled") == "Canceló un mensaje"


@pytest.mark.parametrize("action", sorted(_WORDS))
def test_a_sentence_says_the_same_details_in_each_language(action):
    with override("es"):
        spanish = said_by_sentence(action)
    assert spanish == said_by_sentence(action)


def test_a_chart_has_the_weekdays_of_the_language():
    day = [date(2026, 11, 20)]
    with override("es"):
        assert day_columns(day)[0].title == "vie 11/20/2026"
    assert day_columns(day)[0].title == "Fri 11/20/2026"
