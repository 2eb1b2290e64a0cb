"""The message page: Delivery Summary, criteria, detail, bodies (product.md, section 2)."""

from datetime import timedelta

import pytest

from accounts.models import AuditEvent
from accounts.tools import Right, Tool
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.models import MessageModeTotals, SentMessage
from messenger_logs.services.totals import recount
from tests.listings.letter_log import Shown
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.messenger_logs.reach.people import one_a_minute
from tests.web.sent_message_log.conftest import NOON, open_page

pytestmark = pytest.mark.django_db

OWN, ALL = "/messenger/sent-message-log/", "/messenger-administration/sent-message-log/"
HTMX = {"HX-Request": "true"}


def facts(page, section="delivery-summary"):
    """The labels and values of a section."""
    terms = page.root.xpath(f"//section[@id='{section}' or @aria-labelledby='{section}']//dl/div[dt]")
    return {one.xpath("dt")[0].text_content(): " ".join(one.xpath("dd")[0].text_content().split()) for one in terms}


def page_of(client, message, root=ALL, **query):
    return open_page(client, f"{root}{message.pk}/", **query)


@pytest.fixture
def big_message():
    """Every mode, shared addresses, somebody without a device, a person about two students."""
    message = make_message(modes=list(Mode), status="in_progress")
    mai = make_recipient(message, person_id="mai")
    for mode in Mode:
        make_delivery(mai, mode=mode, address="shared" if mode is Mode.EMAIL else "+17635550100")
    again = make_recipient(message, person_id="mai", student_number="2")
    make_delivery(again, address="shared")
    make_delivery(make_recipient(message), address="waits@example.com", status=DeliveryStatus.WAITING)
    make_delivery(make_recipient(message), mode=Mode.INBOX, status=DeliveryStatus.WAITING)
    make_delivery(make_recipient(message), address="")
    recount(message_id=message.pk)
    return message


# Delivery Summary


@pytest.mark.slow
def test_the_summary_shows_who_and_when(administrator):
    message = make_message(sender_name="Matthews, Dexter", created_at=NOON, scheduled_at=NOON + timedelta(hours=1))
    summary = facts(page_of(administrator, message))
    assert summary["Status"].startswith("✓ Sent Handed to the providers")
    assert summary["Sender"] == "Matthews, Dexter"
    assert summary["Date/Time Created"] == "11/20/2026 12:00 PM"
    assert summary["Date/Time Scheduled"] == "11/20/2026 1:00 PM"


@pytest.mark.parametrize(
    ("reached", "told"),
    [
        (10, "half by 11/20/2026 12:05:00 PM, 90 % by 11/20/2026 12:09:00 PM, 99 % by 11/20/2026 12:10:00 PM"),
        (9, "half by 11/20/2026 12:05:00 PM, 90 % by 11/20/2026 12:09:00 PM"),
        (5, "half by 11/20/2026 12:05:00 PM"),
        (4, ""),
    ],
)
def test_it_says_by_when_half_90_and_99_percent_of_the_people_were_reached(administrator, reached, told):
    page = page_of(administrator, one_a_minute(NOON, reached=reached))
    assert page.texts("//*[@id='reached-times']") == ([f"Reached: {told}."] if told else [])


@pytest.mark.slow
def test_the_start_times_are_shown_while_it_waits_and_not_after(administrator):
    times = {"email_start_at": NOON + timedelta(hours=2), "voice_start_at": NOON + timedelta(hours=3)}
    summary = facts(page_of(administrator, make_message(status="waiting", **times)))
    assert summary["Inbox/Email Start Time"] == "11/20/2026 2:00 PM"
    assert summary["Voice/Text Start Time"] == "11/20/2026 3:00 PM"
    assert "Inbox/Email Start Time" not in facts(page_of(administrator, make_message(**times)))


