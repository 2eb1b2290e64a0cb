from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.tools import Right, Tool
from mailgun_sync.models import DomainHealth, SendingDomain
from messenger_logs.choices import Mode
from messenger_logs.models import Calendar, ContactToFix, Delivery
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.derive_contacts import derive_contacts
from messenger_logs.services.replies import record_reply
from messenger_logs.services.totals import recount
from messenger_logs.statuses import CODES
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school
from tests.messenger_logs.reach.people import one_a_minute

pytestmark = pytest.mark.django_db

ALL = Tool.ADMIN_SENT_MESSAGE_LOG
ALL_LOG = {"log": "sent_administration"}


def subjects(response):
    assert response.status_code == 200, response.content
    return [row["subject"] for row in response.json()["results"]]


# Which messages


@pytest.mark.slow
def test_each_log_has_its_own_messages(caller):
    program = caller(
        Tool.SENT_MESSAGE_LOG,
        ALL,
        (Tool.SENT_MESSAGE_LOG_2, Right.READ),
        (Tool.SENT_MESSAGE_LOG_2, Right.MY_MESSAGES),
        (Tool.SENT_MESSAGE_LOG_2, Right.TYPE_GENERAL),
        Tool.UPCOMING_MESSAGES,
    )
    me = program.user
    make_message(subject="own", sender=me)
    make_message(subject="theirs")
    make_message(subject="olr", sender=me, engine="olr")
    make_message(subject="2.0", sender=me, engine="v2", message_type="Messenger 2.0 - General")
    make_message(subject="priority", sender=me, engine="v2", message_type="Messenger 2.0 - Priority")
    make_message(subject="soon", sender=me, status="waiting", listed_from=timezone.now() + timedelta(days=1))
    found = {
        log: sorted(subjects(program.get("messages/", log=log)))
        for log in ("sent", "sent_administration", "olr", "olr_administration", "log_2", "upcoming")
    }
    assert found == {
        "sent": ["own"],
        "sent_administration": ["own", "theirs"],
        "olr": ["olr"],
        "olr_administration": ["olr"],
        "log_2": ["2.0"],
        "upcoming": ["soon"],
    }


@pytest.mark.slow
def test_other_peoples_messages_do_not_exist(caller):
    program = caller(Tool.SENT_MESSAGE_LOG)
    message = make_message()
    for path in ("", "deliveries/"):
        other = program.get(f"messages/{message.pk}/{path}")
        none = program.get(f"messages/999999999/{path}")
        assert (other.status_code, other.json()) == (none.status_code, none.json()) == (404, none.json())
    assert program.post(f"messages/{message.pk}/deliveries/search/", {"recipient": "P"}).status_code == 404
    assert program.get("messages/", after=f"sentmessage-{message.pk}").status_code == 400


def test_no_filter_and_no_search_leads_to_other_peoples_messages(caller):
    program = caller(Tool.SENT_MESSAGE_LOG)
    message = make_message(subject="secret", sender_name="Matthews, Dexter", message_type="Attendance")
    filters = {"subject": "secret", "status": message.status, "message_type": "Attendance"}
    for name, value in filters.items():
        assert subjects(program.get("messages/", **{name: value})) == []
    assert subjects(program.post("messages/search/", {"sender": "Matthews"})) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "sent"),
        ("message_type", "Attendance"),
        ("subject", "LIBRARY"),
        ("mode", "voice"),
        ("created_from", "2026-11-20"),
        ("sender_id", None),
    ],
)
def test_each_filter_finds_its_message(caller, make_user, name, value):
    program = caller(ALL)
    dexter = make_user()
    old = datetime(2026, 11, 18, 12, tzinfo=UTC)
    make_message(
        subject="Library closed",
        sender=dexter,
        message_type="Attendance",
        modes=["voice", "email"],
        created_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    )
    make_message(subject="Other", status="waiting", created_at=old)
    found = program.get("messages/", **ALL_LOG, **{name: value or dexter.pk})
    assert subjects(found) == ["Library closed"]


def test_days_are_those_of_the_district(caller):
    program = caller(ALL)
    # In Chicago it is still the 19th.
    make_message(created_at=datetime(2026, 11, 20, 5, 59, tzinfo=UTC))
    assert len(subjects(program.get("messages/", **ALL_LOG, created_to="2026-11-19"))) == 1
    assert subjects(program.get("messages/", **ALL_LOG, created_from="2026-11-20")) == []


