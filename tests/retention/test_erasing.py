"""An erased person is nowhere in the database and in no file, and figures stay."""

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.models import AuditEvent, User
from accounts.services import hashed_search
from accounts.tools import Tool, every_right
from dispatch.services.webhooks import record_incoming_text
from imports.models import ImportJob
from listings.saved_searches import SESSION_KEY
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, Removal, SendingDomain, Suppression
from messenger_logs.models import Delivery, ErasedAddress, Recipient, Reply, SentMessage, TextConsent
from messenger_logs.removed import REMOVED
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.drills import mark_drill
from messenger_logs.services.erased import refusing_texts
from messenger_logs.services.totals import recount
from records.models import RecordsReceipt, RecordsRequest
from reports.models import ReportJob
from retention import tasks
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


def a_report(user: Any, **fields: Any) -> ReportJob:
    times = {"asked_at": timezone.now(), "expires_at": timezone.now() + YEAR}
    done = {"status": "done", "rows_done": 1, "rows_total": 1, "claim": uuid4(), "format": "csv"}
    report: ReportJob = ReportJob.objects.create(owner=user, **(times | done | fields))
    path_of(report).write_text(NAME)
    return report


def files_of(user: Any) -> None:
    times = {"asked_at": timezone.now(), "expires_at": timezone.now() + YEAR, "owner": user, "status": "done"}
    a_report(user, kind="recipient", options={"person": PERSON}, title=f"Messages of {NAME}")
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
    assert traces(*TRACES, PERSON) == set()
    assert not list(folder.rglob("*.*"))
    (session,) = Session.objects.all()
    assert session.get_decoded() == {SESSION_KEY: {"b": {"person": "Neighbor"}}}
    assert [view.name for view in SavedView.objects.all()] == ["Neighbor"]
    assert {message: all_figures(message, again=True) for message in messages} == before
    assert erasure.figures["messages"] >= 2


def use_messages(client: Client, message: SentMessage, waiting: SentMessage, about: str) -> None:
    """A look, a mark, a cancel, an export, a report, and what people do with the file of a report."""
    log = reverse("web:admin_sent_message_log")
    client.get(f"{log}{message.pk}/")
    mark_drill(message, drill=True, by=User.objects.get())
    client.post(f"{log}{waiting.pk}/cancel/")
    complete_cancel(message_id=waiting.pk)
    choices = {"devices": "email", "detail": "all", "format": "csv"}
    client.get(f"{log}{message.pk}/report/", choices)
    client.get(log, {"subject": about, "export": "csv"})
    options = {"tool": "ADMIN_SENT_MESSAGE_LOG", "message": message.pk, "devices": ["email"], "detail": "all"}
    client.post(reverse("web:import_upload"), {"file": SimpleUploadedFile(f"{about}.csv", b"Name\n")})
    for status, uses in (("done", ["file", "remove"]), ("queued", ["cancel"])):
        job = a_report(User.objects.get(), kind="sent-message", options=options, title=about, status=status)
        for use in uses:
            address = reverse(f"web:report_{use}", args=[job.pk])
            assert (client.get if use == "file" else client.post)(address).status_code < 400


def in_the_trail(client: Client) -> dict[str, tuple[str, str]]:
    """What the file of the Audit Trail says of each action: the sentence, and what or whom it was about."""
    response = client.get(reverse("web:audit_trail"), {"export": "csv"})
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    return {row["Action"]: (row["What happened"], row["What or whom"]) for row in csv.DictReader(lines)}


@pytest.mark.slow
def test_the_trail_names_nobody_by_the_subject_of_a_message(make_user, signed_in):
    client = signed_in(make_user(*every_right(), username="reader"))
    about = f"Where is {NAME}? ({NUMBER})"
    message, waiting = district.a_message(subject=about, ago=timedelta(days=3)), make_message(subject=about)
    SentMessage.objects.filter(pk=waiting.pk).update(status="waiting")
    use_messages(client, message, waiting, about)
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert actions >= {"message.viewed", "message.canceled", "message.cancel_completed", "message.marked_as_drill"}
    assert actions >= {"report.sent_message", "report.downloaded", "report.removed", "report.canceled"}
    assert actions >= {"import.uploaded", "export.admin_sent_message_log"}
    assert not {column for column in traces() if column.startswith("accounts_")}
    before = in_the_trail(client)
    assert before["Looked at a message"][1] == about
    assert before["Opened the report “…”"][0] == f"reader opened the report “Sent Message Report: {about}”."
    assert erase().finished_at
    assert traces(*TRACES, PERSON) == set()
    after = in_the_trail(client)
    gone = f"Where is {REMOVED}? ({REMOVED})"
    assert after["Looked at a message"] == (before["Looked at a message"][0], gone)
    assert after["Opened the report “…”"][0] == f"reader opened the report “Sent Message Report: {gone}”."


@pytest.mark.slow
def test_the_logs_name_nobody(make_user, folder, caplog):
    everything(make_user)
    erasure = erase_requests.ask(person_id=PERSON, by=None, reason=f"{NAME} asked")
    stuck = path_of(ReportJob.objects.get())
    stuck.unlink()
    stuck.mkdir()
    with caplog.at_level("DEBUG"), capture_logs() as events:
        failed = tasks.erase.apply(args=[erasure.pk])
        stuck.rmdir()
        tasks.erase.apply(args=[erasure.pk])
    assert failed.failed()
    assert Erasure.objects.get().finished_at
    said = f"{caplog.text} {events} {failed.traceback}".casefold()
    assert "erase" in caplog.text
    assert "isadirectoryerror" in said
    assert [trace for trace in (*TRACES, PERSON) if trace.casefold() in said] == []


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
