"""What the demo district says is true: times in their order, totals that equal their rows, something on each page.

The rules are looked for in the whole database of a district: each query finds the rows that break one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.audit_chain import chain_events, verify
from accounts.models import AuditEvent, User
from accounts.tools import OWN_RIGHTS
from alerts.models import Alert
from demo.district import EVENTS_DOMAIN, Size, make_district
from demo.kinds import REFUSED
from demo.names import SCHOOL_SHARES, SCHOOLS
from demo.people import closed_days, mail_people
from demo.staff import COLLEAGUES, SENDERS, STAFF, make_staff
from demo.story import REFUSING_PROVIDER, Story, school_day
from listings.registry import Entry, registry
from mailgun_sync.models import MailgunEvent, RecipientAddress
from mailgun_sync.services.outcomes import settle_outcomes
from messenger_logs.cancel_figures import cancel_figures, told_figures
from messenger_logs.choices import CANCELED, DeliveryStatus, MessageStatus, Mode, Outcome, Reach
from messenger_logs.models import (
    ContactToFix,
    Delivery,
    DeviceAttempt,
    MessageModeTotals,
    MessageTotals,
    PersonReach,
    ReachTotals,
    Recipient,
    Reply,
    SentMessage,
    TextConsent,
)
from messenger_logs.services.totals import recount_all
from sandbox.oneroster import Roster
from sandbox.roster_district import fill

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("America/Chicago"))
SIZE = Size(messages=150, recipients=9_000, events=400)

Broken = Iterator[tuple[str, QuerySet[Any]]]


def times_of_messages() -> Broken:
    messages = SentMessage.objects.all()
    canceled = messages.filter(cancel_asked_at__isnull=False)
    yield "created in the future", messages.filter(created_at__gt=NOW)
    yield "scheduled before it was created", messages.filter(scheduled_at__lt=F("created_at"))
    yield "listed before it was created", messages.filter(listed_from__lt=F("created_at"))
    yield "begun before its time", messages.filter(dispatch_started_at__lt=F("scheduled_at"))
    yield "ended before it began", messages.filter(dispatch_finished_at__lt=F("dispatch_started_at"))
    yield "ended in the future", messages.filter(dispatch_finished_at__gt=NOW)
    yield "waiting since a time that is over", messages.filter(status="waiting", scheduled_at__lte=NOW)
    yield "sent, and not ended", messages.filter(status__in=["sent", "error"], dispatch_finished_at=None)
    yield "canceled before it was created", canceled.filter(cancel_asked_at__lt=F("created_at"))
    late = canceled.filter(status="canceled", cancel_asked_at__gt=F("scheduled_at"))
    yield "canceled after its start as if before", late
    yield "canceled before its start as if after", canceled.filter(cancel_asked_at__lt=F("dispatch_started_at"))
    yield "canceled in the future", canceled.filter(Q(cancel_completed_at__gt=NOW) | Q(cancel_completed_at=None))
    yield "canceled by nobody", messages.filter(status__in=CANCELED, cancel_asked_at=None)
    yield "canceled, and not so", canceled.exclude(status__in=CANCELED)


def times_of_deliveries() -> Broken:
    rows = Delivery.objects.all()
    yield "tried before the message began", rows.filter(first_attempt_at__lt=F("message__dispatch_started_at"))
    yield "tried without a beginning", rows.filter(first_attempt_at__isnull=False, message__dispatch_started_at=None)
    yield "last tried before the first time", rows.filter(last_attempt_at__lt=F("first_attempt_at"))
    yield "tried after the end", rows.filter(last_attempt_at__gt=F("message__dispatch_finished_at"))
    yield "tried after the cancel", rows.filter(last_attempt_at__gt=F("message__cancel_asked_at"))
    yield "tried in the future", rows.filter(last_attempt_at__gt=NOW)
    yield "tried at no time", rows.filter(attempt_count__gt=0, last_attempt_at=None)
    yield "an outcome before the mail", rows.filter(email_outcome_at__lt=F("last_attempt_at"))
    yield "an outcome in the future", rows.filter(email_outcome_at__gt=NOW)
    yield (
        "opted out before the family said so",
        rows.filter(
            Exists(TextConsent.objects.filter(number=OuterRef("address"), said_at__gt=OuterRef("message__created_at"))),
            status=DeliveryStatus.OPT_OUT,
            mode=Mode.TEXT,
        ),
    )
    yield (
        "texted after the family opted out",
        rows.filter(
            Exists(TextConsent.objects.filter(number=OuterRef("address"), said_at__lt=OuterRef("message__created_at"))),
            mode=Mode.TEXT,
            attempt_count__gt=0,
        ),
    )
    yield (
        "a good mailbox that was suppressed at its first mail",
        rows.filter(
            ~Exists(rows.filter(address=OuterRef("address"), message__lt=OuterRef("message"), mode=Mode.EMAIL)),
            email_outcome="suppressed",
        ),
    )


def times_of_attempts() -> Broken:
    rows = DeviceAttempt.objects.all()
    message = "delivery__message__dispatch_finished_at"
    yield "ended before it began", rows.filter(ended_at__lt=F("started_at"))
    yield "ended in the future", rows.filter(ended_at__gt=NOW)
    yield "ended after the message", rows.filter(ended_at__gt=F(message))
    yield "more attempts than were counted", rows.filter(number__gt=F("delivery__attempt_count"))
    yield "the first at another time", rows.filter(number=1).exclude(started_at=F("delivery__first_attempt_at"))
    yield (
        "the last at another time",
        rows.filter(number=F("delivery__attempt_count")).exclude(started_at=F("delivery__last_attempt_at")),
    )
    yield (
        "the last came to something else",
        rows.filter(number=F("delivery__attempt_count")).exclude(
            status=F("delivery__status"), outcome=F("delivery__outcome")
        ),
    )


def times_of_events() -> Broken:
    rows = MailgunEvent.objects.all()
    ours = rows.filter(delivery__isnull=False)
    earlier = rows.filter(delivery=OuterRef("delivery"), event="accepted", occurred_at__lte=OuterRef("occurred_at"))
    yield "in the future", rows.filter(occurred_at__gt=NOW)
    yield "seen before it happened", rows.filter(first_seen_at__lt=F("occurred_at"))
    yield "before the mail left", ours.filter(occurred_at__lt=F("delivery__first_attempt_at"))
    yield "of another message", ours.exclude(sent_message=F("delivery__message"))
    yield "to another address", ours.exclude(recipient=F("delivery__address"))
    yield "of another sender", ours.exclude(sender=F("sent_message__sender"))
    yield "with another subject", ours.exclude(subject=F("sent_message__subject"))
    yield "with another Message-Id", ours.exclude(message_id=F("delivery__provider_id"))
    yield "never accepted", ours.exclude(event="rejected").filter(~Exists(earlier))
    yield (
        "without an address to find it by",
        rows.filter(~Exists(RecipientAddress.objects.filter(address=OuterRef("recipient")))),
    )


def times_of_the_rest() -> Broken:
    yield "reached before it began", PersonReach.objects.filter(reached_at__lt=F("message__dispatch_started_at"))
    yield "reached in the future", PersonReach.objects.filter(reached_at__gt=NOW)
    yield "reached at no time", PersonReach.objects.filter(reach=Reach.REACHED, reached_at=None)
    yield "a reply before the message", Reply.objects.filter(taken_as="", received_at__lt=F("message__created_at"))
    yield "a reply in the future", Reply.objects.filter(received_at__gt=NOW)
    yield "opted out in the future", TextConsent.objects.filter(said_at__gt=NOW)
    yield "a contact that fails in the future", ContactToFix.objects.filter(Q(since__gt=NOW) | Q(failed_at__gt=NOW))
    yield "a contact that was handled before it failed", ContactToFix.objects.filter(handled_at__lt=F("since"))
    yield "an alert over before it was", Alert.objects.filter(cleared_at__lt=F("fired_at"))
    yield "an alert before its cause", Alert.objects.filter(fired_at__lt=F("since"))
    yield "an alert over in the future", Alert.objects.filter(cleared_at__gt=NOW)


def times_of_readers() -> Broken:
    events = AuditEvent.objects.exclude(action="contact.state_changed")
    existed = User.objects.filter(pk=OuterRef("who_id"), date_joined__lt=OuterRef("occurred_at"))
    yield "in the future", events.filter(occurred_at__gt=NOW)
    yield "a reader before she existed", events.filter(~Exists(existed))
    yield "with another name", events.exclude(who__in=[user.listed_name for user in User.objects.all()])
    for message in SentMessage.objects.all():
        about = AuditEvent.objects.of_message(message.pk)
        yield f"message {message.pk} seen before it was there", about.filter(occurred_at__lt=message.created_at)
    yield "an account that was used before it was made", User.objects.filter(last_login__lt=F("date_joined"))


RULES = [
    times_of_messages,
    times_of_deliveries,
    times_of_attempts,
    times_of_events,
    times_of_the_rest,
    times_of_readers,
]


@pytest.fixture(scope="class")
def district(class_db: None) -> None:
    make_staff()
    make_district(SIZE, now=NOW)
    connection.check_constraints()  # now, and not again after each test


def kept() -> list[list[tuple[Any, ...]]]:
    """The totals, without the moment of the count."""
    return [
        list(MessageTotals.objects.order_by("pk").values_list("pk", "recipients", "no_device", "contacted_by_phone")),
        [tuple(row.values())[1:] for row in MessageModeTotals.objects.order_by("totals", "mode").values()],
        [tuple(row.values()) for row in PersonReach.objects.order_by("pk").values()],
        [
            tuple(row.values())[1:]
            for row in ReachTotals.objects.order_by(*["message", "mode", "school", "language"]).values()
        ],
    ]


# Pages of the menu that show a member of the staff no row in a new district, and why.
NO_ROWS_YET = {
    "alerts": "nothing is wrong",
    "ambiguous_events": "each e-mail has an id of its own",
    "recipient_log": "nobody is looked for",
    "admin_recipient_log": "nobody is looked for",
    "who_saw": "nobody is asked for",
    "olr_email_log": "only some send about registration",
    "mailgun_message_log": "today only",
    "mailgun_message_log_groups": "today only",
    "admin_mailgun_message_log_groups": "failures of today only",
}


def menu_pages(user: User) -> list[Entry]:
    return [entry for entry in registry if entry.stands_alone and user.may(entry.tool, entry.tool.opened_by)]


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("district")
class TestStory:
    @pytest.mark.parametrize("rules", RULES, ids=lambda rules: rules.__name__)
    def test_nothing_untrue(self, rules: Any) -> None:
        broken = {name: list(rows.values()[:2]) for name, rows in rules() if rows.exists()}
        assert not broken

    def test_totals_equal_their_rows(self) -> None:
        before = kept()
        recount_all(message_ids=list(SentMessage.objects.values_list("pk", flat=True)))
        assert kept() == before

        counted = Delivery.objects.filter(duplicate=False).exclude(address="").values("message", "mode")
        devices = {(row["message"], row["mode"]): row["n"] for row in counted.annotate(n=Count("pk"))}
        totals = MessageModeTotals.objects.exclude(devices=0).values_list("totals", "mode", "devices")
        assert {(message, mode): n for message, mode, n in totals} == devices
        people = ReachTotals.objects.filter(mode="").aggregate(**{kind: Sum(kind) for kind in Reach.values})
        for kind in Reach.values:
            assert people[kind] == PersonReach.objects.filter(reach=kind).count()
        assert PersonReach.objects.count() == Recipient.objects.filter(counted=True).count()

    def test_the_provider_said_what_the_mail_says(self) -> None:
        """The events alone lead to the same outcomes."""
        linked = Delivery.objects.filter(email_linked_by="variables")
        assert linked.count() > 500
        rows = linked.order_by("pk").values_list("pk", "email_outcome", "email_reason", "email_outcome_at")
        before = list(rows)
        settle_outcomes([pk for pk, *_ in before])
        assert list(rows) == before

    def test_a_cancel_tells_its_figures(self) -> None:
        canceled = SentMessage.objects.filter(status__in=CANCELED)
        assert {message.status for message in canceled} == set(CANCELED)
        for message in canceled:
            figures = cancel_figures(message.pk)
            assert told_figures(message.pk) == figures.by_name
            assert not figures.waiting
        wrong = canceled.get(subject__startswith="Early closing")
        figures = cancel_figures(wrong.pk)
        assert min(figures.left, figures.hung_up, figures.never_started, figures.not_tried) > 0
        right = SentMessage.objects.get(subject__startswith="Correction")
        same = set(right.recipients.values_list("person_id", flat=True))
        assert set(wrong.recipients.values_list("person_id", flat=True)) == same
        assert wrong.cancel_asked_at is not None
        assert wrong.cancel_asked_at < right.created_at

    def test_the_schools_were_closed_one_day(self) -> None:
        [day] = closed_days()
        message = SentMessage.objects.get(subject__startswith="All schools are closed")
        assert timezone.localdate(message.created_at).isoformat() == day
        assert len(message.modes) == 4
        schools = message.recipients.values("student_school__name").annotate(n=Count("pk")).order_by("n")
        assert {row["student_school__name"] for row in schools} == set(SCHOOLS)
        assert schools[0]["n"] * 3 < schools[7]["n"], "a small school, and a large one"

    def test_a_mailbox_provider_refused_all_mail_for_a_day(self) -> None:
        story = Story(timezone.localdate(NOW))
        mail = Delivery.objects.filter(mode=Mode.EMAIL, status="sent", address__endswith=f"@{REFUSING_PROVIDER}")
        there = [row for row in mail if timezone.localdate(row.first_attempt_at) == story.refused]
        assert len(there) > 5
        assert {row.email_reason for row in there} == {REFUSED}
        assert Delivery.objects.filter(email_reason=REFUSED).count() == len(there)
        assert mail.filter(email_outcome="delivered").exists(), "on other days"
        events = MailgunEvent.objects.filter(detail=REFUSED)
        assert {(event.kind, event.mailbox_provider) for event in events} == {("failed-permanent", REFUSING_PROVIDER)}
        known = {person["address"].partition("@")[2]: person["refused"] for person in mail_people()}
        assert [domain for domain, days in known.items() if days] == [REFUSING_PROVIDER]
        assert ContactToFix.objects.filter(problem="mail_refused", state="open").exists()

    def test_families_are_written_to_in_their_language(self) -> None:
        for subject, language in (
            ("Noche de familias", "es"),
            ("Kulanka waalidka", "so"),
            ("Lub rooj sib tham", "hmn"),
        ):
            message = SentMessage.objects.get(subject__startswith=subject)
            assert set(message.recipients.values_list("language", flat=True)) == {language}

    def test_the_events_have_reasons(self) -> None:
        failed = MailgunEvent.objects.filter(event="failed", delivery__isnull=False)
        assert {"5.1.1", "5.2.2", "5.7.1", "Not d"} <= {event.detail[:5] for event in failed}
        assert not [event for event in failed if "@" in event.detail], "so that equal reasons can be counted"
        assert set(MailgunEvent.objects.values_list("domain__name", flat=True)) == {EVENTS_DOMAIN}

    def test_addresses_and_numbers_are_reserved_ones(self) -> None:
        mail = Delivery.objects.filter(mode=Mode.EMAIL).exclude(address="")
        reserved = r"@([a-z]+\.)?example(\.(com|net|org))?$"
        assert not mail.exclude(address__regex=reserved).exists()
        calls = Delivery.objects.filter(mode__in=[Mode.VOICE, Mode.TEXT]).exclude(address="")
        assert not calls.exclude(address__regex=r"^\+1\d{3}555\d{4}(;ext=\d\d)?$").exists()

    def test_the_audit_trail_is_whole(self) -> None:
        while chain_events():
            pass
        assert verify().broken == 0
        seen = AuditEvent.objects.filter(action="message.viewed")
        assert seen.values("who_id").distinct().count() > 3

    @pytest.mark.parametrize("username", [person.username for person in STAFF])
    def test_every_page_of_the_menu_has_something_to_say(self, username: str) -> None:
        user = User.objects.get(username=username)
        pages = menu_pages(user)
        assert bool(pages) == (username != "newcomer")
        empty = []
        for entry in pages:
            listing = entry.open(user, {})
            with time_machine.travel(NOW, tick=False):
                listing.fetch()
            sends_nothing = entry.tool in OWN_RIGHTS and user.username not in {person.username for person in SENDERS}
            if not listing.page.rows and entry.name not in NO_ROWS_YET and not sends_nothing:
                empty.append(entry.name)
        assert empty == []

    def test_the_roster_has_the_students_at_the_same_schools(self) -> None:
        roster = Roster()
        shares = list(SCHOOL_SHARES.values())
        fill(roster, SCHOOLS, seed=1, today=NOW.date(), shares=shares, students=2 * SIZE.families)
        names = {org["sourcedId"]: org.get("name") for org in roster.orgs}
        at = {user["identifier"]: names[user["primaryOrg"]["sourcedId"]] for user in roster.users}
        found = set(Recipient.objects.values_list("student_number", "student_school__name"))
        assert {(number, at[number]) for number, _ in found} == found

    def test_each_colleague_writes_to_the_own_school(self) -> None:
        for person in COLLEAGUES:
            sent = SentMessage.objects.filter(sender__username=person.username)
            assert set(sent.values_list("school__name", flat=True)) <= {person.school, None}
        statuses = set(SentMessage.objects.values_list("status", flat=True))
        assert statuses == set(MessageStatus.values)
        assert Delivery.objects.filter(outcome=Outcome.PENDING).exists()


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_each_day_of_the_story_is_a_day_of_school(today: date) -> None:
    story = Story(today)
    days = [story.drill_before, story.drill, story.mistake, story.refused, story.closed]
    assert days == sorted(set(days))
    assert all(school_day(day) == day for day in days)
    assert max(days) <= today - timedelta(days=3)
    assert len({episode.subject for episode in story.episodes()}) == len(story.episodes())
