"""Keep what families text back, so that staff can read it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, Window
from django.db.models.functions import Rank

from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, Reply, ReplyPerson
from messenger_logs.querysets import MOST_NAMES
from messenger_logs.removed import REMOVED
from messenger_logs.services.consents import people_with_number, recipients_with_number
from messenger_logs.services.erased import erased_among

# Of a number that hundreds share, not all are kept.
MOST_PEOPLE = 100


@transaction.atomic
def record_reply(*, number: str, text: str, at: datetime, taken_as: str, raw: str) -> Reply:
    """Keep a text from a family. ``number`` is E.164, or what the provider gave for one; ``raw`` is its report.

    The people are those of the newest message to each of them. `taken_as` is a value of Reply.TakenAs. A number that
    was erased stays out: staff read what was texted, and not by whom.
    """
    if erased_among([number]):
        number, raw = REMOVED, ""
    people = people_with_number(number)
    names = list(dict.fromkeys(person.name for person in people))
    reply = Reply.objects.create(
        number=number[:64],
        text=text,
        received_at=at,
        taken_as=taken_as,
        name="; ".join(names[:MOST_NAMES])[:1000],
        person_id=people[0].person_id if len({person.person_id for person in people}) == 1 else "",
        message_id=_newest_message_to(number),
        raw=raw,
    )
    ReplyPerson.objects.bulk_create(_people_by_school(reply, number))
    return reply


def _people_by_school(reply: Reply, number: str) -> Iterator[ReplyPerson]:
    """Yield the people with the number, once for each school that the newest message with a school has for them."""
    place = Window(Rank(), partition_by="person_id", order_by=F("message_id").desc())
    of_school = recipients_with_number(number).exclude(school=None).annotate(place=place)
    newest = of_school.filter(place=1).order_by("person_id", "-pk")
    found = dict.fromkeys(newest.values_list("person_id", "school", "name")[:MOST_PEOPLE])
    names = {(person, school): name for person, school, name in found}
    for (person, school), name in names.items():
        yield ReplyPerson(reply=reply, school_id=school, person_id=person, name=name)


def _newest_message_to(number: str) -> int | None:
    """Return the newest message of which a text left for the number."""
    texts = Delivery.objects.filter(
        Q(address__iexact=number) | Q(address__istartswith=f"{number};"), mode=Mode.TEXT, attempt_count__gt=0
    )
    # Not ORDER BY … LIMIT 1: for a number that no text went to, PostgreSQL would read all deliveries by message.
    return max(texts.values_list("message_id", flat=True), default=None)


def remove_people(replies: Collection[int]) -> None:
    """Remove whom these replies are from; the schools stay, so that the same staff may read them. In a transaction."""
    rows = ReplyPerson.objects.filter(reply__in=replies)
    schools = list(rows.values_list("reply_id", "school_id").distinct())
    rows.delete()
    ReplyPerson.objects.bulk_create(
        ReplyPerson(reply_id=reply, school_id=school, person_id="", name=REMOVED) for reply, school in schools
    )
