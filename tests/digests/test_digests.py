"""Digests: figures for the schools of the reader, without names, once for each time, for those who chose one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts import tasks
from accounts.models import AuditEvent, User
from accounts.tools import Tool
from core.troubles import Trouble
from digests import content, services
from digests.content import days_before, digest_of
from digests.models import DigestChoice, HowOften
from digests.services import choose_digest, send_digests
from messenger_logs.choices import ContactProblem, DeliveryStatus, MessageStatus, Mode
from messenger_logs.models import ContactPerson, ContactToFix, School
from messenger_logs.services.totals import recount
from tests.accounts.scoped import hold_for
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school
from tests.queue import do_at_once, refuse_all

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
SIX = datetime(2026, 11, 20, 12, tzinfo=UTC)  # 6 AM in Chicago, a Friday
DAY = timedelta(days=1)
RIGHTS = (Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_CONTACTS_TO_FIX, Tool.ADMIN_REACH)


@pytest.fixture(autouse=True)
def no_troubles(monkeypatch: pytest.MonkeyPatch) -> list[Trouble]:
    """What is wrong with the site: nothing, unless a test adds something. The mails are sent at once."""
    found: list[Trouble] = []
    monkeypatch.setattr(content, "all_troubles", lambda now: found)
    do_at_once(monkeypatch, tasks.send_email)
    return found


def message_to(school: School, *, at: datetime, reached: int, not_reached: int, **fields: Any) -> None:
    message = make_message(
        subject="marked-subject",
        sender_name="marked-sender",
        school=school,
        created_at=at,
        modes=[Mode.INBOX],
        **fields,
    )
    for number in range(reached + not_reached):
        recipient = make_recipient(message, name=f"marked-{number}", school=school)
        status = DeliveryStatus.SENT if number < reached else DeliveryStatus.ERROR
        make_delivery(recipient, mode=Mode.INBOX, status=status)
    recount(message_id=message.pk)


def contact_of(school: School, *, since: datetime) -> None:
    number = ContactToFix.objects.count()
    contact = ContactToFix.objects.create(
        mode=Mode.EMAIL,
        address=f"marked-{number}@example.org",
        problem=ContactProblem.values[0],
        since=since,
        failed_at=since,
    )
    ContactPerson.objects.create(contact=contact, person_id=str(number), name="marked-person", school=school)


@pytest.fixture
def schools() -> list[School]:
    """Two schools with messages and contacts of Thursday; East has older ones too."""
    east, west = make_school("East"), make_school("West")
    message_to(east, at=SIX - DAY, reached=2, not_reached=1)
    message_to(west, at=SIX - DAY, reached=3, not_reached=2)
    message_to(west, at=SIX - DAY, reached=0, not_reached=1, status=MessageStatus.CANCELED)
    message_to(east, at=SIX, reached=1, not_reached=0)
    message_to(east, at=SIX - 5 * DAY, reached=1, not_reached=0)
    contact_of(east, since=SIX - DAY)
    contact_of(west, since=SIX - DAY)
    contact_of(west, since=SIX - 20 * DAY)
    return [east, west]


def choose(user: User, every: HowOften = HowOften.DAY, **fields: Any) -> None:
    choose_digest(by=user, every=every, hour=6, weekday=4, **fields)
    DigestChoice.objects.filter(user=user).update(next_at=SIX)


def note(user: User) -> str:
    return DigestChoice.objects.get(user=user).note


# What it says


@pytest.mark.parametrize("some", [[], ["East"], ["East", "West"], None])
def test_the_figures_are_those_of_the_readers_schools(
    make_user: MakeUser, schools: list[School], some: list[str] | None
) -> None:
    user = make_user(*RIGHTS)
    if some is not None:
        user = hold_for(user, *(school for school in schools if school.name in some))
    first, last = days_before(SIX, 1)
    assert (first, last) == (date(2026, 11, 19),) * 2
    digest = digest_of(user, first=first, last=last, now=SIX)
    seen = {"East", "West"} if some is None else set(some)
    figures = {name: (people.reached, people.unreached) for name, people in digest.schools.items()}
    assert figures == {name: known for name, known in {"East": (2, 1), "West": (3, 2)}.items() if name in seen}
    assert digest.messages == len(seen)
    assert digest.contacts_new == len(seen)
    assert digest.contacts_open == ("East" in seen) + 2 * ("West" in seen)
    assert digest.troubles is None


def test_a_week_has_the_seven_days_before(make_user: MakeUser, schools: list[School]) -> None:
    first, last = days_before(SIX, 7)
    assert (first, last) == (date(2026, 11, 13), date(2026, 11, 19))
    assert digest_of(make_user(*RIGHTS), first=first, last=last, now=SIX).schools["East"].reached == 3


@pytest.mark.parametrize("tool", [*RIGHTS, Tool.MAILGUN_SYNC, Tool.SENT_MESSAGE_LOG, Tool.AUDIT_TRAIL])
def test_each_part_needs_its_right(make_user: MakeUser, schools: list[School], no_troubles: Any, tool: Tool) -> None:
    no_troubles.append(Trouble("a", "A part", "It stands still.", "Start it."))
    digest = digest_of(make_user(tool), first=date(2026, 11, 19), last=date(2026, 11, 19), now=SIX)
    parts = {"messages": digest.messages, "contacts": digest.contacts_new, "troubles": digest.troubles}
    expected = {
        Tool.ADMIN_SENT_MESSAGE_LOG: {"messages": 2},
        Tool.SENT_MESSAGE_LOG: {"messages": 0},
        Tool.ADMIN_CONTACTS_TO_FIX: {"contacts": 2},
        Tool.MAILGUN_SYNC: {"troubles": 1},
    }
    assert {name: number for name, number in parts.items() if number is not None} == expected.get(tool, {})


# The mail


def test_the_mail_has_figures_and_links_and_no_names(
    make_user: MakeUser, schools: list[School], no_troubles: list[Trouble], settings: Any
) -> None:
    settings.SITE_URL = "https://messages.example.org/"
    no_troubles.append(Trouble("a", "A part", "It stands still.", "Start it."))
    user = make_user(*RIGHTS, Tool.MAILGUN_SYNC, email="reader@example.org", last_name="marked-reader")
    choose(user)
    assert send_digests(now=SIX) == 1
    [sent] = mail.outbox
    assert sent.to == ["reader@example.org"]
    assert "marked" not in sent.subject + sent.body
    lines = sent.body.splitlines()
    assert "Messages sent: 2" in lines
    assert "People reached: 5" in lines
    assert "People not reached: 3" in lines
    assert "  East: 2 reached, 1 not reached" in lines
    assert "Contacts to fix: 2 new, 3 open" in lines
    assert "What does not work on the site now: 1" in lines
    links = [line for line in lines if line.startswith("https://messages.example.org/")]
    assert (
        "https://messages.example.org/messenger-administration/reach/?sent_from=2026-11-19&sent_to=2026-11-19" in links
    )
    assert len(links) == 3
    assert AuditEvent.objects.filter(action="digest.chosen").count() == 1


@pytest.mark.parametrize("only_news", [True, False])
def test_without_news_a_mail_comes_only_to_those_who_want_it(make_user: MakeUser, only_news: bool) -> None:
    user = make_user(*RIGHTS, email="reader@example.org")
    choose(user, only_news=only_news)
    assert send_digests(now=SIX) == (0 if only_news else 1)
    assert note(user) == f"11/20/2026 6:00 AM: {services.NO_NEWS if only_news else services.SENT}"


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": ""}])
def test_no_mail_goes_to_a_closed_account_or_without_an_address(
    make_user: MakeUser, schools: list[School], change: dict[str, Any]
) -> None:
    user = make_user(*RIGHTS, email="reader@example.org")
    choose(user)
    User.objects.filter(pk=user.pk).update(**change)
    assert send_digests(now=SIX) == 0
    assert note(user).endswith(services.NO_MAIL)
    assert mail.outbox == []


def test_without_any_right_it_is_said_that_nothing_can_be_told(make_user: MakeUser, schools: list[School]) -> None:
    user = make_user(email="reader@example.org")
    choose(user, only_news=False)
    send_digests(now=SIX)
    assert note(user).endswith(services.NO_RIGHTS)
    assert mail.outbox == []


# The times


@pytest.mark.parametrize(
    ("every", "away", "mails", "skipped"),
    [
        (HowOften.DAY, timedelta(0), 1, False),
        (HowOften.DAY, 30 * DAY, 1, False),  # that of the last day
        (HowOften.WEEK, timedelta(hours=23), 1, False),
        (HowOften.WEEK, 2 * DAY, 0, True),
    ],
)
def test_each_time_sends_one_mail_and_one_that_is_too_late_none(
    make_user: MakeUser, every: HowOften, away: timedelta, mails: int, skipped: bool
) -> None:
    user = make_user(*RIGHTS, email="reader@example.org")
    choose(user, every, only_news=False)
    assert send_digests(now=SIX - timedelta(seconds=1)) == 0
    for _ in range(3):
        send_digests(now=SIX + away)
    assert len(mail.outbox) == mails
    assert (services.SKIPPED in note(user)) == skipped
    assert DigestChoice.objects.get().next_at > SIX + away


def test_a_queue_that_is_away_loses_no_digest(make_user: MakeUser, monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_user(*RIGHTS, email="reader@example.org")
    choose(user, only_news=False)
    with monkeypatch.context() as patch:
        refuse_all(patch, tasks.send_email)
        assert send_digests(now=SIX) == 0
    assert DigestChoice.objects.get().next_at == SIX
    assert send_digests(now=SIX + timedelta(minutes=1)) == 1


def test_it_is_off_until_it_is_chosen_and_off_again(make_user: MakeUser, time_machine: Any) -> None:
    time_machine.move_to(SIX + timedelta(hours=1))
    user = make_user(*RIGHTS, email="reader@example.org")
    assert send_digests(now=SIX) == 0
    choose_digest(by=user, every=HowOften.WEEK, hour=6, weekday=0)
    assert timezone.localtime(DigestChoice.objects.get().next_at).strftime("%A %H:%M") == "Monday 06:00"
    choose_digest(by=user, every=None)
    assert not DigestChoice.objects.exists()


def test_a_digest_is_in_the_language_of_its_reader(make_user: MakeUser, schools: list[School]) -> None:
    user = make_user(*RIGHTS, email="a@example.org", language="es")
    choose(user)
    send_digests(now=SIX)
    [sent] = mail.outbox
    assert "mensajes de 11/19/2026" in sent.subject
    assert "East: 2 alcanzadas, 1 no alcanzadas" in sent.body
    assert note(user).endswith("se envió un correo.")
    assert AuditEvent.objects.get(action="digest.chosen").target == "Every day"
