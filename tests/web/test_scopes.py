"""What a person with some schools is told on the pages of a message, and what that person may not do there."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from accounts.services import issue_token
from accounts.tools import Right, Tool
from dispatch.services.recovery import UNKNOWN_DETAIL
from messenger_logs.choices import MessageStatus
from messenger_logs.models import Delivery, Redial, School, SentMessage
from messenger_logs.services.totals import recount
from reports import tasks
from reports.models import ReportJob
from tests.accounts.scoped import hold_for
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school
from tests.queue import do_at_once
from tests.reports.messages import csv_of

pytestmark = pytest.mark.django_db

ADMIN = Tool.ADMIN_SENT_MESSAGE_LOG
W = Right.WRITE
NAME = "admin_sent_message_log_message"


@pytest.fixture
def north() -> School:
    return make_school("North")


@pytest.fixture
def south() -> School:
    return make_school("South")


@pytest.fixture
def principal(make_user: Callable[..., User], north: School) -> User:
    """Reads and cancels everybody's classic messages of one school."""
    rights = [(ADMIN, right) for right in ADMIN.rights]
    return hold_for(make_user(*rights, username="principal"), north)


@pytest.fixture
def client(principal: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(principal)


def to_families(message: SentMessage, *schools: School, **fields: object) -> dict[str, Delivery]:
    """One family of each school, by the name of the school."""
    found = {
        school.name: make_delivery(
            make_recipient(message, name=f"Family of {school}", student_school=school, merge_fields={"x": "Mai"}),
            **fields,
        )
        for school in schools
    }
    recount(message_id=message.pk)
    return found


def url(message: SentMessage, part: str = "", **arguments: object) -> str:
    return reverse(f"web:{NAME}" + (f"_{part}" if part else ""), kwargs={"pk": message.pk, **arguments})


def test_a_message_of_the_whole_district_says_so_and_lists_the_people_of_ones_school(
    client: Client, north: School, south: School
) -> None:
    message = make_message(school=None, status="in_progress")
    families = to_families(message, north, south)
    page = client.get(url(message)).text
    assert "This message is of the whole district. Its figures count everybody." in page
    assert "South" not in page
    assert url(message, "cancel") not in page
    listed = client.get(url(message, "recipients")).text
    assert "Family of North" in listed
    assert "South" not in listed
    values = [client.get(url(message), {"recipient": family.recipient_id}).status_code for family in families.values()]
    assert values == [200, 404]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("school", "calendars", "answer"),
    [
        ("North", "", 302),
        ("North", "N", 302),
        ("North", "S", 403),
        ("South", "N", 403),
        (None, "", 403),
        ("South", "", 404),
    ],
)
def test_only_messages_of_ones_schools_alone_are_canceled(
    client: Client, principal: User, north: School, south: School, school: str | None, calendars: str, answer: int
) -> None:
    message = make_message(school=school and make_school(school), status="in_progress")
    for letter, of in zip("NS", (north, south), strict=True):
        if letter in calendars:
            message.calendars.create(school=of, name=f"26-27 {of}", school_year="2026-27")
    assert client.post(url(message, "cancel")).status_code == answer
    message.refresh_from_db()
    assert (message.status == MessageStatus.CANCELED_IN_PROGRESS) == (answer == 302)
    assert client.get(url(message, "retry")).status_code == {302: 200}.get(answer, answer)
    # A canceled message answers a program once more, with who canceled it.
    token = issue_token(user=principal)[0]
    by_api = client.post(reverse("api:cancel", args=[message.pk]), headers={"Authorization": f"Token {token}"})
    assert by_api.status_code == {302: 200}.get(answer, answer)
    if answer == 403:
        assert "not of your schools alone" in by_api.json()["detail"]


def test_only_devices_of_ones_school_are_sent_again(client: Client, north: School, south: School) -> None:
    message = make_message(school=north, dispatched_here=True, modes=["voice"])
    doubt = {"mode": "voice", "status": "vendor_received", "detail": UNKNOWN_DETAIL}
    families = to_families(message, north, south, **doubt)
    assert "Family of South" not in client.get(url(message, "retry")).text
    client.post(url(message, "retry"), {"delivery": [delivery.pk for delivery in families.values()]})
    assert [redial.delivery for redial in Redial.objects.all()] == [families["North"]]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_file_is_read_by_people_of_all_its_schools(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    make_user: Callable[..., User],
    signed_in: Callable[[User], Client],
    north: School,
    south: School,
) -> None:
    settings.REPORT_AT_ONCE_ROWS = 0
    do_at_once(monkeypatch, tasks.make)
    message = make_message(school=None)
    to_families(message, north, south)
    make_message(school=south)
    owner = hold_for(make_user(ADMIN, username="owner"), north, south)
    narrow = hold_for(make_user(ADMIN, username="narrow"), north)
    reads = signed_in(owner)
    asked = [
        (url(message, "report"), {"devices": "email", "format": "csv", "rows_only": "on"}, 3),
        (url(message, "recipients"), {"export": "csv"}, 3),
        (reverse("web:admin_sent_message_log"), {"export": "csv"}, 3),
    ]
    for address, query, lines in asked:
        reads.get(address, query)
        job = ReportJob.objects.latest("pk")
        assert job.schools == sorted([north.pk, south.pk])
        file = reverse("web:report_file", args=[job.pk])
        assert len(csv_of(reads.get(file))) == lines
        assert signed_in(narrow).get(file).status_code in (403, 404)
    hold_for(owner, north)
    for job in ReportJob.objects.all():
        refused = reads.get(reverse("web:report_file", args=[job.pk]))
        assert refused.status_code == 403
        assert "Make the report again" in refused.text
    reads.get(asked[1][0], {"export": "csv"})
    assert len(csv_of(reads.get(reverse("web:report_file", args=[ReportJob.objects.latest("pk").pk])))) == 2
