"""Retention and Holds, and Erase a Person: what they show, what they refuse, what they do."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, GroupScope
from accounts.scopes import ScopeReach
from accounts.tools import Right, Tool
from messenger_logs.models import Recipient
from retention.models import Erasure, Hold, RetentionPeriod
from retention.services import aging
from retention.services.erasing import erase_person
from tests.retention import district
from tests.retention.district import NAME, PERSON

pytestmark = pytest.mark.django_db

W = Right.WRITE
PAGE, ERASE = reverse("web:retention"), reverse("web:erase")


@pytest.fixture
def client(make_user, signed_in) -> Client:
    return signed_in(
        make_user(Tool.RETENTION, (Tool.RETENTION, W), Tool.ERASE, Tool.ADMIN_SENT_MESSAGE_LOG, username="admin")
    )


def test_a_period_shows_what_would_go(client):
    district.a_message()
    text = client.get(PAGE).text
    assert text.count("nothing") >= 4
    tried = client.post(reverse("web:retention_periods"), {"people": "400", "events": "400", "preview": "1"}).text
    assert "not saved" in tried
    assert "5 people in them" in tried
    assert not RetentionPeriod.objects.exists()
    response = client.post(reverse("web:retention_periods"), {"people": "400", "bodies": "", "events": "400"})
    assert response.status_code == 302
    assert dict(RetentionPeriod.objects.values_list("kind", "days")) == {"people": 400}
    text = client.get(PAGE).text
    assert "1 messages" in text
    assert "5 people in them" in text
    (row,) = AuditEvent.objects.filter(action="retention.period_set")
    assert row.details == {"days before": None, "days": 400}


@pytest.mark.parametrize("days", ["44", "-1", "1.5", "36501", "soon"])
def test_a_period_that_is_too_short_or_no_number_is_refused(client, days):
    response = client.post(reverse("web:retention_periods"), {"people": days, "bodies": "60"})
    assert response.status_code == 200
    assert "invalid-feedback" in response.text
    assert not RetentionPeriod.objects.exists()


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"kind": "person"}, "needed for all but a period"),
        ({"kind": "message", "value": "99999999"}, "no message with this number"),
        ({"kind": "period", "first_day": "2026-11-02"}, "first and its last day"),
        ({"kind": "period", "first_day": "2026-11-02", "last_day": "2026-11-01"}, "before the first day"),
    ],
)
def test_a_hold_needs_what_it_is_about(client, form, error):
    response = client.post(reverse("web:add_hold"), form | {"reason": "A case"})
    assert error in response.text
    assert not Hold.objects.exists()


@pytest.mark.slow
def test_a_hold_is_set_and_lifted_once(client):
    form = {"kind": "person", "value": PERSON, "first_day": "2026-11-02", "reason": "Doe v. District"}
    client.post(reverse("web:add_hold"), form)
    hold = Hold.objects.get()
    assert (hold.about, hold.first_day, hold.set_by_name) == (PERSON, None, "admin")
    assert "Doe v. District" in client.get(PAGE).text
    for expected in ("is lifted", "was lifted before"):
        response = client.post(reverse("web:lift_hold", args=[hold.pk]), follow=True)
        assert expected in response.text
    actions = AuditEvent.objects.filter(action__startswith="retention.hold").order_by("pk")
    assert [row.action for row in actions] == ["retention.hold_set", "retention.hold_lifted"]
    assert PERSON not in str([row.details for row in actions])


def test_who_only_reads_sees_no_forms(make_user, signed_in):
    RetentionPeriod.objects.create(kind="people", days=800)
    text = signed_in(make_user(Tool.RETENTION)).get(PAGE).text
    assert "800" in text
    assert '<form method="post" action="/system' not in text.replace(reverse("web:retention_periods"), "")


@pytest.mark.parametrize("address", ["/system-administration/retention/", "/system-administration/erase/"])
def test_who_holds_the_rights_for_some_schools_gets_no_further(make_user, signed_in, address):
    user = make_user((Tool.RETENTION, Right.READ), (Tool.RETENTION, Right.WRITE), (Tool.ERASE, Right.WRITE))
    GroupScope.objects.create(group=user.groups.get(), reach=ScopeReach.MEMBERS)
    response = signed_in(user).get(address)
    assert response.status_code == 403
    assert "for all schools" in response.content.decode()


@pytest.mark.slow
def test_a_person_is_erased_after_the_figures_were_seen(client):
    district.a_message()
    shown = client.post(reverse("web:erase_show"), {"person_id": PERSON})
    assert NAME in shown.text
    seen = shown.context["erase_form"]["seen"].value()
    form = {"person_id": PERSON, "seen": seen, "reason": "Asked by letter", "typed": "erase"}
    assert "type the word ERASE" in client.post(reverse("web:erase_confirm"), form | {"typed": "yes"}).text
    district.a_message()
    assert "figures have changed" in client.post(reverse("web:erase_confirm"), form).text
    assert not Erasure.objects.exists()
    form["seen"] = client.post(reverse("web:erase_show"), {"person_id": PERSON}).context["erase_form"]["seen"].value()
    assert client.post(reverse("web:erase_confirm"), form)["Location"] == ERASE
    erasure = Erasure.objects.get()
    assert "being erased already" in client.post(reverse("web:erase_confirm"), form, follow=True).text
    assert erase_person(erasure_id=erasure.pk, pause=False)
    assert not Recipient.objects.filter(person_id=PERSON).exists()
    assert "Done" in client.get(ERASE).text
    assert "erased before" in client.post(reverse("web:erase_show"), {"person_id": PERSON}).text
    assert "No message knows" in client.post(reverse("web:erase_show"), {"person_id": "nobody"}).text


@pytest.mark.slow
def test_the_page_of_an_aged_message_says_what_is_gone(client):
    message = district.a_message(ago=timedelta(days=500))
    Hold.objects.create(kind="person", value="P-9", reason="A case", set_by_name="S")
    RetentionPeriod.objects.create(kind="people", days=400)
    RetentionPeriod.objects.create(kind="bodies", days=400)
    address = reverse("web:admin_sent_message_log_message", args=[message.pk])
    before = client.get(address).text
    assert "were removed on" not in before
    aging.retain(pause=False)
    text = client.get(address).text
    assert text.count("were removed on") == 1
    assert "A hold keeps those of 1 person." in text
    Hold.objects.all().delete()
    aging.retain(pause=False)
    text = client.get(address).text
    assert text.count("were removed on") == 2
    assert "A hold keeps" not in text
    recipients = client.get(reverse("web:admin_sent_message_log_message_recipients", args=[message.pk])).text
    assert recipients.count("(removed)") > 10
    assert NAME not in recipients
