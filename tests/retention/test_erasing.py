"""An erased person is nowhere in the database and in no file, and figures stay."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent
from accounts.services import hashed_search
from accounts.tools import Tool
from dispatch.services.webhooks import record_incoming_text
from imports.models import ImportJob
from listings.saved_searches import SESSION_KEY
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, Removal, SendingDomain, Suppression
from messenger_logs.models import Delivery, ErasedAddress, Recipient, Reply, TextConsent
from messenger_logs.removed import REMOVED
from messenger_logs.services.erased import refusing_texts
from messenger_logs.services.totals import recount
from records.models import RecordsReceipt, RecordsRequest
from reports.models import ReportJob
from retention.choices import HoldKind
from retention.models import Erasure, Hold
from retention.services import erase_requests
from retention.services.erasing import NobodyFound, erase_person, preview
from roster.models import RosterRun
from saved_views.models import SavedView
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.retention import district
from tests.retention.district import ADDRESS, NAME, NUMBER, PERSON, TRACES, all_figures, traces
from tests.saved_views.factories import make_schedule, make_view
from tests.stored import path_of

pytestmark = pytest.mark.django_db

YEAR = timedelta(days=365)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.REPORT_FOLDER = tmp_path
    return tmp_path


def erase(person_id: str = PERSON, **fields: Any) -> Erasure:
    erasure = erase_requests.ask(person_id=person_id, by=None, **fields)
    erase_person(erasure_id=erasure.pk, pause=False)
    erasure.refresh_from_db()
    return erasure


def everything(make_user: Any) -> None:
    """What the product may keep of the family, in every table and file."""
    district.a_message(ago=timedelta(days=3))
    district.a_message(ago=timedelta(days=2), engine="v2", message_type="Messenger 2.0 - General")
    district.a_stop()
    district.a_reply(ago=timedelta(days=1))
    domain = SendingDomain.objects.get()
    QuarantinedEvent.objects.create(domain=domain, digest="d", raw=f'{{"to": "{ADDRESS}"}}', error="odd")
    listed = {"list": "bounces", "address": ADDRESS, "mailbox": ADDRESS}
    Suppression.objects.create(domain=domain, key=ADDRESS, raw=f'{{"address": "{ADDRESS}"}}', reason=ADDRESS, **listed)
    Removal.objects.create(domain=domain, why=f"{NAME} called", by_name="Somebody", **listed)
    district.contacts()
    Hold.objects.create(
        kind=HoldKind.PERSON, value=PERSON, reason=f"{NAME} v. District", set_by_name="S", lifted_at=timezone.now()
    )
    make_message(bodies={"email": "<p>Talk to Pahoua  Xiong-Ågren or (651) 555-0199.</p>"})
    files_of(make_user())
    a_roster_run()
    keeper = make_user()
    make_schedule(make_view(keeper, listing="admin_recipient_log", name="One", values={"person": NAME}))
    make_view(keeper, listing="admin_recipient_log", name=f"About {NAME}")
    make_view(keeper, listing="admin_recipient_log", name="Neighbor", values={"person": "Neighbor"})
    session = SessionStore()
    session[SESSION_KEY] = {"a": {"person": NAME}, "b": {"person": "Neighbor"}}
    session.save()


def files_of(user: Any) -> None:
    times = {"asked_at": timezone.now(), "expires_at": timezone.now() + YEAR, "owner": user, "status": "done"}
    report = ReportJob.objects.create(
        kind="recipient",
        options={"person": PERSON},
        format="csv",
        title=f"Messages of {NAME}",
        claim=uuid4(),
        **times,
    )
    path_of(report).write_text(NAME)
    request = RecordsRequest.objects.create(criteria={"words": NAME, "people": [PERSON]}, claim=uuid4(), **times)
    path_of(request).parent.mkdir(parents=True, exist_ok=True)
    path_of(request).write_text(NAME)
    received = {"received_at": timezone.now(), "handed_by_name": "Somebody"}
    RecordsReceipt.objects.create(request=request, received_by=NAME, **received)
    upload = ImportJob(file_name="march.csv", digest="0", size=1, map_name="recipients", **times)
    upload.result = {"refusals": [f"Line 3: {NUMBER} is not a number"]}
    path_of(upload).parent.mkdir(parents=True, exist_ok=True)
    path_of(upload).write_bytes(f"Name;Phone\n{NAME};(651) 555-0199\n".encode("utf-16"))
    upload.save()


def a_roster_run() -> None:
    """It changed the account of a member of the staff who is a parent as well."""
    rows = [["changed", NAME, f"e-mail {ADDRESS}"], ["new", "Neighbor, Nia", "n@example.org"]]
    RosterRun.objects.create(
        source="rest",
        check_only=False,
        status="done",
        asked_at=timezone.now(),
        difference={"person": {"before": 1, "new": 1, "changed": 1, "leaving": 0, "rows": rows}},
        problems=[[f"users, {NAME}", "has no role"]],
    )


@pytest.mark.slow
def test_an_erased_person_is_in_no_table_and_in_no_file(make_user, folder):
    everything(make_user)
    assert len(traces()) > 20
    assert {path.suffix for path in folder.rglob("*.*")} == {".csv", ".zip"}
    messages = {row.message for row in Recipient.objects.filter(person_id=PERSON).exclude(message__modes=["text"])}
    before = {message: all_figures(message) for message in messages}
    erasure = erase(reason=f"{NAME} asked")
    assert erasure.finished_at
    assert traces(*TRACES, PERSON) - {"accounts_auditevent.target"} == set()
    assert not list(folder.rglob("*.*"))
    (session,) = Session.objects.all()
    assert session.get_decoded() == {SESSION_KEY: {"b": {"person": "Neighbor"}}}
    assert [view.name for view in SavedView.objects.all()] == ["Neighbor"]
    assert {message: all_figures(message, again=True) for message in messages} == before
    assert erasure.figures["messages"] >= 2


def test_others_keep_what_they_share():
    message = district.a_message()
    spouse = make_recipient(message, name="Xiong, Kou", person_id="P-2")
    make_delivery(spouse, mode="voice", address=NUMBER)
    recount(message_id=message.pk)
    before = all_figures(message)
    erasure = erase()
    assert erasure.finished_at
    assert erasure.stays["shared"] == 1
    assert spouse.deliveries.get().address == NUMBER
    assert not Recipient.objects.filter(person_id=PERSON).exists()
    assert all_figures(message, again=True) == before
    assert not ErasedAddress.objects.filter(opted_out=True).exists()


@pytest.mark.slow
def test_a_stop_goes_on_without_the_number():
    district.a_message()
    district.a_stop()
    erase()
    assert not TextConsent.objects.exists()
    assert refusing_texts([NUMBER, "+16125550000"]) == {NUMBER}
    record_incoming_text(caller=NUMBER, text="START", raw=f'{{"from": "{NUMBER}"}}', id="t1")
    assert refusing_texts([NUMBER]) == set()
    assert traces(NUMBER) == set()


@pytest.mark.slow
def test_what_comes_later_does_not_bring_the_person_back():
    message = district.a_message(ago=timedelta(days=1))
    delivery = Delivery.objects.filter(address=ADDRESS).first()
    erase()
    district.store(
        district.event_of(delivery, timezone.now(), "late"),
        "{" + f'"recipient": "{ADDRESS}", no JSON',
        district.event_of(delivery, message.created_at, "e1", severity="temporary"),
    )
    record_incoming_text(caller=NUMBER, text="Who is this?", raw=f'{{"from": "{NUMBER}"}}', id="t2")
    reply = Reply.objects.get()
    assert (reply.number, reply.text) == (REMOVED, "Who is this?")
    assert traces() == set()
    assert not QuarantinedEvent.objects.exists()
    assert MailgunEvent.objects.count() == 1


def test_a_new_message_to_the_person_is_news():
    district.a_message(ago=timedelta(days=1))
    erase()
    new = make_message()
    delivery = make_delivery(make_recipient(new, person_id=PERSON, name=NAME), address=ADDRESS)
    district.store(district.event_of(delivery, timezone.now(), "new"))
    delivery.refresh_from_db()
    assert delivery.email_outcome == "failed-permanent"


@pytest.mark.slow
def test_a_hold_keeps_the_person_until_it_is_lifted():
    message = district.a_message()
    other = district.a_message()
    hold = Hold.objects.create(kind=HoldKind.MESSAGE, value=str(message.pk), reason="A case", set_by_name="S")
    assert preview(PERSON).stays == {"held": 1}
    erasure = erase()
    assert (erasure.finished_at, erasure.stays["held"]) == (None, 1)
    assert message.recipients.filter(person_id=PERSON).count() == 2
    assert message.deliveries.filter(address=ADDRESS).count() == 2
    assert not other.recipients.filter(person_id=PERSON).exists()
    Hold.objects.filter(pk=hold.pk).update(lifted_at=timezone.now())
    assert erase_person(erasure_id=erasure.pk, pause=False)
    assert traces(*TRACES, PERSON) == set()


@pytest.mark.slow
def test_a_held_person_is_not_erased_at_all():
    district.a_message()
    district.a_reply()
    district.contacts()
    Hold.objects.create(kind=HoldKind.PERSON, value=PERSON, reason="A case", set_by_name="S")
    before = {row for row in district.every_text() if row[0].startswith(("messenger_logs", "mailgun"))}
    erasure = erase()
    assert not erasure.finished_at
    assert {row for row in district.every_text() if row[0].startswith(("messenger_logs", "mailgun"))} == before


@pytest.mark.slow
def test_a_message_that_has_not_ended_waits():
    district.a_message(ago=timedelta(days=5))
    waiting = district.a_message(status="waiting")
    assert preview(PERSON).stays == {"running": 1}
    erasure = erase()
    assert not erasure.finished_at
    assert waiting.recipients.filter(person_id=PERSON).exists()
    waiting.status = "sent"
    waiting.save()
    assert erase_person(erasure_id=erasure.pk, pause=False)


@pytest.mark.slow
def test_a_run_that_is_cut_goes_on():
    district.a_message()
    district.a_reply()
    erasure = erase_requests.ask(person_id=PERSON, by=None)
    assert not erase_person(erasure_id=erasure.pk, until=0.0)
    Recipient.objects.filter(person_id=PERSON).first()
    assert erase_person(erasure_id=erasure.pk, pause=False)
    assert erase_person(erasure_id=erasure.pk, pause=False)
    assert traces(*TRACES, PERSON) == set()


def test_the_preview_counts_what_goes(make_user):
    everything(make_user)
    found = preview(PERSON)
    assert found.names == [NAME]
    assert found.gone == {
        "messages": 3,
        "addresses and numbers": 2,
        "events": 2,
        "replies": 1,
        "files": 2,
        "entries of suppression lists": 1,
    }
    for nobody in ("nobody", "unknown", REMOVED):
        with pytest.raises(NobodyFound):
            preview(nobody)


def test_the_trail_says_who_asked_and_names_nobody(make_user):
    user = make_user(Tool.ERASE)
    district.a_message()
    erasure = erase_requests.ask(person_id=PERSON, by=user)
    with pytest.raises(erase_requests.AlreadyAsked):
        erase_requests.ask(person_id=PERSON, by=user)
    erase_person(erasure_id=erasure.pk, pause=False)
    asked, erased = AuditEvent.objects.filter(action__startswith="person.erase").order_by("pk")
    assert (asked.action, asked.who_id) == ("person.erase_asked", user.pk)
    assert erased.details["searched"] == [hashed_search(PERSON)]
    assert erased.details["gone"]["messages"] == 1


@pytest.mark.slow
def test_the_command_shows_first_and_erases_when_told_so(capsys):
    district.a_message()
    call_command("erase_person", PERSON)
    assert "1 messages" in capsys.readouterr().out
    assert Recipient.objects.filter(person_id=PERSON).exists()
    call_command("erase_person", PERSON, "--yes")
    assert "is erased" in capsys.readouterr().out
    assert traces(*TRACES) == set()
    with pytest.raises(CommandError):
        call_command("erase_person", "nobody")
