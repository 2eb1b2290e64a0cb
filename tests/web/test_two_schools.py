"""Two people with every right, each for one school, see not a row, name, count or suggestion of each other's.

All that is of a school has the name of the school in it, so one word found on a page is enough to fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any
from uuid import uuid4

import pytest
from django.http import Http404
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import issue_token, record_audit_event
from accounts.tools import DISTRICT_WIDE, DistrictWide, Tool, every_right
from dispatch.models import InboxMessage
from listings.context import ListContext
from listings.filters import ContainsFilter, ExactFilter, IdFilter, ValuesFilter
from listings.listing import Listing
from listings.registry import Entry, registry
from mailgun_sync.models import MailgunEvent, RecipientAddress, SendingDomain
from mailgun_sync.services.schools import fill_schools
from messenger_logs.choices import LinkedBy, Mode
from messenger_logs.models import Calendar, ContactToFix, School, SentMessage
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.derive_contacts import derive_contacts
from messenger_logs.services.replies import record_reply
from messenger_logs.services.totals import recount_all
from reports.document import Document, Figures, Rows
from reports.kinds import report_of
from tests.messenger_logs.districts import hold_for
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school
from web.listings.mailgun_message_log import GroupFilter
from web.views.search import look_for

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MakeUser = Callable[..., User]
# A number for each school, and for the family with a child in both.
NUMBERS = {"North": "+16125550101", "South": "+16125550102", "shared": "+16125550103", "unplaced": "+16125550104"}
V2 = {"engine": "v2", "message_type": "Messenger 2.0 - General"}
# One message for each log: in the classic one it is a drill as well.
KINDS: list[dict[str, Any]] = [{"drill": True}, {"engine": "olr"}, V2, V2 | {"status": "in_progress"}]


@dataclass(frozen=True)
class Side:
    """A person who holds every right for one school, and what must not be seen."""

    user: User
    own: str
    other: str

    def check(self, text: str) -> None:
        assert self.other.lower() not in text.lower()
        assert NUMBERS[self.other][2:] not in re.sub(r"\D", "", text)
        assert "unplaced" not in text.lower(), "a person of whom no school is known"


one_side = pytest.mark.parametrize("side", ["North"], indirect=True)

# The district


def send(school: str | None, fields: dict[str, Any]) -> SentMessage:
    word = school or "District"
    given = {"subject": f"{word} news", "sender_name": f"{word} office", "modes": [Mode.INBOX, Mode.EMAIL, Mode.TEXT]}
    given["external_id"] = uuid4().hex
    message = make_message(school=make_school(school) if school else None, **(given | fields))
    if school and "engine" in fields:
        year = {"name": f"2026-27 {school}", "school_year": "2026-27"}
        message.calendars.add(Calendar.objects.get_or_create(school=message.school, defaults=year)[0])
    return message


def add_family(message: SentMessage, word: str, school: School | None = None, person: str = "") -> None:
    """A parent whom nothing reaches: the mailbox refuses for good, and the number is a landline."""
    parent = make_recipient(
        message,
        person_id=f"{person or word}-id",
        name=f"{person or word} parent",
        student_name=f"{word} child",
        student_number=f"{word}-7",
        student_school=school,
        language=word.lower(),
    )
    device = (person or word).lower()
    refused = {"email_outcome": "failed-permanent", "email_reason": f"550 5.1.1 {device}: user unknown"}
    make_delivery(parent, address=f"{device}@{device}.example", **refused)
    make_delivery(parent, mode=Mode.TEXT, address=NUMBERS[person or word], status="undelivered", attempt_count=1)
    inbox = make_delivery(parent, mode=Mode.INBOX, address=parent.person_id, status="canceled")
    InboxMessage.objects.create(
        delivery=inbox, person_id=parent.person_id, subject=f"{word} news", body=word, sender_name=message.sender_name
    )


def add_events(message: SentMessage) -> None:
    domain = SendingDomain.objects.get_or_create(name="mg.example.org")[0]
    for row in message.deliveries.filter(mode=Mode.EMAIL).select_related("recipient"):
        RecipientAddress.objects.get_or_create(address=row.address)
        MailgunEvent.objects.create(
            domain=domain,
            event="failed",
            severity="permanent",
            event_id=f"{row.pk}",
            occurred_at=timezone.now(),
            recipient=row.address,
            subject=message.subject,
            detail=row.email_reason,
            person_id=row.recipient.person_id,
            sent_message=message,
            delivery=row,
            raw="{}",
        )
    fields = {"event": "delivered", "occurred_at": timezone.now(), "linked_by": LinkedBy.AMBIGUOUS, "raw": "{}"}
    MailgunEvent.objects.create(domain=domain, event_id=f"a{message.pk}", subject=message.subject, **fields)


@pytest.fixture(scope="class")
def district(class_db: None) -> list[SentMessage]:
    """Messages of each school and of the whole district, to families of both, and all that follows from them."""
    north, south = make_school("North"), make_school("South")
    messages = []
    for fields in KINDS:
        for school in (north, south):
            # Of these families only the school of the message is known.
            add_family(of_school := send(school.name, fields), school.name)
            messages.append(of_school)
        of_all = send(None, fields)
        for school in (north, south):
            add_family(of_all, school.name, school)
            add_family(of_all, school.name, school, person="shared")
        add_family(of_all, "unplaced")
        messages.append(of_all)
    for message in messages:
        add_events(message)
    fill_schools()
    recount_all(message_ids=[message.pk for message in messages])
    note_contacts(deliveries=[row.pk for message in messages for row in message.deliveries.all()])
    derive_contacts()
    for word, number in NUMBERS.items():
        record_reply(number=number, text=f"{word} asks", at=timezone.now(), taken_as="", raw="{}")
    record_audit_event(by=None, action="message.viewed", target="North news, South news")
    return messages


@pytest.fixture(params=["North", "South"])
def side(request: pytest.FixtureRequest, make_user: MakeUser, district: list[SentMessage]) -> Side:
    own = request.param
    user = hold_for(make_user(*every_right(), username="principal"), frozenset({own}))
    return Side(user, own, {"North": "South", "South": "North"}[own])


# What a list shows


def arguments_of(entry: Entry) -> list[dict[str, Any]]:
    """Of a list below a message: each message. Of a person's record: each person."""
    if ":person>" in entry.path:
        return [{"person": f"{word}-id"} for word in ("North", "South", "shared")]
    below = "<" in entry.path
    return [{"pk": pk} for pk in SentMessage.objects.values_list("pk", flat=True)] if below else [{}]