def test_the_figures_count_people_and_devices_once(administrator, big_message):
    summary = facts(page_of(administrator, big_message))
    assert {label: summary[label] for label in summary if label.startswith("Total")} == {
        "Total Recipients": "4",
        "Total No Device": "1",
        "Total Inbox": "1",
        "Total Emails": "2",
        "Total Voice": "1",
        "Total Text": "1",
    }
    assert summary["Recipients contacted successfully by phone"] == "1"
    assert summary["Recipients not contacted by phone"] == "3"


def test_contact_by_phone_is_counted_only_for_messages_with_voice_or_text(administrator):
    summary = facts(page_of(administrator, make_message(modes=[Mode.INBOX, Mode.EMAIL])))
    assert not [label for label in summary if "by phone" in label]


@pytest.mark.slow
@pytest.mark.parametrize("figure", ["inbox", "email", "voice", "text", "no_device"])
def test_each_figure_leads_to_the_rows_behind_it(administrator, big_message, figure):
    page = page_of(administrator, big_message)
    number = page.texts(f"//*[@id='figure-{figure}']")[0]
    rows = open_page(administrator, page.href(f"figure-{figure}"))
    assert str(len(rows.column(1))) == number


CALL_SHEET = ": call sheet (opens in a new tab) · unreached people"
PEOPLE = "//section[@id='delivery-summary']/p[strong]"
BARS = "//*[starts-with(@id, 'bar-progress-')]"
LABELS = f"{BARS}/*[@class='bar-label']"


def leads(page):
    """The percentage of each mode, in words."""
    return page.texts(f"{BARS}//li[1]")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("figure", "people"),
    [("recipients", 4), ("no_device", 1), ("contacted_by_phone", 1), ("not_contacted_by_phone", 3)],
)
def test_a_figure_that_counts_people_leads_to_a_list_of_people(administrator, big_message, figure, people):
    rows = open_page(administrator, page_of(administrator, big_message).href(f"figure-{figure}"))
    assert len(rows.column(1)) == len(set(rows.column(1))) == people
    assert "Delivery Mode" not in rows.texts("//th")
    assert "Each person has one row here." in rows.message_text


@pytest.mark.slow
def test_the_people_it_reached_stand_in_a_bar_and_each_part_lists_them(administrator, big_message):
    page = page_of(administrator, big_message)
    assert page.texts(PEOPLE) == [f"1 of 4 people were reached so far, 3 not yet{CALL_SHEET}"]
    parts = page.texts("//*[@id='bar-people']//*[starts-with(@id, 'people-part-')]")
    assert parts == [
        "✓ 1 reached",
        "◐ 0 handed over, not confirmed",
        "✕ 2 not reached",
        "■ 0 canceled",
        "▲ 1 no device",
    ]
    rows = open_page(administrator, page.href("people-part-3"))
    assert len(rows.column(1)) == len(set(rows.column(1))) == 2
    assert "Each person has one row here." in rows.message_text
    by_mode = page.root.xpath("//details[@id='people-by-mode']//tr[th='Email']//a")
    assert [link.text for link in by_mode] == ["0", "1", "1", "0", "2"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("waiting", []),
        ("in_progress", [f"0 of 3 people were reached so far, 2 not yet{CALL_SHEET}"]),
        ("sent", [f"0 of 3 people were reached, 2 not{CALL_SHEET}"]),
    ],
)
def test_nobody_was_missed_by_a_message_that_waits(administrator, status, said):
    message = make_message(modes=[Mode.EMAIL], status=status)
    make_delivery(make_recipient(message))
    make_delivery(make_recipient(message), email_outcome="failed-permanent")
    make_recipient(message)
    recount(message_id=message.pk)
    page = page_of(administrator, message)
    assert page.texts(PEOPLE) == said
    assert page.texts("//*[@id='unreached-people']") == (["unreached people"] if said else [])


def test_people_and_devices_have_headings_of_their_own(administrator, big_message):
    page = page_of(administrator, big_message)
    assert page.texts("//*[@class='figures-of']") == ["People", "Devices", "E-mails"]


