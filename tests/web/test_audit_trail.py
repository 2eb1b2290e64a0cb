import csv
import io
import os
import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent, User
from accounts.querysets import LOOK
from accounts.services import record_audit_event
from accounts.tools import Tool
from imports.models import ImportJob
from listings.registry import registry
from messenger_logs.models import SentMessage
from tests.accounts.scoped import hold_for
from tests.messenger_logs.factories import make_message, make_recipient, make_school
from tests.web.html import table_body
from web.audit_sentences import action_text, audit_sentence, has_words
from web.listings.audit_trail import detail_lines
from web.message_access import record_message_view

pytestmark = pytest.mark.django_db

ROOT = Path(settings.BASE_DIR)
TRAIL = "/system-administration/audit-trail/"


@pytest.fixture
def auditor(make_user):
    return make_user(Tool.AUDIT_TRAIL, username="auditor")


@pytest.fixture
def client(auditor, signed_in):
    return signed_in(auditor)


@pytest.fixture
def dexter(make_user):
    return make_user(username="dmatthews", first_name="Dexter", last_name="Matthews")


def table(response):
    return table_body(response.text)


def exported_rows(response):
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.slow
def test_events_are_listed_newest_first_in_words(client, dexter):
    record_audit_event(
        by=dexter, action="sync.started", target="mg.example.org", details={"rows": 3, "names": ["a", "b"], "none": []}
    )
    rows = table(client.get(TRAIL))
    assert "Dexter Matthews did this: sync: started: mg.example.org." in rows
    assert "<strong>Names:</strong> a, b" in rows
    assert "<strong>None:</strong> none" in rows
    assert rows.index("sync: started") < rows.index("auditor signed in.")


def test_an_event_of_nobody_says_so(client):
    record_audit_event(by=None, action="sign_in.failed")
    assert "Somebody who was not signed in failed to sign in." in table(client.get(TRAIL))


def test_who_looks_at_the_trail_stands_in_it(client):
    client.get(TRAIL)
    assert "auditor looked at the list System Administration &gt; Audit Trail" in table(client.get(TRAIL))


@pytest.mark.slow
def test_events_are_filtered_by_person_action_and_days(client, dexter, time_machine):
    record_audit_event(by=dexter, action="sync.started")
    record_audit_event(by=None, action="sync.paused")
    assert "sync: paused" not in table(client.get(TRAIL, {"who": "matthews"}))
    rows = table(client.get(TRAIL, {"action": "sync.paused"}))
    assert "sync: paused" in rows
    assert "sync: started" not in rows
    assert "sync: started" not in table(client.get(TRAIL, {"happened_from": "2020-01-01", "happened_to": "2020-01-02"}))


def test_the_actions_to_choose_from_are_those_that_occur(client, dexter):
    for _ in range(3):
        record_audit_event(by=dexter, action="sync.started")
    record_audit_event(by=dexter, action="account.created")
    assert AuditEvent.objects.actions() == ["account.created", "sign_in.succeeded", "sync.started"]
    assert '<option value="sync.started">Sync: started</option>' in client.get(TRAIL).text


def test_names_in_the_trail_are_text(client, make_user):
    record_audit_event(by=make_user(last_name="<script>"), action="x.y", target="<b>", details={"<i>": "<u>"})
    rows = table(client.get(TRAIL))
    for tag in ("<script>", "<b>", "<i>", "<u>"):
        assert tag not in rows


def test_an_export_has_what_the_filters_show_and_is_recorded_itself(client, dexter):
    record_audit_event(by=dexter, action="sync.started", details={"before": ["a"], "after": []})
    record_audit_event(by=None, action="sync.paused")
    response = client.get(TRAIL, {"action": "sync.started", "export": "csv"})
    [row] = exported_rows(response)
    assert (row["Who"], row["Action"]) == ("Matthews, Dexter", "Sync: started")
    assert row["What happened"] == "Dexter Matthews did this: sync: started."
    assert row["Details"] == "Before: a; After: none"
    event = AuditEvent.objects.get(action="export.audit_trail")
    assert event.who == "auditor"
    assert event.details["rows"] == 1
    assert event.details["filters"] == {"Action": "Sync: started"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "query", [{"action": "none such"}, {"who": "x" * 10_000}, {"target": "\0"}, {"sort": "who_id"}]
)
def test_odd_filters_get_words(client, query):
    response = client.get(TRAIL, query)
    assert response.status_code == 200
    assert 'role="alert"' in response.text


# Sentences


