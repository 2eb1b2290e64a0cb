"""The classic Sent Message Log and the OLR Email Log, own and administration (product.md, section 2)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.tools import Right, Tool
from listings import filters
from messenger_logs.choices import DeliveryStatus, MessageStatus, Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of
from tests.messenger_logs.factories import make_copies, make_delivery, make_message, make_recipient
from tests.web.sent_message_log.conftest import NOON, exported_rows, open_page

pytestmark = pytest.mark.django_db

OWN, ALL = "/messenger/sent-message-log/", "/messenger-administration/sent-message-log/"
OLR, ALL_OLR = f"{OWN}olr/", f"{ALL}olr/"
CHICAGO = ZoneInfo("America/Chicago")
COLUMNS = [
    "Status",
    "Message Type",
    "District/School",
    "Message Subject",
    "Sender",
    "Date Created",
    "Date Scheduled",
    "ScheduleID",
]


def subjects(client, address=ALL, **query):
    return [row["Message Subject"] for row in exported_rows(client, address, **query)]


def options(page, name):
    return page.texts(f"//select[@name='{name}']/option")


# What it shows


@pytest.mark.parametrize("address", [ALL, ALL_OLR])
def test_the_columns_are_those_of_the_original_and_each_sorts(administrator, address):
    page = open_page(administrator, address)
    assert page.texts("//thead/tr[1]/th/a") == COLUMNS


@pytest.mark.slow
def test_a_row_as_it_is_exported(administrator):
    make_message(
        status="canceled_ip",
        message_type="Behavior",
        subject="Parking",
        sender_name="Matthews, Dexter",
        created_at=NOON - timedelta(hours=3, minutes=30),
        scheduled_at=NOON,
        schedule_id="S-17",
    )
    assert exported_rows(administrator, ALL) == [
        {
            "Status": "Canceled IP",
            "Message Type": "Behavior",
            "District/School": "Harrison High",
            "Message Subject": "Parking",
            "Sender": "Matthews, Dexter",
            "Date Created": "11/20/2026 8:30 AM",
            "Date Scheduled": "11/20/2026 12:00 PM",
            "ScheduleID": "S-17",
            "People": "",
            "People Reached": "",
            "E-mail Provider Says": "",
        }
    ]


def test_a_file_has_the_figures_of_the_status_cell(administrator):
    message = make_message()
    for said in ("delivered", "delivered", "failed-permanent", ""):
        make_delivery(make_recipient(message), mode="email", status="sent", email_outcome=said)
    recount(message_id=message.pk)
    (row,) = exported_rows(administrator, ALL)
    figures = [row[name] for name in ("People", "People Reached", "E-mail Provider Says")]
    assert figures == ["4", "2", "2 delivered, 1 failed, 1 not known yet; sent, but not delivered: 1"]


def mail(message, *outcomes):
    for said in outcomes:
        make_delivery(make_recipient(message), mode="email", status="sent", email_outcome=said)
    recount(message_id=message.pk)


def test_the_status_cell_has_every_figure_of_the_e_mails_and_leads_to_those_not_delivered(administrator):
    message = make_message()
    mail(message, "delivered", "failed-permanent", "rejected", "suppressed", "complained", "accepted", "")
    page = open_page(administrator, ALL)
    assert page.texts("//tbody//summary") == ["E-mail: 1 of 7 delivered"]
    (opened,) = page.texts("//tbody//details")
    assert opened.endswith(
        "E-mail: 1 delivered, 2 failed, 1 suppressed, 1 complained, 2 not known yet; sent, but not delivered: 3"
    )
    (address,) = page.root.xpath("//a[starts-with(text(), 'sent, but not delivered')]/@href")
    assert len(open_page(administrator, address).column(1)) == 3
    figures = totals_of(message).modes[Mode.EMAIL]
    assert (figures.not_known, figures.refused) == (2, 3), "the figures of its page"


@pytest.mark.parametrize(
    ("said", "line"), [("delivered", "E-mail: 2 delivered"), ("accepted", "E-mail: 2 not known yet")]
)
def test_the_status_cell_has_nothing_to_open_where_all_e_mails_fared_alike(administrator, said, line):
    mail(make_message(), said, said)
    page = open_page(administrator, ALL)
    assert page.column(1)[0].endswith(line)
    assert not page.texts("//tbody//summary")


@pytest.mark.parametrize("status", ["waiting", "in_progress", "error"])
def test_the_status_cell_says_nothing_of_e_mails_that_were_not_handed_over(administrator, status):
    message = make_message()
    make_delivery(make_recipient(message), mode="email", status=status)
    recount(message_id=message.pk)
    assert "E-mail:" not in open_page(administrator, ALL).column(1)[0]
    assert exported_rows(administrator, ALL)[0]["E-mail Provider Says"] == ""


@pytest.mark.slow
@pytest.mark.parametrize("read", [open_page, exported_rows])
def test_the_figures_cost_the_same_queries_for_any_number_of_messages(administrator, read):
    read(administrator, ALL)
    asked = []
    for _ in range(2):
        for _ in range(3):
            mail(make_message(), "delivered", "suppressed", "")
        with CaptureQueriesContext(connection) as captured:
            read(administrator, ALL)
        asked.append(len(captured))
    assert asked[0] == asked[1]


def test_a_message_of_no_school_is_one_of_the_district(administrator):
    make_message(school=None)
    assert open_page(administrator, ALL).column(3) == ["Plainview Schools"]


def test_created_between_two_dates_and_find_messages(administrator):
    page = open_page(administrator, ALL)
    assert page.texts("//div[@class='grid-period']/label") == ["Created Between", "and"]
    assert page.texts("//*[@id='grid-find']") == ["Find Messages"]


def test_the_last_seven_days_are_shown_when_no_date_is_given(administrator):
    midnight = datetime(2026, 11, 14, tzinfo=CHICAGO)
    make_message(subject="in", created_at=midnight)
    make_message(subject="out", created_at=midnight - timedelta(seconds=1))
    page = open_page(administrator, ALL)
    assert (page.value("created_from"), page.value("created_to")) == ("2026-11-14", "2026-11-20")
    assert page.subjects == ["in"]


@pytest.mark.parametrize(("day", "first"), [(NOON, "2026-07-01"), (NOON + timedelta(days=90), "2026-07-01")])
def test_the_school_year_is_at_hand(make_user, signed_in, day, first):
    with time_machine.travel(day, tick=False):
        administrator = signed_in(make_user(Tool.ADMIN_SENT_MESSAGE_LOG))
        links = open_page(administrator, ALL).root.xpath("//ul[@class='grid-quick']//a")
    assert [link.text for link in links][2:] == ["last 7 days", "last 30 days", "last 12 months", "this school year"]
    assert f"created_from={first}&created_to={day:%Y-%m-%d}" in links[-1].get("href")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("waiting", "○ Waiting"),
        ("in_progress", "◐ In-Progress 0 %"),
        ("sent", "✓ Sent"),
        ("error", "✕ Error"),
        ("canceled", "■ Canceled"),
        ("canceled_ip", "◆ Canceled IP"),
        ("no_recipients", "▲ No Recipients"),
    ],
)
def test_each_status_is_a_word_with_a_shape(administrator, status, words):
    make_message(status=status)
    assert open_page(administrator, ALL).column(1) == [words]


def test_every_status_is_explained_beside_its_header(administrator):
    explained = open_page(administrator, ALL).texts("//thead/tr[1]/th[1]//dl/div/dd")
    assert len(explained) == len(MessageStatus)
    assert all(sentence.endswith(".") for sentence in explained)


def test_a_message_in_progress_says_how_far_it_has_come(administrator):
    message = make_message(status="in_progress")
    for status in [DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.IN_PROGRESS]:
        make_delivery(make_recipient(message), status=status)
    recount(message_id=message.pk)
    assert open_page(administrator, ALL).column(1) == [
        "◐ In-Progress 66 % 0 of 3 people reached so farE-mail: 1 not known yet"
    ]
    assert exported_rows(administrator, ALL)[0]["Status"] == "In-Progress"


@pytest.mark.parametrize("address", [OWN, ALL, OLR, ALL_OLR])
def test_the_page_says_that_sent_means_handed_over(make_user, signed_in, address):
    client = signed_in(make_user(Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG))
    assert "Sent means: Handed to the providers" in open_page(client, address).message_text


@pytest.mark.slow
def test_all_messages_are_counted_and_paged_through(administrator):
    make_copies(make_message(created_at=NOON), 12_303)
    assert open_page(administrator, ALL).count == "1–50 of 12,304"


# Which messages


def test_messages_of_other_engines_never_appear(administrator):
    make_message(subject="classic")
    make_message(subject="2.0", engine="v2", message_type="Messenger 2.0 - General")
    make_message(subject="opt in", engine="v2", message_type="Text Opt In")
    make_message(subject="olr", engine="olr")
    assert subjects(administrator, ALL) == ["classic"]
    assert subjects(administrator, ALL_OLR) == ["olr"]


@pytest.mark.slow
def test_the_logs_lead_to_each_other(administrator):
    assert f'href="{ALL_OLR}"' in open_page(administrator, ALL).html
    assert f'href="{ALL}"' in open_page(administrator, ALL_OLR).html
    assert open_page(administrator, ALL_OLR).texts("//h1") == ["OLR Email Log"]


def test_a_message_of_a_template_appears_at_once_and_one_of_a_scheduler_from_its_start(make_user, signed_in):
    user = make_user(Tool.ADMIN_SENT_MESSAGE_LOG)
    administrator = signed_in(user)
    tomorrow = NOON + timedelta(days=1)
    make_message(subject="template", status="waiting", created_at=NOON, scheduled_at=tomorrow)
    make_message(subject="scheduler", status="waiting", created_at=NOON, scheduled_at=tomorrow, listed_from=tomorrow)
    assert subjects(administrator, ALL) == ["template"]
    pk = SentMessage.objects.get(subject="scheduler").pk
    assert administrator.get(f"{ALL}{pk}/").status_code == 404
    with time_machine.travel(tomorrow, tick=False):
        administrator = signed_in(user)  # the session of yesterday has ended
        assert subjects(administrator, ALL, sort="subject") == ["scheduler", "template"]


@pytest.mark.slow
def test_the_own_logs_show_own_messages_alone(make_user, signed_in, sender):
    for engine in ("classic", "olr"):
        make_message(subject=f"my {engine}", sender=sender, engine=engine)
        make_message(subject=f"other {engine}", sender=make_user(), engine=engine)
        make_message(subject=f"nobody's {engine}", engine=engine)
    client = signed_in(sender)
    assert subjects(client, OWN) == ["my classic"]
    assert subjects(client, OLR) == ["my olr"]
    fragment = client.get(OWN, {"subject": "other"}, headers={"HX-Request": "true"}).content.decode()
    assert "other classic" not in fragment
    assert options(open_page(client, OWN), "sender_name") == ["all", "Matthews, Dexter"]


def test_the_own_log_does_not_open_the_administration_logs(signed_in, sender):
    assert signed_in(sender).get(ALL).status_code == 403
    assert signed_in(sender).get(ALL_OLR).status_code == 403


# Sorting and filtering


@pytest.mark.parametrize(
    ("column", "field", "low", "high"),
    [
        ("status", "status", "canceled", "waiting"),
        ("message_type", "message_type", "Attendance", "Special Ed"),
        ("school_name", "school", "Harrison High", None),
        ("subject", "subject", "Bus", "Snow"),
        ("sender_name", "sender_name", "Administrator, System", "Matthews, Dexter"),
        ("created_at", "created_at", NOON - timedelta(hours=2), NOON),
        ("scheduled_at", "scheduled_at", NOON - timedelta(hours=2), NOON),
        ("schedule_id", "schedule_id", "1", "2"),
    ],
)
def test_every_column_sorts_both_ways(administrator, column, field, low, high):
    make_message(**{"schedule_id": "first", field: high})
    make_message(**{"schedule_id": "first", field: low})
    high_pk, low_pk = SentMessage.objects.order_by("pk").values_list("pk", flat=True)
    assert linked(administrator, column) == [low_pk, high_pk]
    assert linked(administrator, f"-{column}") == [high_pk, low_pk]


def linked(client, sort):
    page = open_page(client, ALL, sort=sort)
    return [int(link.split("/")[-2]) for link in page.root.xpath("//tbody//a[@class='row-link']/@href")]


def test_the_drop_downs_offer_the_values_that_occur_in_the_days_shown(administrator):
    make_message(status="sent", message_type="Behavior", school=None, sender_name="Matthews, Dexter")
    make_message(status="error", message_type="attendance")
    make_message(status="waiting", message_type="Old", school="Old School", created_at=NOON - timedelta(days=30))
    page = open_page(administrator, ALL)
    assert options(page, "status") == ["all", "Error", "Sent"]
    assert options(page, "message_type") == ["all", "attendance", "Behavior"]
    assert options(page, "school_name") == ["all", "Harrison High", "Plainview Schools"]
    assert options(page, "sender_name") == ["all", "Administrator, System", "Matthews, Dexter"]


def test_a_drop_down_still_offers_the_others_when_one_is_chosen(administrator):
    make_message(status="sent")
    make_message(status="error")
    page = open_page(administrator, ALL, status="error")
    assert options(page, "status") == ["all", "Error", "Sent"]
    assert page.value("status") == "error"
    assert page.column(1) == ["✕ Error"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "error"),
        ("message_type", "Special Ed"),
        ("school_name", "Plainview Schools"),
        ("sender_name", "Matthews, Dexter"),
        ("subject", "EVALUATION"),
    ],
)
def test_each_column_filters(administrator, name, value):
    make_message(subject="another")
    make_message(
        subject="Evaluation Due",
        status="error",
        message_type="Special Ed",
        school=None,
        sender_name="Matthews, Dexter",
    )
    assert subjects(administrator, ALL, **{name: value}) == ["Evaluation Due"]


@pytest.mark.parametrize("entered", ["thong bao", "Thông Báo", "NGHI"])
def test_a_subject_is_found_with_and_without_its_accents(administrator, entered):
    make_message(subject="Thông báo nghỉ học")
    make_message(subject="Library Hours")
    assert subjects(administrator, subject=entered) == ["Thông báo nghỉ học"]


def test_a_value_that_does_not_occur_finds_nothing_and_stays_chosen(administrator):
    make_message()
    page = open_page(administrator, ALL, message_type="Snow <b>")
    assert page.subjects == []
    assert page.value("message_type") == "Snow <b>"
    assert "Message Type: Snow <b>" in page.empty_text


def test_a_drop_down_ends_somewhere_and_says_so(administrator, monkeypatch):
    monkeypatch.setattr(filters, "MAX_VALUES", 2)
    for kind in "abc":
        make_message(message_type=kind)
    page = open_page(administrator, ALL)
    assert options(page, "message_type") == ["all", "a", "b"]
    assert "Message Type offers the first 2 choices" in page.message_text


@pytest.mark.parametrize(
    "fragment",
    ["11/20/2026 8:30 AM", "11/20", "8:30", "8:30 am", "2026  8:30", "0 AM", "11/20/2026 08:30 AM", "20/2026"],
)
@pytest.mark.parametrize("column", ["created_at", "scheduled_at"])
def test_dates_filter_by_any_part_of_what_the_screen_shows(administrator, column, fragment):
    morning = datetime(2026, 11, 20, 8, 30, 45, tzinfo=CHICAGO)
    evening = datetime(2026, 11, 19, 20, 31, tzinfo=CHICAGO)
    make_message(subject="morning", created_at=morning)
    make_message(subject="evening", created_at=evening)
    assert subjects(administrator, ALL, **{column: fragment}) == ["morning"]


@pytest.mark.parametrize("fragment", ["11/21", "9:30", "11/20/2026 8:30 PM", "2027", "45"])
def test_a_part_that_no_date_has_finds_nothing(administrator, fragment):
    make_message(created_at=datetime(2026, 11, 20, 8, 30, 45, tzinfo=CHICAGO))
    page = open_page(administrator, ALL, created_at=fragment)
    assert page.subjects == []
    assert f"Date Created: {fragment}" in page.empty_text


@pytest.mark.parametrize("fragment", ["%", "11_20", "snow", "8\\:30", "'"])
def test_what_can_be_no_part_of_a_date_is_told(administrator, fragment):
    make_message(created_at=NOON)
    page = open_page(administrator, ALL, created_at=fragment)
    assert page.message_text.startswith("Date Created: type a part of a date and time as the list shows them")
    assert page.subjects == []


def test_a_date_fragment_works_together_with_the_days_and_other_filters(administrator):
    make_message(subject="found", created_at=NOON, status="error")
    make_message(subject="other status", created_at=NOON)
    make_message(subject="other days", created_at=NOON - timedelta(days=30), status="error")
    assert subjects(administrator, ALL, created_at="12:00 PM", status="error") == ["found"]


# Days


def test_a_day_with_25_hours_is_whole(administrator):
    first = datetime(2026, 11, 1, 1, 30, tzinfo=CHICAGO)
    make_message(subject="summer time", created_at=first)
    make_message(subject="winter time", created_at=first.replace(fold=1))
    make_message(subject="last minute", created_at=datetime(2026, 11, 1, 23, 59, 59, tzinfo=CHICAGO))
    make_message(subject="day after", created_at=datetime(2026, 11, 2, tzinfo=CHICAGO))
    days = {"created_from": "2026-11-01", "created_to": "2026-11-01"}
    assert subjects(administrator, ALL, **days) == ["last minute", "winter time", "summer time"]
    assert subjects(administrator, ALL, created_at="1:30 AM", **days) == ["winter time", "summer time"]


def test_a_day_with_23_hours_ends_at_its_midnight(administrator):
    make_message(subject="after the gap", created_at=datetime(2026, 3, 8, 3, tzinfo=CHICAGO))
    make_message(subject="day after", created_at=datetime(2026, 3, 9, tzinfo=CHICAGO))
    days = {"created_from": "2026-03-08", "created_to": "2026-03-08"}
    assert subjects(administrator, ALL, **days) == ["after the gap"]
    assert subjects(administrator, ALL, created_at="03/08/2026 3:00 AM", **days) == ["after the gap"]


def test_a_message_of_the_evening_is_of_that_day_though_utc_has_the_next(administrator):
    make_message(created_at=datetime(2026, 11, 20, 5, 59, tzinfo=UTC))
    assert open_page(administrator, ALL, created_from="2026-11-19", created_to="2026-11-19").column(6) == [
        "11/19/2026 11:59 PM"
    ]
    assert subjects(administrator, ALL, created_at="11/19") == ["Library Hours"]
    assert subjects(administrator, ALL, created_from="2026-11-20", created_to="2026-11-20") == []


def test_dates_the_wrong_way_round_are_turned_back(administrator):
    make_message(created_at=NOON - timedelta(days=1))
    page = open_page(administrator, ALL, created_from="2026-11-20", created_to="2026-11-01")
    assert len(page.subjects) == 1
    assert "the wrong way round" in page.message_text


def test_a_date_that_is_none_is_told(administrator):
    page = open_page(administrator, ALL, created_from="snow")
    assert "Created: enter a date as MM/DD/YYYY" in page.message_text


# Rows, exports, cost


@pytest.mark.slow
def test_a_row_leads_to_its_message(administrator, signed_in, sender):
    message = make_message(sender=sender, subject="")
    assert open_page(administrator, ALL).root.xpath("//tbody//a[@class='row-link']/@href") == [f"{ALL}{message.pk}/"]
    own = open_page(signed_in(sender), OWN)
    assert own.root.xpath("//tbody//a[@class='row-link']/@href") == [f"{OWN}{message.pk}/"]
    assert own.subjects == ["(no subject)"]


@pytest.mark.parametrize(("address", "target"), [(ALL, ""), (ALL_OLR, "OLR Email Log")])
def test_an_export_is_audited(administrator, address, target):
    exported_rows(administrator, address, message_type="Behavior")
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.target) == ("export.admin_sent_message_log", target)
    assert event.details["filters"] == {"Message Type": "Behavior"}


@pytest.mark.slow
def test_the_number_of_queries_does_not_grow(administrator, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(50) as captured:
            assert administrator.get(ALL).status_code == 200
        return len(captured)

    def add(number):
        for i in range(number):
            message = make_message(status="in_progress", school=f"School {i}", message_type=f"Type {i}")
            make_delivery(make_recipient(message))
            recount(message_id=message.pk)

    add(2)
    queries()
    few = queries()
    add(20)
    assert queries() == few


def test_the_menu_has_the_logs_for_those_who_may(make_user, signed_in):
    client = signed_in(make_user(Tool.SENT_MESSAGE_LOG))
    menu = open_page(client, OWN).root.xpath("//nav[@id='menu']//a/@href")
    assert OWN in menu
    assert ALL not in menu
    assert reverse("web:olr_email_log") not in menu


@pytest.mark.slow
def test_cancel_rights_alone_open_nothing(make_user, signed_in):
    client = signed_in(make_user((Tool.SENT_MESSAGE_LOG, Right.WRITE), (Tool.ADMIN_SENT_MESSAGE_LOG, Right.WRITE)))
    assert [client.get(address).status_code for address in (OWN, ALL, OLR, ALL_OLR)] == [403] * 4


@pytest.mark.slow
def test_it_is_filtered_by_a_part_of_the_schedule_id(administrator):
    for schedule_id in ("S-17", "S-18", ""):
        make_message(subject=schedule_id or "none", schedule_id=schedule_id)
    assert subjects(administrator, schedule_id="s-17") == ["S-17"]
    assert set(subjects(administrator, schedule_id="S-")) == {"S-17", "S-18"}
