"""What the events of the audit trail are about, as people know it.

The trail has the number of a message or of an uploaded file alone: nobody can change the trail, and a subject or the
name of a file may name a person who is erased later. So they are read when an event is shown, as they are then.
"""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, Case, OuterRef, QuerySet, Subquery, When
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils.translation import gettext

from accounts.models import AuditEvent
from accounts.querysets import AuditEventQuerySet
from imports.models import ImportJob
from listings.registry import UnknownListing, registry
from messenger_logs.models import SentMessage
from reports.report import kind_label
from web.listings.of_message import MessageListing

# What casts to a bigint: events of other versions may have anything there.
_NUMBER = r"^\d{1,18}$"


def with_names(events: AuditEventQuerySet) -> AuditEventQuerySet:
    """Read with each event the subject of its message and the name of its uploaded file, as they are now.

    None if there is no such message or file (any more).
    """
    return events.alias(message_number=_number("message"), import_number=_number("import")).annotate(
        message_subject=_column(SentMessage.objects.filter(pk=OuterRef("message_number")), "subject"),
        uploaded_name=_column(ImportJob.objects.filter(pk=OuterRef("import_number")), "file_name"),
    )


def _number(detail: str) -> Case:
    number = Cast(KT(f"details__{detail}"), BigIntegerField())
    return Case(When(**{f"details__{detail}__regex": _NUMBER}, then=number))


def _column(rows: QuerySet[Any], name: str) -> Subquery:
    return Subquery(rows.order_by().values(name)[:1])


def name_of(event: AuditEvent) -> str:
    """Return what or whom an event is about. The event comes from `with_names`, or has the target alone."""
    if "kind" in event.details and "report" in event.details:
        return _report(event)
    number = event.details.get("message")
    if event.target == SentMessage.name_in_trail(number):
        return _subject(event) or event.target
    if event.target == ImportJob.name_in_trail(event.details.get("import")):
        return getattr(event, "uploaded_name", None) or event.target
    return event.target


def _subject(event: AuditEvent) -> str:
    """The subject in words; "" if the event is about no message, or that is gone."""
    subject: str | None = getattr(event, "message_subject", None)
    return "" if subject is None else subject or gettext("(no subject)")


def _report(event: AuditEvent) -> str:
    """The title of a report, as My Reports has it."""
    try:
        entry = registry[str(event.details.get("list"))]
    except UnknownListing:
        return _with_subject(kind_label(str(event.details["kind"])), event)
    if issubclass(entry.listing_class, MessageListing):
        return entry.listing_class.title_text % {"subject": _subject(event) or event.target}
    return _with_subject(str(entry.title or entry.tool.label), event)


def _with_subject(report: str, event: AuditEvent) -> str:
    subject = _subject(event)
    # Translators: a kind of report, and the message that it is about.
    return gettext("%(report)s: %(subject)s") % {"report": report, "subject": subject} if subject else report
