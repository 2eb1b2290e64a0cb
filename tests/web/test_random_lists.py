"""Whatever the scopes: each list, its export, and the API's list and search have the rows that plain Python finds."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.tools import MissingRight, Right, Tool
from listings.listing import Listing
from listings.registry import registry
from messenger_logs.models import Delivery, SentMessage
from reports.document import Rows
from reports.kinds import report_of
from tests.messenger_logs.random_rows import WholeDistrict
from tests.messenger_logs.random_scopes import DISTRICTS
from tests.web.test_random_scopes import LOGS, in_list, shown_messages
from web.message_access import MESSAGE_TOOLS

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

R = Right.READ
# Of the messages that the tools show, so many are looked into.
LOOKED_INTO = 3


def by_id(person: str) -> dict[str, str]:
    return {"person_id": person}


@dataclass(frozen=True)
class Asked:
    """A list of a tool: its ids by plain Python, and how the API is asked for it, and for one person in it."""

    name: str
    tool: Tool
    ids: Callable[[WholeDistrict, Tool], set[int]]
    address: str
    query: str = ""
    values: dict[str, str] = field(default_factory=dict)
    search: str = ""
    of_person: Callable[[WholeDistrict, Tool, str], set[int]] | None = None
    body: Callable[[str], dict[str, str]] = by_id


def name_of(person: str) -> str:
    """A part of the name that only this person has."""
    return person.replace("p", "Person ")


EVENTS = ("mailgun_events", "mailgun_event_search")
CONTACTS = ("contacts", "contact_search")


def _events(name: str, tool: Tool, query: str) -> Asked:
    address, search = EVENTS
    return Asked(name, tool, WholeDistrict.events, address, query, {}, search, WholeDistrict.events, by_id)


def _contacts(name: str, tool: Tool, query: str) -> Asked:
    address, search = CONTACTS

    def body(person: str) -> dict[str, str]:
        return {"people": name_of(person), "which": "all"}

    ids = WholeDistrict.contacts
    return Asked(name, tool, ids, address, query, {"which": "all"}, search, ids, body)


ASKED = [
    _events("mailgun_message_log", Tool.MAILGUN_MESSAGE_LOG, "log=own"),
    _events("admin_mailgun_message_log", Tool.ADMIN_MAILGUN_MESSAGE_LOG, "log=all"),
    _contacts("contacts_to_fix", Tool.CONTACTS_TO_FIX, "log=own"),
    _contacts("admin_contacts_to_fix", Tool.ADMIN_CONTACTS_TO_FIX, "log=all"),
    Asked(
        "replies",
        Tool.REPLIES,
        WholeDistrict.replies,
        "replies",
        search="reply_search",
        of_person=WholeDistrict.replies,
        body=lambda person: {"name": name_of(person)},
    ),
    Asked("reach", Tool.REACH, WholeDistrict.messages_reached, "reach", "log=own"),
    Asked("admin_reach", Tool.ADMIN_REACH, WholeDistrict.messages_reached, "reach", "log=all"),
]


class Answers:
    """The answers of the API to a person."""

    def __init__(self, district: WholeDistrict) -> None:
        self.client = APIClient()
        self.client.force_authenticate(district.user)

    def ask(self, name: str, pk: int | None = None, query: str = "", body: dict[str, str] | None = None) -> Any:
        """GET a list, or POST a search: its body. Without filters of the address it has all rows in one page."""
        address = f"{reverse(f'api:{name}', args=[] if pk is None else [pk])}?{query}&limit=1000"
        return self.client.get(address) if body is None else self.client.post(address, body, format="json")

    def rows(self, *asked: Any, **more: Any) -> list[dict[str, Any]]:
        answer = self.ask(*asked, **more)
        assert answer.status_code == 200, answer.content
        rows: list[dict[str, Any]] = answer.json()["results"]
        assert answer.json()["count"] == len(rows)
        return rows

    def ids(self, *asked: Any, **more: Any) -> list[int]:
        return sorted(row["id"] for row in self.rows(*asked, **more))


def opened(district: WholeDistrict, name: str, values: dict[str, str], **arguments: Any) -> Any:
    listing: Any = registry[name].open(district.user, values, arguments)
    listing.fetch()
    assert not listing.errors
    return listing


def check(listing: Any, ids: set[int]) -> str:
    """The page, its total and the export have these rows, each once. Returns the words of the exported rows."""
    assert sorted(row.pk for row in listing.page.rows) == sorted(ids)
    assert listing.page.total.number == listing.count() == len(ids)
    assert sorted(row.pk for row in listing.export_queryset()) == sorted(ids)
    rows = exported(listing)
    assert len(rows) == len(ids)
    return "\n".join(" ".join(row) for row in rows)


def exported(listing: Listing) -> list[list[str]]:
    """The rows of the file, as texts."""
    sections = report_of(listing).document().sections
    return [[*map(str, row)] for section in sections if isinstance(section, Rows) for row in section.rows]


def students_in(text: str) -> set[str]:
    """All students have names of their own."""
    return set(re.findall(r"Student \d+", text))


def students_of(rows: list[Delivery]) -> set[str]:
    return students_in(" ".join(row.recipient.student_name for row in rows))


@DISTRICTS
@given(st.randoms(use_true_random=False))
def test_lists_of_what_follows_from_messages(random: Random) -> None:
    district = WholeDistrict(random)
    api = Answers(district)
    for asked in ASKED:
        if not district.may((asked.tool, R)):
            with pytest.raises(MissingRight):
                registry[asked.name].open(district.user, asked.values, {})
            assert api.ask(asked.address, query=asked.query).status_code == 403
            continue
        ids = asked.ids(district, asked.tool)
        words = check(opened(district, asked.name, asked.values), ids)
        query = "&".join([asked.query, *(f"{name}={value}" for name, value in asked.values.items())])
        assert api.ids(asked.address, query=query) == sorted(ids)
        if asked.of_person:
            for person in ("p0", "p1"):
                found = api.ids(asked.search, query=asked.query, body=asked.body(person))
                assert found == sorted(asked.of_person(district, asked.tool, person)), asked.name
        if asked.address == "contacts":
            rows = [row for behind in district.behind(asked.tool).values() for row in behind]
            people = [person for row in api.rows(asked.address, query=query) for person in row["people"]]
            assert students_in(words) == students_in(str(people)) == students_of(rows)
        if asked.address == "reach":
            of_message = {message.pk: message for message in district.messages}
            for row in api.rows(asked.address, query=query):
                counted = district.people_counted(asked.tool, of_message[row["id"]])
                assert sum(row["people"].values()) == counted


@DISTRICTS
@given(st.randoms(use_true_random=False))
def test_replies_and_inboxes_name_the_people_of_the_schools(random: Random) -> None:
    district = WholeDistrict(random)
    api = Answers(district)
    if district.may((Tool.REPLIES, R)):
        for row in api.rows("replies"):
            people = {name_of(person) for person in district.named(row["number"])}
            assert {*re.findall(r"Person \d", row["name"])} == people
    for person in ("p0", "p1"):
        if not district.may((Tool.PORTAL_INBOX, R)):
            assert api.ask("inbox_search", body=by_id(person)).status_code == 403
        else:
            assert api.ids("inbox_search", body=by_id(person)) == sorted(district.inbox(Tool.PORTAL_INBOX, person))


@DISTRICTS
@given(st.randoms(use_true_random=False))
def test_messages_in_exports_and_the_api(random: Random) -> None:
    district = WholeDistrict(random)
    api = Answers(district)
    for name, tool, values in LOGS:
        if district.may((tool, R)):
            in_log = [one for one in district.messages if in_list(one, name, values) and district.sees(tool, one)]
            words = check(opened(district, name, values), {one.pk for one in in_log})
            assert {*re.findall(r"News \d+", words)} == {one.subject for one in in_log}
    for log, entry in registry.in_api("messages").items():
        if not district.may((entry.tool, R)):
            assert api.ask("messages", query=f"log={log}").status_code == 403
            continue
        # In the API Upcoming Messages has both tabs in one list.
        tabs: list[dict[str, str]] = [{}, {"tab": "in_progress"}] if entry.tool is Tool.UPCOMING_MESSAGES else [{}]
        listed = [one for one in district.messages if any(in_list(one, entry.name, tab) for tab in tabs)]
        shown = [one for one in listed if district.sees(entry.tool, one)]
        assert api.ids("messages", query=f"log={log}") == sorted(one.pk for one in shown)
        other = district.other.listed_name
        of_other = sorted(one.pk for one in shown if other in one.sender_name)
        assert api.ids("message_search", query=f"log={log}", body={"sender": other}) == of_other
        for message in district.messages[:2]:
            found = [one.pk for one in shown if message.subject in one.subject]
            assert api.ids("message_search", query=f"log={log}", body={"subject": message.subject}) == sorted(found)


@DISTRICTS
@given(st.randoms(use_true_random=False))
def test_the_rows_of_a_message_in_exports(random: Random) -> None:
    district = WholeDistrict(random)
    shown = list(shown_messages(district))
    for tool, message, rows in random.sample(shown, min(LOOKED_INTO, len(shown))):
        name = f"{tool.name.lower()}_message"
        words = check(opened(district, f"{name}_recipients", {}, pk=message.pk), {row.pk for row in rows})
        assert students_in(words) == students_of(rows)
        people = district.people_of(tool, message)
        words = check(opened(district, f"{name}_unreached", {"reach": "all"}, pk=message.pk), people)
        assert students_in(words) == students_of([row for row in rows if stands_for(people, row)])


def stands_for(people: set[int], row: Delivery) -> bool:
    """Whether the row is of one of these people, whom recipients of the message stand for."""
    return row.message.recipients.filter(pk__in=people, person_id=row.recipient.person_id).exists()


@DISTRICTS
@given(st.randoms(use_true_random=False))
def test_the_rows_of_a_message_in_the_api(random: Random) -> None:
    district = WholeDistrict(random)
    api = Answers(district)
    for message in random.sample(district.messages, LOOKED_INTO):
        tool = next((tool for tool in MESSAGE_TOOLS if district.sees(tool, message)), None)
        if tool is None:
            for name in ("deliveries", "delivery_search", "people", "people_search"):
                body: dict[str, str] | None = {"recipient": "Person"} if name.endswith("search") else None
                assert api.ask(name, message.pk, body=body).status_code in (403, 404)
            continue
        check_deliveries(api, message, district.rows(tool, message))
        check_people(api, message, district.people_of(tool, message), district.rows(tool, message))


def check_deliveries(api: Answers, message: SentMessage, rows: list[Delivery]) -> None:
    assert api.ids("deliveries", message.pk) == [row.pk for row in rows]
    for row in message.deliveries.select_related("recipient")[:2]:
        student, address = row.recipient.student_name, row.address or "p0@"
        of_student = [one.pk for one in rows if student in one.recipient.student_name]
        assert api.ids("delivery_search", message.pk, body={"student": student}) == of_student
        at_address = [one.pk for one in rows if address in one.address]
        assert api.ids("delivery_search", message.pk, body={"device": address}) == at_address
    named = [row.pk for row in rows if "Person 1" in row.recipient.name]
    assert api.ids("delivery_search", message.pk, body={"recipient": "Person 1"}) == named


def check_people(api: Answers, message: SentMessage, people: set[int], rows: list[Delivery]) -> None:
    def found(**body: str) -> set[int]:
        listed = api.rows("people_search", message.pk, body={"reach": "all", **body})
        return {row["recipient_id"] for row in listed}

    listed = api.rows("people", message.pk, query="reach=all")
    assert {row["recipient_id"] for row in listed} == people
    assert students_in(str(listed)) == students_of([row for row in rows if stands_for(people, row)])
    persons = dict(message.recipients.filter(pk__in=people).values_list("pk", "person_id"))
    assert found(recipient="Person 1") == {pk for pk, person in persons.items() if person == "p1"}
    for row in message.deliveries.select_related("recipient")[:2]:
        student = row.recipient.student_name
        with_student = {one.recipient.person_id for one in rows if student in one.recipient.student_name}
        assert found(student=student) == {pk for pk, person in persons.items() if person in with_student}