@pytest.mark.parametrize(
    ("action", "target", "details", "sentence"),
    [
        ("message.viewed", "Snow", {"message": 309, "shown": "recipients"}, "looked at the recipients of message 309."),
        ("message.viewed", "Snow", {"message": 309, "shown": "message"}, "looked at message 309."),
        (
            "message.viewed",
            "Snow",
            {"message": 309, "shown": "message, with a recipient's values", "person": "4711"},
            "looked at message 309 with the values of person 4711.",
        ),
        ("message.canceled", "Snow", {"message": 309}, "canceled message 309."),
        (
            "person.viewed",
            "Messenger > Recipient Log",
            {"person": "4711"},
            "looked at the record of person 4711 in Messenger > Recipient Log.",
        ),
        (
            "export.replies",
            "",
            {"rows": 1204, "format": "csv"},
            "exported 1,204 rows of “Messenger Administration > Replies” as CSV.",
        ),
        ("report.sent_message", "Snow", {"message": 309, "format": "pdf"}, "asked for a report of message 309 as PDF."),
        (
            "access.refused",
            "/messenger/<int:pk>/",
            {"answer": 404, "method": "GET", "pk": 7},
            "was refused what is at /messenger/7/, with the answer 404.",
        ),
        (
            "access.refused",
            "/<str:odd>/<path:rest>",
            {"answer": 403, "method": "GET"},
            "was refused what is at /…/…, with the answer 403.",
        ),
        ("api.called", "GET /api/v1/messages/<int:pk>/", {"pk": 7}, "called the API: GET /api/v1/messages/7/."),
        ("view_as.page", "/home/", {"as": "mai"}, "looked at /home/ as mai would see it."),
        (
            "message.viewed",
            "Snow",
            {"message": 309, "shown": "recipients", "searched": ["0f"]},
            "looked at the recipients of message 309, and searched there for a person.",
        ),
        ("user_group.renamed", "B", {"before": "A", "after": "B"}, "renamed the user group A to B."),
        ("import.messages", "", {"messages": 2, "recipients": 9}, "brought in several messages, with 9 recipients."),
        ("odd.action_of_later", "X", {}, "did this: odd: action of later: x."),
    ],
)
def test_an_event_is_a_sentence(action, target, details, sentence):
    event = AuditEvent(who="Ruiz, Ana", action=action, target=target, details=details)
    assert audit_sentence(event).lower() == f"Ana Ruiz {sentence}".lower()


@pytest.mark.parametrize(
    ("shown", "parts", "sentence"),
    [
        ("message", [], "looked at message 309."),
        ("message", ["Email body"], "looked at message 309 with its Email body."),
        ("message", ["Email body", "recipients"], "looked at message 309 with its Email body and its recipients."),
        ("recipients", ["message", "a", "b"], "looked at message 309 with its recipients, its a and its b."),
        ("recipients", ["unreached people"], "looked at the recipients and the unreached people of message 309."),
    ],
)
def test_a_look_with_all_its_parts_is_one_sentence(shown, parts, sentence):
    event = AuditEvent(who="Ruiz, Ana", action="message.viewed", details={"message": 309, "shown": shown})
    event.parts = parts
    assert audit_sentence(event) == f"Ana Ruiz {sentence}"


def test_what_was_done_as_another_person_says_so():
    event = AuditEvent(who="Ruiz, Ana", action="message.viewed", details={"message": 309, "as": "mai"})
    assert audit_sentence(event) == "Ana Ruiz, who saw the product as mai, looked at message 309."


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("message.canceled", "Canceled a message"),
        ("user_group.member_added", "Added … to the user group …"),
        ("api_token.issued", "Got a token for the REST API"),
        ("message.viewed", "Looked at a message"),
        ("export.recipient_log", "Exported a list: Messenger > Recipient Log"),
        ("sync.started", "Sync: started"),
    ],
)
def test_an_action_to_choose_reads_as_its_sentence(action, words):
    assert action_text(action) == words


def test_the_details_have_what_the_sentence_does_not_say_and_no_keys_of_the_code():
    details = {"message": 309, "shown": "recipients", "searched": ["0f" * 16], "as": "mai"}
    [(label, words)] = detail_lines(AuditEvent(action="message.viewed", details=details))
    assert (label, "0f" in words) == ("Searched for", False)
    after = {"is_active": False, "groups": ["A", "B"], "schools": []}
    event = AuditEvent(action="account.changed", details={"after": after, "second_factor": True})
    assert detail_lines(event) == [
        ("Second factor", "yes"),
        ("After", "May sign in: no, Groups: A, B, Schools: none"),
    ]