def test_a_sender_is_searched_by_post_and_refused_in_an_address(caller):
    program = caller(ALL)
    make_message(subject="one", sender_name="Matthews, Dexter")
    make_message(subject="two")
    response = program.post("messages/search/?log=sent_administration", {"sender": "matthews"})
    assert subjects(response) == ["one"]
    assert "atthews" not in str(response.json()["next"])
    refused = program.get("messages/", **ALL_LOG, sender="Matthews")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "sender"


@pytest.mark.parametrize(
    "query",
    [
        {"log": "everything"},
        {"status": "lost"},
        {"statsu": "sent"},
        {"created_from": "yesterday"},
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "many"},
        {"sort": "subject"},
        {"after": "x"},
        {"after": "mailgunevent-1"},
        {"subject": "\0"},
        {"sender_id": "99999999999999999999"},
    ],
)
def test_what_is_not_understood_is_named(caller, query):
    response = caller(Tool.SENT_MESSAGE_LOG).get("messages/", **query)
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["field"] in {*query, "created"}
    assert error["message"]


# Pages


@pytest.mark.slow
def test_pages_lead_to_every_message_once_and_back(caller):
    program = caller(ALL)
    at = timezone.now() - timedelta(days=1)
    for number in range(7):
        # Two of each moment: the id breaks the tie.
        make_message(subject=str(number), created_at=at + timedelta(minutes=number // 2))
    page = program.get("messages/", **ALL_LOG, limit=3, subject="")
    assert page.json()["previous"] is None
    assert (page.json()["count"], page.json()["count_is_exact"]) == (7, True)
    pages = [page]
    while following := pages[-1].json()["next"]:
        pages.append(program.get(following))
    assert [subjects(page) for page in pages] == [["6", "5", "4"], ["3", "2", "1"], ["0"]]
    assert subjects(program.get(pages[2].json()["previous"])) == ["3", "2", "1"]


def test_filters_stay_on_the_next_page(caller):
    program = caller(ALL)
    for _ in range(3):
        make_message(subject="yes")
        make_message(subject="no")
    following = program.get("messages/", **ALL_LOG, subject="yes", limit=2).json()["next"]
    assert subjects(program.get(following)) == ["yes"]


# One message


def test_a_message_has_everything_its_page_shows(caller):
    program = caller(ALL)
    school = make_school("Harrison High")
    message = make_message(
        school=school,
        external_id="m-1",
        modes=[Mode.EMAIL, Mode.TEXT],
        bodies={"email": "<p>Dear {{student.firstName}}</p>"},
        attachments=[{"name": "map.pdf", "size": 12}],
        criteria=[["Grade", "9"]],
        reply_to="office@example.org",
    )
    message.calendars.add(Calendar.objects.create(school=school, name="25-26 High", school_year="25-26"))
    recipient = make_recipient(message)
    make_delivery(recipient)
    make_delivery(recipient, mode=Mode.TEXT, status="opt_out")
    recount(message_id=message.pk)
    response = program.get(f"messages/{message.pk}/")
    assert response["Cache-Control"] == "private, no-store"
    data = response.json()
    assert data["external_id"] == "m-1"
    assert data["school"] == "Harrison High"
    assert data["calendars"] == [{"name": "25-26 High", "school": "Harrison High", "school_year": "25-26"}]
    assert data["bodies"] == {"email": "<p>Dear student.firstName</p>"}
    assert data["attachments"] == [{"name": "map.pdf", "size": 12}]
    assert data["criteria"] == [["Grade", "9"]]
    assert data["reply_to"] == "office@example.org"
    assert (data["status"], data["status_label"]) == ("sent", "Sent")
    assert data["totals"]["recipients"] == 1
    nobody = {"reached": 0, "unconfirmed": 0, "not_reached": 0, "canceled": 0, "no_device": 0}
    assert data["totals"]["people"] == nobody | {"unconfirmed": 1}
    assert data["people_by_mode"] == {"email": nobody | {"unconfirmed": 1}, "text": nobody | {"not_reached": 1}}
    assert data["people_by_school"] == [{"school": "Harrison High", **nobody, "unconfirmed": 1}]
    assert data["reached_times"] == {}
    assert data["totals"]["modes"]["email"]["success"] == 1
    assert data["totals"]["modes"]["text"]["opted_out"] == 1
    [seen] = AuditEvent.objects.filter(action="message.viewed")
    assert seen.details["message"] == message.pk


@pytest.mark.parametrize(("reached", "minutes"), [(10, {50: 5, 90: 9, 99: 10}), (9, {50: 5, 90: 9}), (4, {})])
def test_a_message_has_what_the_provider_said_of_its_e_mails_and_the_times_of_its_people(caller, reached, minutes):
    begin = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    data = caller(ALL).get(f"messages/{one_a_minute(begin, reached=reached).pk}/").json()
    failed = 10 - reached + 1
    assert data["totals"]["emails"] == {
        "delivered": reached,
        "failed": failed,
        "suppressed": 1,
        "complained": 1,
        "not_known": 3,
        "refused": failed + 1,
    }
    times = {int(percent): datetime.fromisoformat(moment) for percent, moment in data["reached_times"].items()}
    assert times == {percent: begin + timedelta(minutes=after) for percent, after in minutes.items()}


def test_a_message_that_nothing_was_counted_of_yet_can_be_read(caller):
    data = caller(ALL).get(f"messages/{make_message().pk}/").json()
    assert data["totals"]["as_of"] is None
    assert data["totals"]["modes"] == {}
    assert data["people_by_school"] == []


# Deliveries


def people(response):
    assert response.status_code == 200, response.content
    return [row["recipient"]["name"] for row in response.json()["results"]]


@pytest.fixture
def families():
    message = make_message(modes=[Mode.EMAIL, Mode.VOICE])
    vang = make_recipient(message, name="Vang, Mai", student_name="Vang, Tou", student_number="77001")
    make_delivery(vang, address="mai@example.com")
    abdi = make_recipient(message, name="Abdi, Asha", merge_fields={"student.firstName": "Ayaan"})
    make_delivery(abdi, mode=Mode.VOICE, address="+16125550100", status="busy")
    return message


@pytest.mark.parametrize("query", [{"mode": "voice"}, {"status": "busy"}, {"outcome": "not_reached"}])
def test_deliveries_are_filtered(caller, families, query):
    assert people(caller(ALL).get(f"messages/{families.pk}/deliveries/", **query)) == ["Abdi, Asha"]


def test_an_email_that_its_provider_refused_is_an_error(caller, families):
    Delivery.objects.filter(mode=Mode.EMAIL).update(email_outcome="failed")
    answer = caller(ALL).get(f"messages/{families.pk}/deliveries/", outcome="error")
    assert [(row["status"], row["outcome"]) for row in answer.json()["results"]] == [("sent", "error")]
    assert people(caller(ALL).get(f"messages/{families.pk}/deliveries/", outcome="success")) == []


@pytest.mark.parametrize(
    "search", [{"recipient": "vang"}, {"student": "tou"}, {"student": "77001"}, {"device": "MAI@"}, {"mode": "email"}]
)
def test_recipients_are_searched_by_post(caller, families, search):
    program = caller(ALL)
    assert people(program.post(f"messages/{families.pk}/deliveries/search/", search)) == ["Vang, Mai"]
    if "mode" not in search:
        assert program.get(f"messages/{families.pk}/deliveries/", **search).status_code == 400


def test_a_number_is_found_as_people_write_it(caller, families):
    found = caller(ALL).post(f"messages/{families.pk}/deliveries/search/", {"device": "(612) 555-0100"})
    assert people(found) == ["Abdi, Asha"]


@pytest.mark.parametrize("body", [{"recipient": "\0"}, {"recipient": "\ud800"}, {"recipient": ["x"]}, {"nobody": "x"}])
def test_an_odd_search_gets_words(caller, families, body):
    response = caller(ALL).post(f"messages/{families.pk}/deliveries/search/", body)
    assert response.status_code == 400
    assert response.json()["detail"]


def test_merge_field_values_want_their_right(caller, families):
    def values(program):
        rows = program.get(f"messages/{families.pk}/deliveries/").json()["results"]
        return [row["recipient"]["merge_fields"] for row in rows]

    assert values(caller(ALL)) == [None, None]
    assert values(caller(ALL, (ALL, Right.MERGE_FIELD_VALUES))) == [{}, {"student.firstName": "Ayaan"}]


def test_the_log_says_nothing_personal(caller, families, caplog):
    with caplog.at_level("DEBUG", logger="django.request"):
        caller(ALL).post(f"messages/{families.pk}/deliveries/search/", {"recipient": "Vang", "x": "y"})
    assert "Vang" not in caplog.text


# Cost


def queries(program, path, **query):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert program.get(path, **query).status_code == 200
    return len(captured)


@pytest.mark.slow
def test_no_list_runs_a_number_of_queries_that_grows_with_its_rows(caller):
    program = caller(ALL)
    school = make_school()
    message = make_message()

    def grow(by):
        for _ in range(by):
            other = make_message()
            name = f"calendar {Calendar.objects.count()}"
            other.calendars.add(Calendar.objects.create(school=school, name=name, school_year="25"))
            make_delivery(make_recipient(message))

    def counts():
        return [queries(program, "messages/", **ALL_LOG), queries(program, f"messages/{message.pk}/deliveries/")]

    grow(2)
    counts()  # the first look also writes its row of the audit trail
    before = counts()
    grow(10)
    assert counts() == before


@pytest.mark.parametrize("code", [*CODES, None, 4711])
def test_a_code_has_its_name_from_the_table(caller, code):
    mode = next(mode for mode in Mode if code not in CODES or mode in CODES[code].modes)
    message = make_message(modes=[mode])
    make_delivery(make_recipient(message), mode=mode, code=code)
    [row] = caller(ALL).get(f"messages/{message.pk}/deliveries/").json()["results"]
    assert row["code_name"] == (CODES[code].name if code in CODES else "")


def test_a_delivery_says_what_is_wrong_with_its_device_today(caller):
    message = make_message()
    bounced = make_delivery(make_recipient(message), address="gone@example.com", email_outcome="failed-permanent")
    make_delivery(make_recipient(message), address="here@example.com", email_outcome="delivered")
    note_contacts(deliveries=[bounced.pk])
    derive_contacts()
    contact = ContactToFix.objects.get()
    path = f"messages/{message.pk}/deliveries/"

    gone, here = caller(ALL, Tool.ADMIN_CONTACTS_TO_FIX).get(path).json()["results"]
    assert here["device_today"] is None
    today = gone["device_today"]
    assert (today["problem"], today["state"], today["contact"]) == ("bounced", "open", contact.pk)
    assert caller(ALL).get(path).json()["results"][0]["device_today"]["contact"] is None


def test_replies_name_the_message_for_those_who_may_see_it(caller):
    message = make_message(subject="Bus 12 is late", modes=[Mode.TEXT])
    make_delivery(make_recipient(message), mode=Mode.TEXT, address="+16125550143", attempt_count=1)
    record_reply(number="+16125550143", text="Is there school?", at=timezone.now(), taken_as="", raw="{}")

    (found,) = caller(Tool.REPLIES, ALL).get("replies/").json()["results"]
    assert (found["text"], found["message"]) == ("Is there school?", message.pk)
    alone = caller(Tool.REPLIES)
    assert alone.get("replies/").json()["results"][0]["message"] is None
    assert alone.post("replies/search/", {"text": "bus"}).json()["count"] == 0
    assert alone.get("replies/", text="school").status_code == 400


def test_the_health_of_each_domain_also_before_the_first_check(caller, settings):
    settings.MAILGUN_DOMAINS = ["mg.example.org", "new.example.org"]
    checked = SendingDomain.objects.create(name="mg.example.org")
    SendingDomain.objects.create(name="new.example.org")
    record = {"purpose": "SPF", "type": "TXT", "name": "mg.example.org", "value": "v=spf1", "valid": "valid"}
    counts = {"7": {"delivered": 90, "failed-permanent": 10}}
    DomainHealth.objects.create(domain=checked, state="active", records=[record], counts=counts)

    found, new = caller(Tool.MAILGUN_SYNC).get("mailgun-domains/").json()["results"]
    assert (found["domain"], found["state"], found["records"]) == ("mg.example.org", "active", [record])
    assert (found["rates"]["7"]["bounce_rate"], found["rates"]["30"]["bounce_rate"]) == (0.1, None)
    assert (new["domain"], new["state"], new["checked_at"]) == ("new.example.org", "", None)