@pytest.mark.slow
def test_a_bar_is_full_only_where_all_devices_were_reached(administrator):
    message = make_message(modes=[Mode.EMAIL, Mode.VOICE, Mode.TEXT], status="error")
    for outcome in ("delivered", "delivered", "failed-permanent", "suppressed"):
        make_delivery(make_recipient(message), email_outcome=outcome)
    for status in ("failed", "busy", "no_answer", "canceled"):
        make_delivery(make_recipient(message), mode=Mode.VOICE, status=status)
    make_delivery(make_recipient(message), mode=Mode.TEXT, status="not_eligible")
    recount(message_id=message.pk)
    page = page_of(administrator, message)
    assert leads(page) == ["50 % (2 of 4)", "0 % (0 of 4)", "no device to deliver to"]
    assert page.texts(f"{BARS}//li/a") == [
        "✓ 2 delivered",
        "✕ 1 failed",
        "■ 1 suppressed",
        "✕ 1 failed",
        "○ 2 not reached (busy, no answer)",
        "■ 1 canceled",
        "◆ 1 opted out or not eligible",
    ]
    for part, number in (("email-part-1", 2), ("email-part-3", 1), ("voice-part-2", 2), ("text-part-1", 1)):
        assert len(open_page(administrator, page.href(f"progress-{part}")).column(1)) == number


@pytest.mark.slow
def test_each_figure_of_the_e_mails_leads_to_its_rows(administrator):
    message = make_message()
    outcomes = ["delivered"] * 3 + ["failed-permanent", "rejected", "suppressed", "complained", "accepted", ""]
    for outcome in outcomes:
        make_delivery(make_recipient(message), email_outcome=outcome)
    make_delivery(make_recipient(message), status="error")
    make_delivery(make_recipient(message), address=message.deliveries.earliest("pk").address)
    recount(message_id=message.pk)
    page = page_of(administrator, message)
    expected = {"delivered": 3, "failed": 2, "suppressed": 1, "complained": 1, "not_known": 2, "refused": 3}
    assert {name: int(page.root.xpath(f"//*[@id='figure-email_{name}']")[0].text) for name in expected} == expected
    for name, number in expected.items():
        assert len(open_page(administrator, page.href(f"figure-email_{name}")).column(1)) == number
    assert "✕ 1 not handed over" in page.texts(f"{BARS}//li/a")


def test_there_is_a_bar_with_words_for_each_mode_in_use(administrator, big_message):
    page = page_of(administrator, big_message)
    assert page.texts(LABELS) == [f"{mode.label} Delivery Progress" for mode in Mode]
    assert leads(page) == [
        "50 % (1 of 2)",
        "50 % (1 of 2)",
        "100 % (1 of 1)",
        "100 % (1 of 1)",
    ]


def test_a_mode_not_in_use_has_no_bar(administrator):
    message = make_message()
    make_delivery(make_recipient(message))
    recount(message_id=message.pk)
    assert page_of(administrator, message).texts(LABELS) == ["Email Delivery Progress"]


def test_a_mode_that_reaches_no_device_says_so(administrator):
    message = make_message(modes=[Mode.TEXT])
    recount(message_id=message.pk)
    assert leads(page_of(administrator, message)) == ["no device to deliver to"]


@pytest.mark.slow
def test_99_of_100_percent_is_not_rounded_up(administrator):
    message = make_message(status="in_progress")
    for i in range(201):
        make_delivery(make_recipient(message), status=DeliveryStatus.SENT if i else DeliveryStatus.WAITING)
    recount(message_id=message.pk)
    assert leads(page_of(administrator, message)) == ["99 % (200 of 201)"]


def test_large_numbers_are_grouped_on_screen_alone(administrator, big_message):
    MessageModeTotals.objects.filter(totals=big_message.pk, mode="voice").update(devices=12_304, success=12_304)
    page = page_of(administrator, big_message)
    assert facts(page)["Total Voice"] == "12,304"
    assert "100 % (12,304 of 12,304)" in leads(page)