def actions_of_the_source():
    """Each action that the code of the product names."""
    found = set()
    for folder in {str(config.path).split("/")[-1] for config in apps.get_app_configs()} & set(os.listdir(ROOT)):
        for file in (ROOT / folder).rglob("*.py"):
            for line in re.findall(r"(?:action=|action = |_record\()(.+)", file.read_text()):
                found |= set(re.findall(r"\"([a-z_]+\.[a-z_]+)\"", line))
    return found


def test_every_action_of_the_product_has_words():
    actions = actions_of_the_source()
    assert len(actions) > 40
    assert {action for action in actions if not has_words(action)} == set()


@pytest.mark.slow
@given(st.text(max_size=40), st.text(max_size=40), st.dictionaries(st.text(max_size=9), st.integers() | st.text()))
def test_whatever_an_event_has_it_is_a_sentence(action, target, details):
    assert audit_sentence(AuditEvent(action=action, target=target, details=details)).endswith(".")
    for known in ("message.viewed", "import.finished", "access.refused", "export.x", "report.x"):
        assert audit_sentence(AuditEvent(action=known, target=target, details=details)).endswith(".")


# What an event is about


def about(client, **values):
    """The sentence, and what or whom it was about, of each event of a message or a report."""
    rows = exported_rows(client.get(TRAIL, {"who": "Matthews", "export": "csv"} | values))
    return [(row["What happened"].removeprefix("Dexter Matthews "), row["What or whom"]) for row in rows]


def test_a_message_is_named_by_its_subject_as_it_is_now(client, dexter):
    message = make_message(subject="Snow day")
    record_message_view(message, by=dexter, part="message")
    sentence = f"looked at message {message.pk}."
    assert about(client) == [(sentence, "Snow day")]
    for subject, shown in (("Ice day", "Ice day"), ("", "(no subject)")):
        SentMessage.objects.filter(pk=message.pk).update(subject=subject)
        assert about(client) == [(sentence, shown)]
    message.delete()
    assert about(client) == [(sentence, AuditEvent.objects.get(action="message.viewed").target)]


def test_a_message_is_found_by_its_subject_and_so_are_events_of_a_version_that_kept_it(client, dexter):
    message = make_message(subject="Snow day")
    record_message_view(message, by=dexter, part="message")
    record_message_view(make_message(subject="Soup day"), by=dexter, part="message")
    record_audit_event(by=dexter, action="message.canceled", target="Snow days of old", details={"message": 7})
    found = [("canceled message 7.", "Snow days of old"), (f"looked at message {message.pk}.", "Snow day")]
    assert about(client, target="snow") == found


def test_an_uploaded_file_is_named_and_found_as_long_as_it_is_kept(client, dexter):
    times = {"asked_at": timezone.now(), "expires_at": timezone.now() + timedelta(days=1)}
    job = ImportJob.objects.create(owner=dexter, file_name="snow.csv", digest="0", size=1, map_name="x", **times)
    for target in (job.recorded_name, "soup.csv"):
        record_audit_event(by=dexter, action="import.started", target=target, details={"import": job.pk})
    found = [(f"started the import of the file {name}.", name) for name in ("soup.csv", "snow.csv")]
    assert about(client, target="snow") == found, "what an event of a version before has stays"
    ImportJob.objects.all().delete()
    assert {name for _, name in about(client)} == {job.recorded_name, "soup.csv"}


def test_a_report_is_named_by_its_kind_and_the_subject_of_its_message(client, dexter):
    message = make_message(subject="Snow day")
    for details, name in (
        ({"kind": "sent-message", "message": message.pk}, "Sent Message Report: Snow day"),
        ({"kind": "recipient"}, "Recipient Report"),
        ({"kind": "listing", "list": "sent_message_log"}, "Sent Message Log"),
        (
            {"kind": "listing", "list": "sent_message_log_message_recipients", "message": message.pk},
            "Recipients of Snow day",
        ),
        ({"kind": "listing", "list": "of another version"}, "Export"),
    ):
        record_audit_event(by=dexter, action="report.removed", target="Report 9", details={"report": 9, **details})
        assert about(client)[0] == (f"removed the report “{name}”.", name)
    record_audit_event(by=dexter, action="report.removed", target="Kept before", details={"report": 9})
    assert about(client)[0] == ("removed the report “Kept before”.", "Kept before")


@pytest.mark.parametrize("number", ["x", [1], {"a": 1}, 10**30, -1, 1.5, None, True])
def test_what_is_no_number_of_a_message_names_none(client, dexter, number):
    record_audit_event(by=dexter, action="message.canceled", target="Odd", details={"message": number})
    assert about(client)[0][1] == "Odd"


