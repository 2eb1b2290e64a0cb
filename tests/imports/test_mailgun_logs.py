"""Logs that Mailgun exports."""

import pytest

from messenger_logs.models import Delivery, SentMessage
from tests.imports.files import a_file, run

pytestmark = pytest.mark.django_db

HEAD = "Timestamp,Event,Recipient,Subject,From,Message-Id,Severity,Reason\n"
EVENTS = [
    "2026-11-20T23:59:00Z,accepted,mai@example.org,Snow,office@example.org,<1@mg>,,",
    "2026-11-20T15:00:00Z,accepted,hoa@example.org,Snow,office@example.org,<2@mg>,,",
    "2026-11-20T15:00:09Z,delivered,hoa@example.org,Snow,office@example.org,<2@mg>,,",
    "2026-11-20T15:00:05Z,failed,hoa@example.org,Snow,office@example.org,<2@mg>,temporary,busy",
    "2026-11-20T15:00:20Z,opened,hoa@example.org,Snow,office@example.org,<2@mg>,,",
    "2026-11-22T10:00:00Z,failed,mai@example.org,Snow,office@example.org,<1@mg>,permanent,No such mailbox",
    "2026-11-20T15:01:00Z,failed,tou@example.org,Snow,office@example.org,<3@mg>,permanent,suppress-bounce",
    "2026-11-20T15:02:00Z,delivered,tou@example.org,Lunch,office@example.org,<4@mg>,,",
]


@pytest.mark.slow
@pytest.mark.parametrize("turned", [False, True])
def test_the_last_word_about_each_address_counts_in_any_order(turned, tmp_path):
    counts = run(a_file(tmp_path, HEAD + "\n".join(reversed(EVENTS) if turned else EVENTS)), "mailgun-logs")
    assert counts.refusals == []
    found = Delivery.objects.order_by("message__subject", "address")
    assert [(d.message.subject, d.address, d.status, d.email_outcome, d.email_reason) for d in found][:3] == [
        ("Lunch", "tou@example.org", "sent", "delivered", ""),
        ("Snow", "hoa@example.org", "sent", "delivered", ""),
        ("Snow", "mai@example.org", "sent", "failed-permanent", "No such mailbox"),
    ]
    assert Delivery.objects.get(email_outcome="suppressed").address == "tou@example.org"
    assert Delivery.objects.get(address="hoa@example.org").provider_id == "2@mg"


def test_another_file_of_the_same_day_changes_nothing_and_says_so(tmp_path):
    run(a_file(tmp_path, HEAD + "\n".join(EVENTS[1:3])), "mailgun-logs")
    counts = run(a_file(tmp_path, HEAD + "\n".join([*EVENTS[1:3], EVENTS[6]])), "mailgun-logs")
    assert (counts.new, counts.here) == (0, 1)
    assert any("another recipients" in note for note in counts.notes)
    assert SentMessage.objects.count() == 1


@pytest.mark.parametrize("above", ["", "Title,Mailgun Message Report,,,,\nTotal Events,1,,,,\n,,,,,\n"])
def test_our_own_export_of_the_mailgun_message_log_comes_in(tmp_path, above):
    text = f"{above}Event,Event Time Stamp,Recipient PersonID,Recipient Email,Subject,Reason\n"
    text += "Failed (permanent),11/20/2026 9:00:05 AM,77,mai@example.org,Snow,gone\n"
    assert run(a_file(tmp_path, text), "mailgun-logs").refusals == []
    delivery = Delivery.objects.get()
    assert (delivery.recipient.person_id, delivery.email_outcome) == ("77", "failed-permanent")


def test_an_event_without_a_time_or_an_address_refuses_its_message(tmp_path):
    counts = run(
        a_file(tmp_path, HEAD + "soon,delivered,m@example.org,A,o@example.org,,,\n,delivered,,A,o@example.org,,,"),
        "mailgun-logs",
    )
    assert counts.new == 0
    assert [row for row, _ in counts.refusals] == [2, 2, 3, 3]