@pytest.mark.parametrize(
    ("fields", "live"),
    [
        ({"status": "waiting"}, True),
        ({"status": "in_progress"}, True),
        ({"status": "sent"}, False),
        ({"status": "error"}, False),
        ({"status": "canceled_ip", "cancel_asked_at": NOON, "canceled_by_name": "A"}, True),
        (
            {"status": "canceled", "cancel_asked_at": NOON, "canceled_by_name": "A", "cancel_completed_at": NOON},
            False,
        ),
    ],
)
def test_it_refreshes_itself_only_while_it_can_change(administrator, fields, live):
    page = page_of(administrator, make_message(**fields))
    assert bool(page.root.xpath("//*[@id='delivery-summary'][@data-live]")) is live


@pytest.mark.slow
def test_htmx_gets_the_summary_alone_with_new_figures(administrator, big_message):
    before = administrator.get(f"{ALL}{big_message.pk}/", headers=HTMX)
    assert b"<html" not in before.content
    assert "HX-Request" in before["Vary"]
    big_message.deliveries.filter(status="waiting").update(status="sent", outcome="success")
    SentMessage.objects.update(status="sent")
    recount(message_id=big_message.pk)
    after = Shown(administrator.get(f"{ALL}{big_message.pk}/", headers=HTMX))
    assert facts(after)["Status"].startswith("✓ Sent")
    assert [lead.partition(" (")[0] for lead in leads(after)] == ["100 %"] * 4
    assert after.root.get("data-live") is None


def test_refresh_status_works_without_script(administrator):
    message = make_message()
    (form,) = page_of(administrator, message).root.xpath("//form[.//button[normalize-space()='Refresh Status']]")
    assert (form.get("method"), form.get("action")) == ("get", f"{ALL}{message.pk}/")


def test_it_says_which_moment_the_figures_are_of(administrator):
    message = make_message()
    assert "as of 12:00:00 PM" in page_of(administrator, message).texts("//*[@class='as-of']")


@pytest.mark.slow
def test_who_canceled_when_it_was_asked_and_when_complete(administrator):
    asked = {"status": "canceled_ip", "canceled_by_name": "Matthews, Dexter", "cancel_asked_at": NOON}
    summary = facts(page_of(administrator, make_message(**asked)))
    assert summary["Canceled By"] == "Matthews, Dexter"
    assert summary["Cancel Asked"] == "11/20/2026 12:00:00 PM"
    assert summary["Cancel Complete"] == "not yet"
    complete = facts(page_of(administrator, make_message(**asked, cancel_completed_at=NOON + timedelta(seconds=7))))
    assert complete["Cancel Complete"] == "11/20/2026 12:00:07 PM"
    assert "Canceled By" not in facts(page_of(administrator, make_message()))


def test_a_message_of_which_nothing_was_counted_shows_zeros(administrator):
    summary = facts(page_of(administrator, make_message()))
    assert summary["Total Recipients"] == "0"


# Criteria and detail


def test_the_filter_criteria_are_labels_and_values(administrator):
    message = make_message(criteria=[["Deliver To", "Student Messenger Contacts"], ["Filter Operation", "Union"]])
    assert facts(page_of(administrator, message), "criteria-heading") == {
        "Deliver To": "Student Messenger Contacts",
        "Filter Operation": "Union",
    }


def test_the_detail_has_reply_to_and_attachments(administrator):
    message = make_message(
        reply_to="office@example.com", attachments=[{"name": "Flyer.pdf", "size": 20480}, {"name": "a.txt", "size": 3}]
    )
    detail = facts(page_of(administrator, message), "detail-heading")
    assert detail["Reply To Email"] == "office@example.com"
    assert detail["Attachments"] == "Flyer.pdf (20.0 KB), a.txt (3 bytes)"