def values_of(entry: Entry, own: str) -> list[dict[str, str]]:
    """The values with which a list shows all it has."""
    named = {
        "admin_recipient_log": [{"person": f"{word} parent"} for word in (own, "shared")],
        "inbox": [{"person_id": f"{word}-id"} for word in (own, "shared")],
        "contacts_to_fix": [{"which": "all"}],
        "admin_contacts_to_fix": [{"which": "all"}],
        "admin_mailgun_message_log_groups": [{"by": by} for by in ("reason", "provider", "message")],
        "admin_reach": [{"by": by} for by in ("", "message_type", "language", "week")],
    }
    unreached = [{"reach": "all"}, {"mode": "text"}] if entry.name.endswith("unreached") else [{}]
    return named.get(entry.name, unreached)


def opened(entry: Entry, side: Side, values: dict[str, str], arguments: dict[str, Any]) -> Listing:
    # The portal's inbox has no columns to sort by.
    options = {} if entry.path else {"sorts": ("-delivered_at",)}
    return entry.open(side.user, values, arguments, **options)


def shown(listing: Listing) -> str:
    """The fragment of the page: rows, counts, figures, drop-downs, notices."""
    notices = listing.fetch()
    if not listing.entry.path:
        return " ".join(f"{row.subject} {row.body} {row.sender_name}" for row in listing.page.rows)
    grid = ListContext("/", listing, search="", notices=notices, formats=[("csv", "CSV")])
    return str(render_to_string("listings/fragment.html", {"grid": grid, "listing": listing, "title": listing.title}))


def words_of(document: Document) -> Iterator[str]:
    yield from chain((document.title, document.subtitle), *document.header)
    for section in document.sections:
        if isinstance(section, Rows):
            yield from chain(*section.rows)
        else:
            yield from chain(*(section.pairs if isinstance(section, Figures) else section.paragraphs))


def listings(entry: Entry, side: Side) -> Iterator[Listing]:
    for arguments in arguments_of(entry):
        for values in values_of(entry, side.own):
            try:
                yield opened(entry, side, values, arguments)
            except Http404:
                continue


# With these a person sees only what she sent herself, and she sent nothing; or what is of no school.
NOTHING = {
    *(Tool.SENT_MESSAGE_LOG, Tool.RECIPIENT_LOG, Tool.REACH, Tool.MAILGUN_MESSAGE_LOG, Tool.CONTACTS_TO_FIX),
    *(Tool.MAILGUN_SYNC, Tool.AUDIT_TRAIL),
}


# Who manages user groups sees all accounts, and which schools they are of: no family stands there.
OF_SCHOOLS = [entry for entry in registry if entry.tool not in DISTRICT_WIDE | {Tool.USER_GROUPS}]
OF_THE_DISTRICT = [entry for entry in registry if entry.tool in DISTRICT_WIDE]