def test_the_number_of_queries_does_not_grow_with_the_messages(client, dexter):
    def look():
        for _ in range(9):
            record_message_view(make_message(), by=dexter, part="message")
        with CaptureQueriesContext(connection) as queries:
            assert "looked at message" in client.get(TRAIL).text
        return len(queries)

    look()
    assert look() == look()


# Who saw a message, or a family


@pytest.fixture
def looks(dexter):
    """A message to Mai and one to Lia; and who looked at what."""
    messages = [make_message(subject=subject) for subject in ("One", "Two")]
    make_recipient(messages[0], person_id="4711", name="Vang, Mai", student_number="9001", student_name="Vang, Bee")
    make_recipient(messages[1], person_id="4712", name="Yang, Lia", student_number="9002", student_name="Yang, Pa")
    for number, message in enumerate(messages):
        for shown in ("message", "recipients"):
            details = {"message": message.pk, "shown": shown}
            record_audit_event(by=dexter, action="message.viewed", target=message.subject, details=details)
        record_audit_event(by=dexter, action="person.viewed", target="Log", details={"person": f"471{number + 1}"})
        record_audit_event(
            by=dexter, action="contact.viewed", target="Contact 1", details={"people": [f"471{number + 1}"]}
        )
    record_audit_event(by=dexter, action="export.x", details={"message": messages[0].pk, "format": "csv", "rows": 1})
    return messages


def who_saw(user, **values):
    """The events that the list shows, as pairs of action and what it was about."""
    listing = registry["who_saw"].open(user, values)
    notices = listing.fetch()
    about = [[row.details.get(name) for name in ("message", "person", "people")] for row in listing.page.rows]
    rows = [(row.action, next(filter(None, one))) for row, one in zip(listing.page.rows, about, strict=True)]
    return rows, notices


def test_who_saw_a_message_is_all_that_was_done_with_it(auditor, looks):
    rows, _ = who_saw(auditor, message=str(looks[1].pk))
    assert rows == [("message.viewed", looks[1].pk)] * 2
    asked = AuditEvent.objects.get(action="audit.asked")
    assert audit_sentence(asked) == f"auditor asked who saw message {looks[1].pk}."


@pytest.mark.parametrize("text", ["4711", "Vang, Mai", "mai vang", "9001", "Vang, Bee"])
def test_who_saw_a_family_is_asked_by_person_or_student(auditor, looks, text):
    rows, notices = who_saw(auditor, person=text)
    assert rows == [
        ("export.x", looks[0].pk),
        ("contact.viewed", ["4711"]),
        ("person.viewed", "4711"),
        ("message.viewed", looks[0].pk),  # its recipients; who saw only the message saw no family
    ]
    assert notices[0] == "Person id 4711.", "the right to the trail opens no names"
    asked = AuditEvent.objects.get(action="audit.asked").details
    assert asked == {"people": ["4711"], "about": "person 4711"}, "what was typed is not kept"


@pytest.fixture
def seen_by(make_user):
    """Return a function that lets a person see parts of a message."""

    def see(message, *parts, by=None, **details):
        by = by or make_user()
        for part in parts:
            record_message_view(message, by=by, part=part, **details)
        return by

    return see


def sentences(auditor, name="audit_trail", **values):
    listing = registry[name].open(auditor, values)
    listing.fetch()
    return [audit_sentence(event) for event in listing.page.rows if event.action == "message.viewed"]


def test_a_page_with_its_fragments_is_one_row_and_found_by_the_number_of_the_message(auditor, seen_by):
    message, other = make_message(), make_message()
    reader = seen_by(message, "message", "Email body", "Inbox body", "message", "Email body", "recipients")
    seen_by(other, "message", by=reader)
    seen_by(message, "recipients")
    both = sentences(auditor, message=str(message.pk), happened_from="2020-01-01")
    assert [words.partition(" looked at ")[2] for words in both] == [
        f"the recipients of message {message.pk}.",
        f"message {message.pk} with its Email body, its Inbox body and its recipients.",
    ]
    assert AuditEvent.objects.filter(action="message.viewed").count() == 6, "the trail keeps each part"
    assert len(sentences(auditor, "who_saw", message=str(message.pk))) == 2


