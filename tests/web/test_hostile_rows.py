"""Text that people or providers wrote stays text, in every column of every list."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import lxml.html
import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models import User
from accounts.tools import Tool
from listings.registry import Entry, registry
from mailgun_sync.choices import GroupBy
from mailgun_sync.groups import EventGroup
from mailgun_sync.models import MailgunEvent
from messenger_logs.choices import Reach
from messenger_logs.models import ContactPerson, ContactToFix, PersonReach, SentMessage
from messenger_logs.reach import People
from tests.messenger_logs.factories import make_recipient
from web.listings.contacts_to_fix import ContactsToFix
from web.listings.drill import Drill
from web.listings.mailgun_groups import MailgunGroups
from web.listings.reach import ReachList
from web.listings.sent_message_log import OlrEmailLog, SentMessageLog
from web.listings.sent_message_log_2 import SentMessageLog2
from web.listings.unreached_people import UnreachedPeople
from web.listings.upcoming_messages import UpcomingMessages

HOSTILE = '<script>alert(\'x\')</script>" onclick="alert(1)" &amp;'
# One list for each table; that of the administration, which has the most columns.
LISTS = {entry.listing_class.table_class: entry for entry in registry if entry.path}

pytestmark = pytest.mark.django_db


def hostile(model: type[models.Model]) -> Any:
    """Make a row, and the rows that it leads to, with hostile text wherever a column can hold it. Nothing is stored."""
    row = model(pk=1)
    for field in model._meta.concrete_fields:
        if field.is_relation:
            if field.related_model is not model:
                setattr(row, field.name, hostile(field.related_model))
        elif (value := hostile_value(field)) is not None:
            row.__dict__[field.attname] = value
    row._prefetched_objects_cache = {
        field.name: [hostile(field.related_model)] for field in model._meta.many_to_many if model is not User
    }
    return row


def hostile_value(field: Any) -> Any:
    field = getattr(field, "output_field", field)
    if isinstance(field, ArrayField):
        return [hostile_value(field.base_field)]
    if isinstance(field, models.JSONField):
        return {HOSTILE: HOSTILE} if field.default is dict else [{"name": HOSTILE}]
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.CharField | models.TextField):
        return field.flatchoices[0][0] if field.flatchoices else HOSTILE
    return None


def with_figures(message: SentMessage) -> SentMessage:
    message.reach = {kind.value: 1 for kind in Reach}
    return message


def with_all_figures(message: SentMessage) -> SentMessage:
    message.people, message.emails = People(reached=1), {}
    return with_figures(message)


def with_students(person: PersonReach) -> PersonReach:
    person.students = [{"name": HOSTILE, "number": HOSTILE}]
    person.devices = []
    return person


def with_people(contact: ContactToFix) -> ContactToFix:
    contact.shown_people = [hostile(ContactPerson)]
    return contact


def group_of(event: MailgunEvent) -> EventGroup:
    return EventGroup(GroupBy.REASON, event, 1, timezone.now(), [])


# What a list adds to its rows after it has read them.
COMPLETED: dict[type, Callable[[Any], Any]] = {
    ReachList: with_figures,
    OlrEmailLog: with_all_figures,
    SentMessageLog: with_all_figures,
    SentMessageLog2: with_all_figures,
    UpcomingMessages: with_all_figures,
    Drill: with_students,
    UnreachedPeople: with_students,
    ContactsToFix: with_people,
    MailgunGroups: group_of,
}


def arguments_of(entry: Entry, message: SentMessage) -> dict[str, Any]:
    if entry.stands_alone:
        return {}
    return {"person": "4711"} if ":person>" in entry.path else {"pk": message.pk}


@pytest.mark.parametrize("entry", LISTS.values(), ids=lambda entry: entry.listing_class.__name__)
def test_no_column_makes_html_of_the_text_of_a_row(entry: Entry) -> None:
    now = timezone.now()
    user = User.objects.create(username="admin", is_superuser=True)
    message = SentMessage.objects.create(
        sender=user,
        engine="v2" if entry.tool in (Tool.SENT_MESSAGE_LOG_2, Tool.UPCOMING_MESSAGES) else "classic",
        message_type="Messenger 2.0 - General",
        created_at=now,
        scheduled_at=now,
        listed_from=now,
        status="in_progress",
        drill=True,
    )
    make_recipient(message, person_id="4711")
    listing = entry.open(user, {}, arguments_of(entry, message))
    if hasattr(listing, "message_urls"):
        listing.message_urls = defaultdict(lambda: f"/x?{HOSTILE}")
    row = hostile(listing.filterset.queryset.model)
    listing.table.rows = [COMPLETED.get(entry.listing_class, lambda row: row)(row)]

    body = lxml.html.fragment_fromstring(f"<table>{listing.table.body}</table>")

    assert len(body.xpath("./tr/td | ./tbody/tr/td")) == len(listing.table.shown)
    assert HOSTILE in body.text_content()
    assert not body.xpath(".//script | .//*[@onclick]")
