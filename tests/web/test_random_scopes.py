"""Whatever the scopes: lists, counts, filters, searches, reports and the API answer what plain Python finds."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.tools import RECIPIENT_LOGS, Right, Tool
from listings.registry import registry
from messenger_logs.models import Delivery, SentMessage
from reports.kinds.sent_message import SentMessageReport
from reports.kinds.sent_message_log_2 import SentMessageLog2Report, statuses_of
from tests.messenger_logs.random_scopes import (
    ADMIN,
    ADMIN_PEOPLE,
    ALL,
    DISTRICTS,
    LOG,
    LOG_2,
    PEOPLE,
    TOOLS,
    UPCOMING,
    District,
)
from web.message_access import MESSAGE_TOOLS
from web.views.search import look_for

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ANY_DAY = {"created_from": "2000-01-01"}
# The lists of messages, each with its tool and the values with which it shows all it has.
LOGS: list[tuple[str, Tool, dict[str, str]]] = [
    ("sent_message_log", LOG, ANY_DAY),
    ("admin_sent_message_log", ADMIN, ANY_DAY),
    ("olr_email_log", LOG, ANY_DAY),
    ("admin_olr_email_log", ADMIN, ANY_DAY),
    ("sent_message_log_2", LOG_2, {"whose": "all"}),
    ("upcoming_messages", UPCOMING, {"whose": "all"}),
    ("upcoming_messages", UPCOMING, {"whose": "all", "tab": "in_progress"}),
]


@DISTRICTS
@given(st.randoms(use_true_random=False))
def test_lists_of_messages(random: Random) -> None:
    district = District(random)
    for name, tool, values in LOGS:
        if not district.user.may(tool):
            continue
        listing: Any = registry[name].open(district.user, values)
        listing.fetch()
        assert not listing.errors
        of_the_log = [message for message in district.messages if in_list(message, name, values)]
        shown = [message for message in of_the_log if district.sees(tool, message)]
        assert {*listing.page.rows} == {*shown}
        assert listing.page.total.number == listing.count() == len(shown)
        # A drop-down has the values of both tabs.
        of_the_tool = {message.sender_name for message in district.messages if district.sees(tool, message)}
        assert {message.sender_name for message in shown} <= offered(listing, "sender_name") <= of_the_tool
        if tool in (LOG_2, UPCOMING):
            calendars = {str(value) for value, _ in listing.filterset.form.fields["calendars"].choices if value}
            scope = district.everybodys(tool)
            own = [message for message in district.messages if message.sender_id == district.user.pk]
            known = {calendar.pk for message in own for calendar in message.calendars.all()}
            allowed = {one.pk for one in district.calendars if scope is ALL or one.school_id in scope} | known
            assert calendars == {str(pk) for pk in allowed}


def in_list(message: SentMessage, name: str, values: dict[str, str]) -> bool:
    if "olr" in name:
        return message.engine == "olr"
    if "sent_message_log" in name:
        return message.engine != "olr"
    return message.status == ("in_progress" if values.get("tab") else "waiting")


def offered(listing: Any, name: str) -> set[str]:
    return {value for value, _ in listing.filterset.form.fields[name].widget.choices if value}


@DISTRICTS
@given(st.randoms(use_true_random=False))
def test_the_people_of_a_message(random: Random) -> None:
    district = District(random)
    for tool, message, rows in shown_messages(district):
        name = f"{tool.name.lower()}_message_recipients"

        def opened(name: str = name, message: SentMessage = message, **values: str) -> Any:
            listing: Any = registry[name].open(district.user, values, {"pk": message.pk})
            listing.fetch()
            assert not listing.errors
            return listing

        listing = opened()
        assert {*listing.page.rows} == {*rows}
        assert listing.page.total.number == listing.count() == len(rows)
        people = {row.recipient.person_id for row in rows}
        assert opened(figure="recipients").count() == len(people)
        without = {person for person in people if not has_device(person, rows)}
        assert opened(figure="no_device").count() == len(without)
        for row in message.deliveries.select_related("recipient")[:2]:
            found = opened(student=row.recipient.student_name).page.rows
            assert found == ([row] if row in rows else [])
        scope = listing.scope.schools
        for school in district.schools[:2]:
            seen = {*opened(school=school.name).page.rows}
            assert seen <= {*rows}
            if scope is not None and school.pk not in scope:
                assert not seen
                assert school.name not in offered(listing, "school")
        assert report_rows(district, tool, message) == len(rows)


def has_device(person: str, rows: list[Delivery]) -> bool:
    return any(row.address for row in rows if row.recipient.person_id == person)


def shown_messages(district: District) -> Iterator[tuple[Tool, SentMessage, list[Delivery]]]:
    """Yield each message for each tool that shows it, with the deliveries that the tool shows."""
    for tool in MESSAGE_TOOLS:
        for message in district.messages:
            if district.sees(tool, message):
                yield tool, message, district.rows(tool, message)


def report_rows(district: District, tool: Tool, message: SentMessage) -> int:
    """The deliveries in the report of the tool; of one without a report, those that it would have."""
    options: dict[str, Any] = {"tool": tool.name, "message": message.pk}
    if tool in SentMessageReport.tools:
        options |= {"devices": ["email", "no_device"]}
        report: Any = SentMessageReport.open(district.user, options)
        with_device = [row for row in district.rows(tool, message) if row.address]
        people = {row.recipient.person_id for row in district.rows(tool, message)}
        without = [person for person in people if not has_device(person, with_device)]
        of_them = [row for row in district.rows(tool, message) if row.recipient.person_id in without]
        assert len(list(report.rows())) == report.count() == len(with_device) + len(of_them)
    elif tool in SentMessageLog2Report.tools:
        options |= {"modes": ["email"], "statuses": statuses_of(message)}
        report = SentMessageLog2Report.open(district.user, options)
        assert len(list(report.rows())) == report.count() == len(district.rows(tool, message))
    return len(district.rows(tool, message))


@DISTRICTS
@given(st.randoms(use_true_random=False))
def test_the_search_for_people_and_messages(random: Random) -> None:
    district = District(random)
    for tool in (PEOPLE, ADMIN_PEOPLE):
        if not district.user.may(tool):
            continue
        rows = district.rows(tool)
        people = {row.recipient.person_id for row in rows}
        log: Any = registry[tool.name.lower()].open(district.user, ANY_DAY | {"person": "Vang Person"})
        log.fetch()
        assert {person.person_id for person in log.filterset.people.people} == people
        named = {student.name for person in log.filterset.people.people for student in person.students}
        assert named == {row.recipient.student_name for row in rows}
        for person in people:
            log = registry[tool.name.lower()].open(district.user, ANY_DAY | {"person": person})
            log.fetch()
            assert {*log.page.rows} == {row for row in rows if row.recipient.person_id == person}
    found = look_for(district.user, "Vang Person")
    first = next((tool for tool in RECIPIENT_LOGS if district.user.may(tool)), None)
    shown = {row.recipient.person_id for row in district.rows(first)} if first else set()
    assert len(found.people.choices if found.people else []) == len(shown)
    found = look_for(district.user, "News")
    logs = (LOG_2, LOG, ADMIN)
    seen = {one for one in district.messages if any(district.sees(tool, one) for tool in logs)}
    assert {row.message for row in (found.messages.rows if found.messages else [])} == seen


@DISTRICTS
@given(st.randoms(use_true_random=False))
def test_the_api(random: Random) -> None:
    district = District(random)
    client = APIClient()
    client.force_authenticate(district.user)
    for message in district.messages:
        tool = next((tool for tool in MESSAGE_TOOLS if district.sees(tool, message)), None)
        answer = client.get(reverse("api:deliveries", args=[message.pk]))
        if tool is None:
            assert answer.status_code in (403, 404)
            assert client.get(reverse("api:message", args=[message.pk])).status_code in (403, 404)
            continue
        rows = district.rows(tool, message)
        assert {row["id"] for row in answer.json()["results"]} == {row.pk for row in rows}
        assert answer.json()["count"] == len(rows)
        with_values = {row["id"] for row in answer.json()["results"] if row["recipient"]["merge_fields"]}
        assert with_values == {row.pk for row in rows if sees_values(district, row)}
        detail = client.get(reverse("api:message", args=[message.pk])).json()
        scope = None if district.is_own(tool, message) else district.everybodys(tool)
        told = {part["school"] for part in detail["people_by_school"]}
        assert scope is ALL or told <= {school.name for school in district.schools if school.pk in scope}


def sees_values(district: District, row: Delivery) -> bool:
    cell = (ADMIN, Right.MERGE_FIELD_VALUES)
    scope = district.scope(cell)
    school = row.recipient.student_school_id or row.message.school_id
    return district.sees_row(ADMIN, row) and district.may(cell) and (scope is ALL or school in scope)


def test_every_tool_is_tried() -> None:
    assert set(TOOLS) == {*MESSAGE_TOOLS, *RECIPIENT_LOGS}