def test_texts_for_phones_stand_on_the_page_and_mails_in_frames(administrator):
    bodies = {"email": "<b>mail</b>", "inbox": "in", "voice": "Say <i>this</i>", "text": "txt"}
    page = page_of(administrator, make_message(bodies=bodies))
    assert page.texts("//h3") == ["Inbox", "Email", "Voice", "Text"]
    assert page.texts("//*[@class='body-text']") == ["Say <i>this</i>", "txt"]
    frames = page.root.xpath("//iframe")
    assert [frame.get("title") for frame in frames] == ["Inbox body", "Email body"]
    assert [frame.get("sandbox") for frame in frames] == ["allow-same-origin"] * 2, "no script runs"
    assert "<b>mail</b>" not in page.html


# The frame


def body_of(client, message, mode="email", root=ALL, **query):
    return client.get(f"{root}{message.pk}/body/{mode}/", query)


def test_the_frame_runs_and_fetches_nothing(administrator):
    response = body_of(administrator, make_message(bodies={"email": "<script>alert(1)</script><p>Hello</p>"}))
    policy = {part.strip() for part in response["Content-Security-Policy"].split(";")}
    assert {
        "sandbox allow-same-origin",
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        "frame-ancestors 'self'",
    } <= policy
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response["Cache-Control"] == "private, no-store"
    assert "<p>Hello</p>" in response.content.decode()


def test_pages_of_ours_stay_out_of_frames(administrator):
    assert "frame-ancestors 'none'" in administrator.get(ALL)["Content-Security-Policy"]


def test_a_plain_text_in_the_frame_keeps_its_characters(administrator):
    response = body_of(administrator, make_message(bodies={"email": "1 < 2 & 3\nnext"}))
    assert "1 &lt; 2 &amp; 3\nnext" in response.content.decode()


@pytest.mark.parametrize("mode", ["text", "inbox", "fax"])
def test_there_is_no_frame_for_what_has_none(administrator, mode):
    assert body_of(administrator, make_message(bodies={"email": "x", "text": "x"}), mode).status_code == 404


# Merge fields


@pytest.fixture
def merged_message():
    text = "Dear parent of {{student.firstName}} {{ student.lastName }}"
    message = make_message(bodies={"email": f"<p>{text}</p>", "text": text})
    return message, make_recipient(message, name="Vang, Pa", merge_fields={"student.firstName": "Mai <b>"})


def test_merge_fields_show_their_names(administrator, merged_message):
    message, _ = merged_message
    names = "Dear parent of student.firstName student.lastName"
    assert page_of(administrator, message).texts("//*[@class='body-text']") == [names]
    assert f"<p>{names}</p>" in body_of(administrator, message).content.decode()


def test_with_the_right_they_show_a_recipients_values(make_user, signed_in, merged_message):
    message, recipient = merged_message
    client = signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG, (Tool.ADMIN_SENT_MESSAGE_LOG, Right.MERGE_FIELD_VALUES)))
    make_delivery(recipient)
    recipients = client.get(f"{ALL}{message.pk}/recipients/").content.decode()
    assert f'href="{ALL}{message.pk}/?recipient={recipient.pk}"' in recipients
    page = page_of(client, message, recipient=str(recipient.pk))
    assert page.texts("//*[@class='body-text']") == ["Dear parent of Mai <b> student.lastName"]
    assert "values for Vang, Pa" in page.html
    (frame,) = page.root.xpath("//iframe/@src")
    assert "<p>Dear parent of Mai &lt;b&gt; student.lastName</p>" in client.get(frame).content.decode()


@pytest.mark.slow
def test_without_the_right_values_are_refused_everywhere(administrator, make_user, signed_in, sender, merged_message):
    message, recipient = merged_message
    SentMessage.objects.update(sender=sender)
    everything_but_values = signed_in(sender)
    for client, root in [(administrator, ALL), (everything_but_values, OWN)]:
        for part in ("", "body/email/"):
            response = client.get(f"{root}{message.pk}/{part}", {"recipient": str(recipient.pk)})
            assert response.status_code == 403
            assert "Mai" not in response.content.decode()
        assert "?recipient=" not in client.get(f"{root}{message.pk}/recipients/").content.decode()


