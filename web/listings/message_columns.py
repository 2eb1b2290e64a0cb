"""Columns that several lists of messages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, ngettext_lazy, override
from django.utils.translation import gettext_lazy as _

from core.languages import ENGLISH
from core.statuses import Status
from listings.columns import Column, ListingTable, StatusColumn
from listings.elements import opening
from messenger_logs.choices import CANCELABLE, MessageStatus
from messenger_logs.delivery_summary import percent_done
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.reach import People, people_of_many
from messenger_logs.reach_figures import read_people, with_people
from messenger_logs.totals import emails_of_many, totals_of_many, with_emails
from web.message_urls import message_url

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class MessageStatusColumn(StatusColumn):
    """The status of a message, the people it reached, its e-mails and, while it goes out, its progress in percent."""

    def render(self, record: Any, table: Any = None) -> SafeString:
        reached = people_text(record.status, record.people)
        emails = record.emails
        recipients = message_url(table.listing.tool, record.pk, "recipients") if reached or emails else ""
        people = format_html('<p><a href="{}?reach=reached">{}</a></p>', recipients, reached) if reached else ""
        return format_html("{} {}{}", super().render(record), people, _emails_line(emails, recipients))

    def status(self, record: SentMessage) -> Status:
        status = super().status(record)
        percent: int | None = getattr(record, "percent", None)
        return status if percent is None else replace(status, word=f"{status.word} {percent}\u00a0%")


def _emails_line(counts: Mapping[str, int], recipients: str) -> SafeString:
    """How many of its e-mails were delivered; it opens to all that the provider said, with a link to those refused.

    "" where nothing was handed over.
    """
    if not counts:
        return SafeString()
    said = gettext("E-mail: %(said)s") % {"said": outcomes_text(counts)}
    refused = refused_text(counts)
    link = format_html('; <a href="{}?figure=email_refused">{}</a>', recipients, refused) if refused else ""
    line = format_html("{}{}", said, link)
    numbers = [number for name in _EMAIL_OUTCOMES if (number := counts.get(name))]
    if len(numbers) > 1:
        delivered = {"delivered": f"{counts.get('delivered', 0):,}", "total": f"{sum(numbers):,}"}
        line = opening(gettext("E-mail: %(delivered)s of %(total)s delivered") % delivered, line)
    return format_html("<div>{}</div>", line)


# attrs of a column of short texts.
NARROW = {"cell": {"class": "narrow-column"}}

_CALENDARS_SHOWN = 3


def link_of_message(record: SentMessage, table: ListingTable) -> str:
    """Return the address of the message's page, in the log that this list is of."""
    return message_url(table.listing.tool, record.pk)


def add_progress(messages: Sequence[Any]) -> None:
    """Set `people` and `emails` on the messages, and `percent` (0 to 100) on those that are going out."""
    people = people_of_many(message.pk for message in messages)
    emails = emails_of_many(message.pk for message in messages)
    running = [message for message in messages if message.status == MessageStatus.IN_PROGRESS]
    totals = totals_of_many(running) if running else {}
    for message in messages:
        message.people = people.get(message.pk)
        message.emails = emails.get(message.pk, {})
    for message in running:
        message.percent = percent_done(totals[message.pk])


def people_text(status: str, people: People | None) -> str:
    """How many people it reached: 191 of 205. "" where nobody counted them, or where it has not begun."""
    if not people or not _tells(status, people):
        return ""
    if status in CANCELABLE:
        words = ngettext(
            "%(reached)s of %(total)s person reached so far",
            "%(reached)s of %(total)s people reached so far",
            people.total,
        )
    else:
        words = ngettext(
            "%(reached)s of %(total)s person reached", "%(reached)s of %(total)s people reached", people.total
        )
    return words % {"reached": f"{people.reached:,}", "total": f"{people.total:,}"}


def _tells(status: str, people: People) -> bool:
    """Whether the people of a message with this status say anything yet."""
    return bool(people.total) and (status != MessageStatus.WAITING or bool(people.reached))


# The outcomes of EMAIL_OUTCOME_LABELS, with their numbers.
_EMAIL_OUTCOMES = {
    "delivered": ngettext_lazy("%(count)s delivered", "%(count)s delivered", "number"),
    "failed": ngettext_lazy("%(count)s failed", "%(count)s failed", "number"),
    "suppressed": ngettext_lazy("%(count)s suppressed", "%(count)s suppressed", "number"),
    "complained": ngettext_lazy("%(count)s complained", "%(count)s complained", "number"),
    "not_known": ngettext_lazy("%(count)s not known yet", "%(count)s not known yet", "number"),
}


def outcomes_text(counts: Mapping[str, int]) -> str:
    """What the provider said of its e-mails: "182 delivered, 10 failed"; "" where nothing was handed over."""
    told = ((number, words) for name, words in _EMAIL_OUTCOMES.items() if (number := counts.get(name)))
    return ", ".join(words % {"number": number, "count": f"{number:,}"} for number, words in told)


def refused_text(counts: Mapping[str, int]) -> str:
    """How many were sent, but not delivered: they are among the outcomes as well. "" where there are none."""
    refused = counts.get("refused", 0)
    return gettext("sent, but not delivered: %(count)s") % {"count": f"{refused:,}"} if refused else ""


def emails_text(counts: Mapping[str, int]) -> str:
    """Both of them, for a file."""
    return "; ".join(filter(None, [outcomes_text(counts), refused_text(counts)]))


class ReachedColumn(Column):
    """All people of a message, or (`reached`) those whom it reached. Only a file has it: a page has the status cell."""

    def __init__(self, verbose_name: StrOrPromise, figure: str) -> None:
        super().__init__(verbose_name, accessor="pk", orderable=False, on_page=False)
        self.figure = figure

    def value(self, record: SentMessage) -> str:
        people = read_people(record)
        return str(getattr(people, self.figure)) if _tells(record.status, people) else ""


class EmailsColumn(Column):
    """What the provider said of the e-mails of a message. Only a file has it: a page has the status cell."""

    def __init__(self) -> None:
        super().__init__(_("E-mail Provider Says"), accessor="pk", orderable=False, on_page=False)

    def value(self, record: Any) -> str:
        # A file has the provider's own words.
        with override(ENGLISH):
            return emails_text(record.emails or {})


def with_figures(messages: Any) -> SentMessageQuerySet:
    """Add what the columns above show, for a file: it is read row by row."""
    return with_emails(with_people(messages))


class MessageColumns(ListingTable):
    """Columns that the lists of 2.0 messages share."""

    def render_subject(self, record: SentMessage) -> str:
        return record.display_subject

    def render_calendars(self, record: SentMessage) -> str:
        """Name the first calendars only; the message's page has all of them."""
        names = [calendar.name for calendar in record.calendars.all()]
        more = len(names) - _CALENDARS_SHOWN
        shown = ", ".join(names[:_CALENDARS_SHOWN])
        if more > 0:
            return gettext("%(calendars)s and %(count)s more") % {"calendars": shown, "count": more}
        return shown or "—"

    def value_calendars(self, record: SentMessage) -> str:
        return record.display_calendars

    def render_modes(self, record: SentMessage) -> str:
        return record.display_modes