@pytest.mark.parametrize("entry", OF_SCHOOLS, ids=[entry.name for entry in OF_SCHOOLS])
class TestLists:
    def test_a_list_shows_one_school_alone(self, entry: Entry, side: Side) -> None:
        texts = []
        for listing in listings(entry, side):
            texts.append(shown(listing))
            side.check(texts[-1])
            if entry.path and listing.page.rows:
                side.check(" ".join(words_of(report_of(listing).document())))
                assert listing.page.total.number == len(list(listing.export_queryset().iterator(chunk_size=100)))
        assert (side.own.lower() in " ".join(texts).lower()) is (entry.tool not in NOTHING)

    @one_side
    def test_no_search_finds_anything_of_the_other_school(self, entry: Entry, side: Side) -> None:
        # Below a message of one school nobody else is found: the lists above show it.
        of_all = SentMessage.objects.filter(school=None).values_list("pk", flat=True)
        for listing in (one for one in listings(entry, side) if one.arguments.get("pk", of_all[0]) in of_all):
            # What the path names is no filter.
            filters = {name: one for name, one in listing.filterset.filters.items() if name not in listing.arguments}
            for name, each in filters.items():
                for text in texts_to_find(each, side):
                    found = opened(entry, side, listing.values | {name: text}, dict(listing.arguments))
                    assert not found.count(), (name, text)


@one_side
@pytest.mark.parametrize("entry", OF_THE_DISTRICT, ids=[entry.name for entry in OF_THE_DISTRICT])
def test_a_list_of_the_whole_district_opens_for_all_schools_alone(entry: Entry, side: Side) -> None:
    with pytest.raises(DistrictWide):
        opened(entry, side, {}, {})


def texts_to_find(each: Any, side: Side) -> list[str]:
    """What finds something of the other school in a list that has it."""
    if isinstance(each, GroupFilter):
        events = MailgunEvent.objects.exclude(school__name=side.own).values_list("pk", flat=True)
        return [f"reason-{pk}" for pk in events]
    if isinstance(each, IdFilter):
        return [str(SentMessage.objects.filter(school__name=side.other).latest("pk").pk)]
    return [side.other, *known_by(side.other)] if isinstance(each, ContainsFilter | ExactFilter | ValuesFilter) else []


def known_by(school: str) -> list[str]:
    """All by which the family of a school and its child are known, each whole."""
    mailbox, number = f"{school.lower()}@{school.lower()}.example", NUMBERS[school]
    written = f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return [f"{school}-id", f"{school}-7", f"{school} parent", f"{school} child", mailbox, number, written]


def messages_known_by(school: str) -> list[str]:
    """The numbers of the messages of a school, the ids that another system gave them, and their subject."""
    messages = SentMessage.objects.filter(school__name=school)
    return [f"{school} news", *(text for one in messages for text in (str(one.pk), str(one.external_id)))]


# Pages and the API beside the lists


@one_side
def test_home_counts_one_school(side: Side, signed_in: Callable[[User], Client]) -> None:
    text = signed_in(side.user).get("/").text
    side.check(text)
    assert f"{side.own} news" in text


@one_side
def test_a_contact_of_the_other_school_is_not_there(side: Side, signed_in: Callable[[User], Client]) -> None:
    client = signed_in(side.user)
    for contact in ContactToFix.objects.all():
        theirs = contact.address.startswith((side.other.lower(), NUMBERS[side.other], "unplaced", NUMBERS["unplaced"]))
        page = client.get(reverse("web:admin_contacts_to_fix_contact", args=[contact.pk]))
        assert page.status_code == (404 if theirs else 200)
        if not theirs:
            side.check(page.text)
        for action, form in (("state", {"state": "told"}), ("allow", {})):
            answer = client.post(reverse(f"web:admin_contacts_to_fix_contact_{action}", args=[contact.pk]), form)
            assert answer.status_code == (404 if theirs else 302)
    told = {one.address for one in ContactToFix.objects.filter(state="told")}
    mailbox = f"{side.own.lower()}@{side.own.lower()}.example"
    assert told == {NUMBERS[side.own], NUMBERS["shared"], "shared@shared.example", mailbox}


@one_side
def test_call_sheets_list_one_school(side: Side, signed_in: Callable[[User], Client]) -> None:
    message = SentMessage.objects.filter(school=None, engine="v2", status="sent").get()
    url = reverse("web:sent_message_log_2_message_call_sheet", args=[message.pk])
    client = signed_in(side.user)
    side.check(client.get(url).text)
    text = b"".join(client.get(url, {"format": "csv"}).streaming_content).decode()
    side.check(text)
    assert f"{side.own} parent" in text
    assert "shared parent" in text
    assert client.get(url, {"format": "csv", "school": side.other}).status_code == 200  # the choices again
    assert side.other not in client.get(url, {"format": "csv", "school": side.own}).getvalue().decode()