def test_a_look_ends_after_half_an_hour_and_another_persons_values_are_another_look(auditor, seen_by, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    message = make_message()
    reader = seen_by(message, "message", "Email body")
    seen_by(message, "message, with a recipient's values", "Email body", by=reader, person="4711")
    time_machine.shift(LOOK)
    seen_by(message, "Email body", by=reader)
    number = f"message {message.pk}"
    assert [words.partition(" looked at ")[2] for words in sentences(auditor)] == [
        f"the Email body of {number}.",
        f"{number} with its Email body and the values of person 4711.",
        f"{number} with its Email body.",
    ]


@pytest.mark.slow
@given(st.lists(st.sampled_from(["message", "Email body", "recipients"]), min_size=1, max_size=6))
def test_whatever_parts_somebody_sees_it_is_one_look_with_each_part_once(parts):
    message, reader = make_message(), User.objects.create_user(uuid4().hex)
    for part in parts:
        record_message_view(message, by=reader, part=part)
    [look] = AuditEvent.objects.of_message(message.pk).as_looks()
    assert [look.details["shown"], *look.parts] == list(dict.fromkeys(parts))


def test_who_saw_a_family_knows_a_list_that_came_later_in_a_look(auditor, looks, seen_by):
    seen_by(looks[1], "message", "recipients")
    assert who_saw(auditor, person="4712")[0][0] == ("message.viewed", looks[1].pk)


def test_what_was_done_with_one_message_is_asked_for_a_year(auditor, seen_by, time_machine):
    message = make_message()
    seen_by(message, "message")
    time_machine.move_to(timezone.now() + timedelta(days=300))
    assert sentences(auditor) == []
    assert len(sentences(auditor, message=str(message.pk))) == 1


def test_without_an_exact_question_nothing_is_shown(auditor, looks):
    assert who_saw(auditor)[0] == []
    rows, notices = who_saw(auditor, person="ang")
    assert rows == []
    assert notices == ["Several people match. Enter the whole name, or a person id."]
    assert who_saw(auditor, person="Nobody At All")[0] == []
    assert not AuditEvent.objects.filter(action="audit.asked").exists()
    listing = registry["who_saw"].open(auditor, {"person": "ang"})
    listing.check_export()
    assert listing.errors


def test_who_may_see_everybodys_records_is_offered_names(looks, make_user):
    both = make_user(Tool.AUDIT_TRAIL, Tool.ADMIN_RECIPIENT_LOG)
    assert "Vang, Mai, person id 4711, about Vang, Bee (9001)." in who_saw(both, person="4711")[1]
    assert [notice.count('value="471') for notice in who_saw(both, person="ang")[1]] == [0, 1, 1]


@pytest.mark.parametrize("text", ["4711", "Vang, Mai", "9001", "Vang, Bee", "ang", "Nobody At All", ""])
def test_with_the_trail_of_some_schools_nobody_learns_of_a_family_or_a_look(looks, make_user, text):
    """The trail is of no school, so not even that somebody is on record shows: the answer is the same for each text."""
    user = hold_for(make_user(Tool.AUDIT_TRAIL), make_school("Harrison High"))
    of_no_school = "What is in the trail is of no school. It is shown to those who have this tool for all schools."
    for message in ("", str(looks[0].pk)):
        assert who_saw(user, person=text, message=message) == ([], [of_no_school])


@pytest.mark.slow
def test_the_way_to_it_is_for_those_with_the_right(auditor, looks, make_user, signed_in):
    message = reverse("web:admin_sent_message_log_message", args=[looks[0].pk])
    both = signed_in(make_user(Tool.AUDIT_TRAIL, Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_RECIPIENT_LOG))
    only_one = signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_RECIPIENT_LOG))
    link = f"{reverse('web:audit_trail')}?message={looks[0].pk}"
    button = 'form="who-saw-form" name="person" value="4711"'
    log = reverse("web:admin_recipient_log")
    for client, shown in ((both, True), (only_one, False)):
        assert (link in client.get(message).text) == shown
        assert (button in client.post(log, {"person": "4711"}, follow=True).text) == shown
    page = both.post(reverse("web:who_saw"), {"person": "4711"}, follow=True)
    assert "looked at the record of person 4711" in page.text
    assert "4711" not in page.request["QUERY_STRING"]


def test_the_trail_says_when_its_chain_was_checked(client, auditor):
    record_audit_event(by=None, action="audit.verified", details={"head": "1:00"})
    assert "nobody had changed it" in client.get(TRAIL).text
    record_audit_event(by=None, action="audit.broken", details={"first": "Event 7 was deleted."})
    page = client.get(TRAIL).text
    assert "it is broken: Event 7 was deleted. Tell your administrator." in page