def test_values_belong_to_the_administration_tool_alone(make_user, signed_in, merged_message):
    message, recipient = merged_message
    user = make_user(Tool.SENT_MESSAGE_LOG, (Tool.ADMIN_SENT_MESSAGE_LOG, Right.MERGE_FIELD_VALUES))
    SentMessage.objects.update(sender=user)
    assert signed_in(user).get(f"{OWN}{message.pk}/", {"recipient": str(recipient.pk)}).status_code == 403


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["0", "x", "-1", "9" * 40, "²"])
def test_a_recipient_that_is_none_of_the_message_is_not_there(make_user, signed_in, merged_message, asked):
    message, _ = merged_message
    client = signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG, (Tool.ADMIN_SENT_MESSAGE_LOG, Right.MERGE_FIELD_VALUES)))
    assert client.get(f"{ALL}{message.pk}/", {"recipient": asked}).status_code == 404
    stranger = make_recipient(make_message())
    assert client.get(f"{ALL}{message.pk}/", {"recipient": str(stranger.pk)}).status_code == 404


# Rights and the audit trail


@pytest.mark.parametrize("part", ["", "recipients/", "recipients/?export=csv", "body/email/"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_message_of_somebody_else_is_not_there(signed_in, sender, part, headers):
    message = make_message(subject="secret", bodies={"email": "secret"})
    response = signed_in(sender).get(f"{OWN}{message.pk}/{part}", headers=headers)
    assert response.status_code == 404
    assert "secret" not in response.content.decode()


@pytest.mark.parametrize("fields", [{"engine": "v2"}, {"listed_from": NOON + timedelta(hours=1)}])
def test_what_no_classic_log_lists_has_no_page_here(administrator, signed_in, sender, fields):
    message = make_message(sender=sender, **fields)
    assert administrator.get(f"{ALL}{message.pk}/").status_code == 404
    assert signed_in(sender).get(f"{OWN}{message.pk}/").status_code == 404


@pytest.mark.parametrize("pk", ["0", "9" * 30])
def test_a_number_of_no_message_is_not_there(administrator, pk):
    assert administrator.get(f"{ALL}{pk}/").status_code == 404


def viewed():
    events = AuditEvent.objects.filter(action="message.viewed").order_by("pk")
    return [(event.who, event.target, event.details["message"], event.details["shown"]) for event in events]


@pytest.mark.slow
def test_every_view_is_in_the_audit_trail_and_a_refresh_is_none(signed_in, sender):
    message = make_message(sender=sender, subject="Snow", bodies={"email": "x"})
    client = signed_in(sender)
    page_of(client, message, OWN)
    client.get(f"{OWN}{message.pk}/", headers=HTMX)
    open_page(client, f"{OWN}{message.pk}/recipients/")
    body_of(client, message, root=OWN)
    assert viewed() == [
        ("Matthews, Dexter", f"Message {message.pk}", message.pk, part)
        for part in ("message", "recipients", "Email body")
    ]


def test_a_refused_view_is_not_recorded(signed_in, sender):
    signed_in(sender).get(f"{OWN}{make_message().pk}/")
    assert viewed() == []


def test_a_page_about_people_stays_in_no_cache(administrator):
    response = administrator.get(f"{ALL}{make_message().pk}/")
    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.slow
def test_the_number_of_queries_does_not_grow(administrator, big_message, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(30) as captured:
            page_of(administrator, big_message)
        return len(captured)

    queries()
    few = queries()
    for _ in range(20):
        make_delivery(make_recipient(big_message))
    recount(message_id=big_message.pk)
    assert queries() == few