@one_side
def test_a_drill_of_others_is_marked_only_where_it_is_of_the_school_alone(
    side: Side, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(side.user)
    for message in SentMessage.objects.drills():
        answer = client.post(reverse("web:admin_drill_mark", args=[message.pk]), {"drill": ""})
        assert answer.status_code == (302 if message.subject.startswith(side.own) else 404)


@one_side
def test_states_without_figures_of_the_district(side: Side, signed_in: Callable[[User], Client]) -> None:
    client = signed_in(side.user)
    text = client.get(reverse("web:system_health")).text
    side.check(text)
    assert "In doubt" not in text
    assert "Last 24 hours" not in text


API = [
    "mailgun-events/?log=all",
    *(f"mailgun-events/groups/?log=all&by={by}" for by in ("reason", "provider", "message")),
    "replies/",
    "contacts/?log=all&which=all",
    "reach/?log=all",
]
SEARCHES = [
    ("mailgun-events/search/?log=all", ("recipient", "person_id", "detail", "subject")),
    ("replies/search/", ("name", "number", "text")),
    ("contacts/search/?log=all", ("device", "people")),
    ("inbox/search/", ("person_id",)),
    *(
        (f"messages/search/?log={log}", ("sender", "subject"))
        for log in ("sent_administration", "olr_administration", "log_2", "upcoming")
    ),
]
BELOW_A_MESSAGE = [
    ("deliveries/search/", ("recipient", "student", "device")),
    ("people/search/", ("recipient", "student")),
]


@one_side
def test_the_api_answers_with_one_school(side: Side) -> None:
    headers = {"Authorization": f"Token {issue_token(user=side.user)[0]}"}
    for path in API:
        text = Client().get(f"/api/v1/{path}", headers=headers).text
        side.check(text)
        assert side.own.lower() in text.lower(), path
    ambiguous = Client().get("/api/v1/mailgun-events/ambiguous/", headers=headers).json()
    assert ambiguous["results"] == [], "they are of no school"
    for message in SentMessage.objects.filter(engine="v2"):
        answer = Client().get(f"/api/v1/messages/{message.pk}/people/?reach=all", headers=headers)
        assert answer.status_code == (404 if message.subject.startswith(side.other) else 200)
        side.check(answer.text)
    theirs = ContactToFix.objects.get(address=NUMBERS[side.other])
    for path in ("state", "allow-again"):
        url, body = f"/api/v1/contacts/{theirs.pk}/{path}/", json.dumps({"state": "told"})
        assert Client().post(url, body, content_type="application/json", headers=headers).status_code == 404


@one_side
def test_the_searches_of_the_api_find_one_school(side: Side) -> None:
    headers = {"Authorization": f"Token {issue_token(user=side.user)[0]}"}

    def found(path: str, field: str, school: str) -> int:
        texts = [*known_by(school), f"{school} office", f"{school} news"]
        bodies = [json.dumps({field: text}) for text in texts]
        ask = partial(Client().post, f"/api/v1/{path}", content_type="application/json", headers=headers)
        return sum(int(ask(body).json()["count"]) for body in bodies)

    of_all = SentMessage.objects.filter(school=None, engine="v2", status="sent").get()
    below = [(f"messages/{of_all.pk}/{part}", fields) for part, fields in BELOW_A_MESSAGE]
    for path, fields in [*SEARCHES, *below]:
        for field in fields:
            assert found(path, field, side.other) == 0, (path, field)
        assert any(found(path, field, side.own) for field in fields), path


@one_side
def test_the_search_of_the_top_bar_finds_nothing_of_the_other_school_by_all_it_is_known_by(
    side: Side, signed_in: Callable[[User], Client]
) -> None:
    def found(text: str) -> tuple[list[str], list[int]]:
        rows = look_for(side.user, text)
        assert rows.people is not None
        assert rows.messages is not None
        return rows.people.choices, [row.message.pk for row in rows.messages.rows]

    client = signed_in(side.user)
    for text in [*known_by(side.other), "unplaced-id", "unplaced@unplaced.example", NUMBERS["unplaced"]]:
        assert found(text) == ([], [])
        page = client.post(reverse("web:search"), {"person": text}, follow=True).text
        side.check(page.replace(text, ""))
    for text in messages_known_by(side.other):
        assert found(text) == ([], [])
    for text in known_by(side.own):
        people, _ = found(text)
        assert people
        side.check(" ".join(people))
    for text in messages_known_by(side.own):
        assert found(text)[1]
