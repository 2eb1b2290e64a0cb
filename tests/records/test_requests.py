"""A request for records: what its file has and has not, the same bytes each time, and who received it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader
from pytest_django import Settings

from accounts.models import AuditEvent, GroupScope, User
from accounts.scopes import ALL_SCHOOLS, Scope
from accounts.tools import Right, Tool
from core.languages import in_language
from messenger_logs.models import Reply, School, SentMessage
from records import services, tasks
from records.archive import write_records
from records.content import Records
from records.criteria import Criteria
from records.models import RecordsReceipt, RecordsRequest
from reports.files import NotMade
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school
from tests.queue import do_at_once, note_queued
from tests.records.conftest import OTHERS
from tests.reports.pdf_tags import faults
from tests.stored import path_of
from web.records_forms import CriteriaForm

Status = RecordsRequest.Status
VANGS = Criteria(people=("4711",))


def archive_of(criteria: Criteria, scope: Scope = ALL_SCHOOLS) -> bytes:
    file = io.BytesIO()
    write_records(Records(criteria, scope), file)
    return file.getvalue()


def opened(content: bytes) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def everything_in(content: bytes) -> str:
    """All text of a file: its members, and of the PDF the text, what it says of itself, and each raw stream."""
    files = opened(content)
    pdf = files.pop("records.pdf")
    reader = PdfReader(io.BytesIO(pdf))
    pages = "\n".join(page.extract_text() for page in reader.pages)
    outline = "\n".join(str(entry) for entry in reader.outline)
    streams = [stream.get_data() for stream in reader_streams(reader)]
    texts = [pages, outline, str(reader.metadata), pdf.decode("latin-1"), content.decode("latin-1")]
    raw = [stream.decode("latin-1") for stream in streams] + [decoded_hex(stream) for stream in streams]
    return "\n".join([*files, *(text.decode() for text in files.values()), *texts, *raw])


def reader_streams(reader: PdfReader) -> list[Any]:
    size: Any = reader.trailer["/Size"]
    objects = [reader.get_object(number) for number in range(1, size)]
    return [one for one in objects if hasattr(one, "get_data")]


def decoded_hex(stream: bytes) -> str:
    """What a stream says in UTF-16 beside glyphs (ActualText)."""
    found = re.findall(rb"/ActualText ?<([0-9a-f]*)>", stream)
    return "\n".join(bytes.fromhex(text.decode()).decode("utf-16") for text in found)


@pytest.mark.slow
def test_names_of_other_families_are_nowhere_in_the_file(ledger: list[SentMessage]) -> None:
    Reply.objects.create(number="+16125550111", text="Lia Yang told me so", received_at=timezone.now())
    for criteria in (VANGS, Criteria(student_number="90210"), Criteria(words="late"), Criteria(sender="Ruiz")):
        text = everything_in(archive_of(criteria))
        assert "late" in text, "the search for names reads the contents"
        # As upper and lower case: three letters occur by chance in compressed bytes.
        assert [name for name in OTHERS if name in text or (len(name) > 3 and name.upper() in text)] == [], criteria
        assert ("Vang, Mai" in text) == criteria.names_family


def test_the_words_that_were_searched_may_name_another_family(ledger: list[SentMessage]) -> None:
    assert "Yang" not in everything_in(archive_of(Criteria(people=("4711",), words="Lia Yang")))


def test_the_same_request_on_the_same_data_is_the_same_bytes(ledger: list[SentMessage], time_machine: Any) -> None:
    first = archive_of(VANGS)
    time_machine.move_to(timezone.now() + timedelta(days=400, seconds=7))
    assert archive_of(VANGS) == first
    ledger[1].subject = "Ice"
    ledger[1].save()
    assert archive_of(VANGS) != first


def test_the_file_has_messages_devices_bodies_and_their_hashes(ledger: list[SentMessage]) -> None:
    Reply.objects.create(number="+16125550111", text="Thanks", received_at=timezone.now())
    Reply.objects.create(number="+16125550188", text="No", received_at=timezone.now())
    files = opened(archive_of(VANGS))
    both, vangs, _ = ledger
    assert list(files) == [
        *("records.pdf", "messages.csv", "deliveries.csv", "replies.csv"),
        *(f"bodies/{both.pk:08}-email.txt", f"bodies/{both.pk:08}-email-as-sent-1.txt"),
        *(f"bodies/{vangs.pk:08}-text.txt", "manifest.json"),
    ]
    assert faults(files["records.pdf"]) == []
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["wanted"] == {"Person": "Vang, Mai (4711)"}
    assert (manifest["messages"], manifest["people"]) == (2, 1)
    assert {one["name"]: (one["sha256"], one["bytes"]) for one in manifest["files"]} == {
        name: (hashlib.sha256(content).hexdigest(), len(content)) for name, content in files.items()
    }
    messages = table(files["messages.csv"])
    assert [(row["Message"], row["People of This Request"], row["Other People"]) for row in messages] == [
        (str(both.pk), "1", "2"),
        (str(vangs.pk), "1", "0"),
    ]
    devices = table(files["deliveries.csv"])
    assert [(row["Message"], row["Recipient"], row["Mode"], row["Device"]) for row in devices] == [
        (str(message.pk), "Vang, Mai", mode, device)
        for message in (both, vangs)
        for mode, device in (("Email", "mai@example.com"), ("Text", "(612) 555-0111"))
    ]
    assert [row["Text"] for row in table(files["replies.csv"])] == ["Thanks"]
    assert b"Dear Mai Vang, Mai Vang and [name withheld] are late." in files[f"bodies/{both.pk:08}-email-as-sent-1.txt"]
    assert b"Dear parent.name" in files[f"bodies/{both.pk:08}-email.txt"]


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        (VANGS, "01"),
        (Criteria(people=("4711", "4712")), "012"),
        (Criteria(student_number="90211"), "02"),
        (Criteria(student_name="xiong, lue"), "02"),
        (Criteria(people=("4711",), student_number="90211"), ""),
        (Criteria(words="LATE"), "02"),
        (Criteria(words="bus late"), "2"),
        (Criteria(words="email"), ""),
        (Criteria(sender="ruiz"), "012"),
        (Criteria(first=date(2026, 11, 21)), "12"),
        (Criteria(last=date(2026, 11, 20)), "0"),
        (Criteria(people=("4711",), first=date(2026, 11, 21), last=date(2026, 11, 21)), "1"),
    ],
)
def test_all_that_is_said_must_fit(ledger: list[SentMessage], criteria: Criteria, found: str) -> None:
    wanted = [ledger[int(number)] for number in found]
    assert list(criteria.messages(ALL_SCHOOLS)) == wanted
    assert Criteria.from_json(json.loads(json.dumps(criteria.to_json()))) == criteria


def test_a_person_with_some_schools_gets_records_of_these_alone(ledger: list[SentMessage]) -> None:
    here, there = make_school("Harrison High"), make_school("Lakeside")
    ledger[1].school = there
    ledger[1].save()
    district = make_message(school=None, subject="All", created_at=ledger[1].created_at)
    for number, school in (("1", here), ("2", there)):
        child = make_recipient(
            district, person_id="4711", name="Vang, Mai", student_number=number, student_school=school
        )
        make_delivery(child)
    scope = Scope.of([here.pk])
    rows = table(opened(archive_of(VANGS, scope))["deliveries.csv"])
    assert {(row["Message"], row["Student Number"]) for row in rows} == {
        (str(ledger[0].pk), "90210"),
        (str(district.pk), "1"),
    }
    assert not Criteria(school=there.pk).messages(scope).exclude(school=None)


# Requests


@pytest.fixture
def made(ledger: list[SentMessage], clerk: User, monkeypatch: pytest.MonkeyPatch) -> RecordsRequest:
    # The lease needs a connection of its own, which does not see this test's transaction.
    monkeypatch.setattr("core.leased_jobs.lease.Lease._renew", lambda lease: None)
    request = services.request_records(VANGS, by=clerk)
    services.make_records(job_id=request.pk)
    request.refresh_from_db()
    return request


def left(*actions: str) -> list[str]:
    return list(
        AuditEvent.objects.filter(action__startswith="records.").order_by("pk").values_list("action", flat=True)
    )


def test_a_worker_makes_the_file_and_each_step_is_audited(made: RecordsRequest) -> None:
    assert (made.status, made.error, made.messages, made.people, made.rows_done) == (Status.DONE, "", 2, 1, 4)
    content = path_of(made).read_bytes()
    assert content == archive_of(VANGS)
    assert (made.size, made.digest) == (len(content), hashlib.sha256(content).hexdigest())
    assert path_of(made).stat().st_mode & 0o077 == 0
    assert left() == ["records.asked", "records.made"]
    assert {tuple(event.details["people"]) for event in AuditEvent.objects.filter(action="records.made")} == {("4711",)}


@pytest.mark.slow
def test_a_file_is_handed_over_only_to_somebody(made: RecordsRequest, clerk: User, signed_in: Any) -> None:
    client: Client = signed_in(clerk)
    address = reverse("web:hand_over_records", args=[made.pk])
    for nobody in ("", "  ", "\u200b"):
        assert client.post(address, {"received_by": nobody}).status_code == 400
    assert not RecordsReceipt.objects.exists()
    answer: Any = client.post(address, {"received_by": "Mai Vang, by mail"})
    assert answer.getvalue() == path_of(made).read_bytes()
    assert answer["Content-Disposition"] == f'attachment; filename="records-request-{made.pk}.zip"'
    client.post(address, {"received_by": "J. Doe, attorney", "only_record": "1"})
    received = RecordsReceipt.objects.values_list("received_by", "handed_by_name")
    assert list(received) == [("Mai Vang, by mail", "Ruiz, Ana"), ("J. Doe, attorney", "Ruiz, Ana")]
    assert left()[-2:] == ["records.handed_over"] * 2
    assert "attorney" not in str(list(AuditEvent.objects.values_list("details", "target")))
    page = client.get(reverse("web:records_request", args=[made.pk])).content.decode()
    assert "J. Doe, attorney" in page
    assert made.digest in page


def test_who_lost_the_right_gets_no_file(made: RecordsRequest, clerk: User, make_user: Any, signed_in: Any) -> None:
    reader = signed_in(make_user((Tool.RECORDS_REQUEST, Right.READ)))
    address = reverse("web:hand_over_records", args=[made.pk])
    assert reader.post(address, {"received_by": "x"}).status_code == 403
    page = reader.get(reverse("web:records_request", args=[made.pk])).content.decode()
    assert "Who received it" in page
    assert "Hand over the file" not in page
    only_here(clerk)
    assert signed_in(clerk).post(address, {"received_by": "x"}).status_code == 404, "it has other schools, too"
    assert not RecordsReceipt.objects.exists()


def only_here(user: User) -> School:
    """Let the groups of a user hold their rights for one school alone."""
    school = make_school("Harrison High")
    for group in user.groups.all():
        GroupScope.objects.create(group=group, reach="chosen").schools.add(school)
    return school


def test_a_right_that_is_lost_meanwhile_makes_no_file(ledger: list[SentMessage], clerk: User) -> None:
    request = services.request_records(VANGS, by=clerk)
    clerk.groups.clear()
    services.make_records(job_id=request.pk)
    request.refresh_from_db()
    assert (request.status, request.error) == (Status.FAILED, services.NO_LONGER)
    assert not path_of(request).exists()


def test_others_see_requests_of_their_schools(made: RecordsRequest, make_user: Any) -> None:
    rights = [(Tool.RECORDS_REQUEST, Right.READ), (Tool.RECORDS_REQUEST, Right.WRITE)]
    everywhere, here, nobody = make_user(*rights), make_user(*rights), make_user()
    only_here(here)
    own = services.request_records(Criteria(sender="Ruiz"), by=here)
    visible = {
        user: list(RecordsRequest.objects.visible_to(user).order_by("pk")) for user in (everywhere, here, nobody)
    }
    assert visible == {everywhere: [made, own], here: [own], nobody: []}
    assert list(RecordsRequest.objects.to_hand_over(here)) == [own]


def test_a_canceled_request_leaves_no_file(made: RecordsRequest, clerk: User) -> None:
    request = services.request_records(VANGS, by=clerk)
    assert services.cancel(request=request, by=clerk)
    services.make_records(job_id=request.pk)
    assert not services.cancel(request=made, by=clerk)
    assert left()[-2:] == ["records.asked", "records.canceled"]
    assert [path.name for path in path_of(made).parent.iterdir()] == [path_of(made).name]


def test_limits_say_what_to_do(ledger: list[SentMessage], clerk: User, settings: Settings) -> None:
    settings.RECORDS_MESSAGES, settings.REPORT_UNFINISHED_EACH = 1, 2
    assert "more than 1 messages" in services.preview(VANGS, by=clerk).error
    large = services.request_records(VANGS, by=clerk)
    services.make_records(job_id=large.pk)
    large.refresh_from_db()
    assert (large.status, "more than 1 messages" in large.error) == (Status.FAILED, True)
    services.request_records(VANGS, by=clerk)
    services.request_records(VANGS, by=clerk)
    with pytest.raises(NotMade, match="not finished"):
        services.request_records(VANGS, by=clerk)


def test_the_file_goes_after_a_time_and_the_request_stays(made: RecordsRequest, clerk: User) -> None:
    services.hand_over(request=made, received_by="Mai Vang", by=clerk)
    tasks.delete_expired()
    assert path_of(made).exists()
    assert services.delete_expired(now=made.expires_at + timedelta(seconds=1)) == 1
    made.refresh_from_db()
    assert (made.status, path_of(made).exists(), made.receipts.count()) == (Status.EXPIRED, False, 1)
    assert services.hand_over(request=made, received_by="x", by=clerk) is None


def test_an_erased_person_is_in_no_request(made: RecordsRequest, clerk: User) -> None:
    other = RecordsRequest.objects.create(
        owner=clerk, criteria={"words": "snow"}, status=Status.DONE, claim=uuid4(), asked_at=made.asked_at,
        expires_at=made.expires_at,
    )  # fmt: skip
    services.hand_over(request=made, received_by="Mai Vang, by mail", by=clerk)

    def redacted(value: Any) -> Any:
        return value.replace("Mai Vang", "removed") if isinstance(value, str) else dict(value)

    assert services.erase_from_requests(person_id="4711", redacted=redacted) == 2
    for request in (made, other):
        request.refresh_from_db()
    assert (made.status, made.criteria, path_of(made).exists()) == (Status.EXPIRED, {"people": []}, False)
    assert (other.status, other.criteria) == (Status.DONE, {"words": "snow"})
    assert made.receipts.get().received_by == "removed, by mail"


def test_requests_without_a_worker_are_found(ledger: list[SentMessage], clerk: User, monkeypatch: Any) -> None:
    request = services.request_records(VANGS, by=clerk)
    queued = note_queued(monkeypatch, tasks.make)
    tasks.requeue_orphaned()
    RecordsRequest.objects.update(asked_at=timezone.now() - timedelta(minutes=2))
    tasks.requeue_orphaned()
    assert queued == [request.pk]


# The form


def post(client: Client, **values: Any) -> str:
    return client.post(reverse("web:new_records_request"), values).content.decode()


@pytest.mark.slow
def test_a_request_is_made_after_it_was_previewed(
    ledger: list[SentMessage], clerk: User, signed_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.leased_jobs.lease.Lease._renew", lambda lease: None)
    do_at_once(monkeypatch, tasks.make)
    client = signed_in(clerk)
    page = post(client, person="vang, mai")
    assert "Vang, Mai (4711)" in page
    seen = page.split('name="seen" value="')[-1].split('"')[0]
    assert "The request would have" in post(client, person="vang, mai", make="1"), "not seen yet"
    assert "The request would have" in post(client, person="vang, mai", words="snow", make="1", seen=seen), "changed"
    assert not RecordsRequest.objects.exists()
    client.post(reverse("web:new_records_request"), {"person": "vang, mai", "make": "1", "seen": seen})
    assert RecordsRequest.objects.get().wanted == VANGS
    assert set(left()) == {"records.previewed", "records.asked"}


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "Enter a person"),
        ({"first": "2026-11-20"}, "Enter a person"),
        ({"person": "Nobody"}, "Nobody was found"),
        ({"person": "ang"}, "Several people match"),
        ({"person": "x"}, "2 letters"),
        ({"person": "\0"}, "Null characters"),
        ({"student": "Nobody"}, "No student has"),
        ({"words": "late", "first": "2026-11-20", "last": "2026-11-19"}, "before the first"),
        ({"words": "no such word"}, "No message fits."),
        ({"person": "4711", "first": "no day"}, "Enter a valid date"),
    ],
)
def test_what_cannot_be_asked_for_says_why(
    ledger: list[SentMessage], clerk: User, signed_in: Callable[[User], Client], values: dict[str, str], word: str
) -> None:
    assert word in post(signed_in(clerk), **values)
    assert not RecordsRequest.objects.exists()


def test_several_people_of_a_family_are_chosen_from_those_who_match(
    ledger: list[SentMessage], clerk: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(clerk)
    assert post(client, person="ang").count('name="people"') == 2
    assert "The request would have" in post(client, person="ang", people=["4711", "4712"])
    assert "The request would have" not in post(client, person="ang", people=["4713"])


def test_students_of_one_name_are_told_apart_by_number(
    ledger: list[SentMessage], clerk: User, signed_in: Callable[[User], Client]
) -> None:
    make_recipient(ledger[0], student_name="Vang, Tou", student_number="90299")
    client = signed_in(clerk)
    assert "90210, 90299" in post(client, student="Tou Vang")
    assert "The request would have" in post(client, student="90210")


@pytest.mark.parametrize(("days", "first"), [("last_12_months", date(2025, 11, 21)), ("school_year", date(2026, 7, 1))])
def test_a_request_may_be_of_the_last_12_months_or_of_this_school_year(
    time_machine: Any, days: str, first: date
) -> None:
    time_machine.move_to("2026-11-20T18:00Z")
    form = CriteriaForm({"words": "snow", "days": days, "last": "2026-01-01"}, scope=ALL_SCHOOLS)
    assert form.is_valid()
    assert (form.criteria.first, form.criteria.last) == (first, date(2026, 11, 20))


def test_the_file_is_in_the_language_in_which_it_was_asked_for(ledger: list[SentMessage], clerk: User) -> None:
    with in_language("es"):
        request = services.request_records(VANGS, by=clerk)
        expected = archive_of(VANGS)
    services.make_records(job_id=request.pk)
    request.refresh_from_db()
    content = path_of(request).read_bytes()
    assert content == expected, "the same bytes, whatever language the worker has"
    files = opened(content)
    assert faults(files["records.pdf"]) == []
    both = table(files["messages.csv"])[0]
    assert (both["Mensaje"], both["Otras personas"]) == (str(ledger[0].pk), "2")
    assert {row["Estado"] for row in table(files["deliveries.csv"])} == {"Sent"}
    assert b"[nombre omitido] are late." in files[f"bodies/{ledger[0].pk:08}-email-as-sent-1.txt"]
    assert json.loads(files["manifest.json"])["wanted"] == {"Persona": "Vang, Mai (4711)"}
