import csv
import io

import pytest

from accounts.models import AuditEvent
from accounts.services import record_audit_event
from accounts.tools import Tool

pytestmark = pytest.mark.django_db

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
    return response.text.split("<tbody>")[1].split("</tbody>")[0]


def exported_rows(response):
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_events_are_listed_newest_first_in_words(client, dexter):
    record_audit_event(
        by=dexter, action="sync.started", target="mg.example.org", details={"rows": 3, "names": ["a", "b"], "none": []}
    )
    rows = table(client.get(TRAIL))
    assert "Matthews, Dexter" in rows
    assert "Sync: started" in rows
    assert "mg.example.org" in rows
    assert "<strong>names:</strong> a, b" in rows
    assert "<strong>none:</strong> none" in rows
    assert rows.index("Sync: started") < rows.index("Sign in: succeeded")


def test_an_event_of_nobody_says_so(client):
    record_audit_event(by=None, action="sign_in.failed")
    assert "Nobody signed in" in table(client.get(TRAIL))


def test_events_are_filtered_by_person_action_and_days(client, dexter, time_machine):
    record_audit_event(by=dexter, action="sync.started")
    record_audit_event(by=None, action="sync.paused")
    assert "Sync: paused" not in table(client.get(TRAIL, {"who": "matthews"}))
    rows = table(client.get(TRAIL, {"action": "sync.paused"}))
    assert "Sync: paused" in rows
    assert "Sync: started" not in rows
    assert "Sync: started" not in table(client.get(TRAIL, {"happened_from": "2020-01-01", "happened_to": "2020-01-02"}))


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
    assert row["Details"] == "before: a; after: none"
    event = AuditEvent.objects.get(action="export.audit_trail")
    assert event.who == "auditor"
    assert event.details["rows"] == 1
    assert event.details["filters"] == {"Action": "Sync: started"}


@pytest.mark.parametrize(
    "query", [{"action": "none such"}, {"who": "x" * 10_000}, {"target": "\0"}, {"sort": "who_id"}]
)
def test_odd_filters_get_words(client, query):
    response = client.get(TRAIL, query)
    assert response.status_code == 200
    assert 'role="alert"' in response.text
