"""What a request for records has: the messages, what happened to each device of the family, and the bodies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Count, QuerySet
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.scopes import Scope
from messenger_logs.choices import Mode
from messenger_logs.html_to_text import html_to_text
from messenger_logs.merge_fields import fields_of, merged
from messenger_logs.models import Delivery, MessageTotals, Recipient, Reply, SentMessage
from messenger_logs.querysets import DeliveryQuerySet, RecipientQuerySet
from messenger_logs.status_labels import DELIVERY_STATUSES, EMAIL_OUTCOMES, MESSAGE_STATUSES, detail_text, device_text
from records.criteria import Criteria
from records.masking import Mask
from reports.document import Column, Document, Figures, Rows, Text
from reports.report import moment, number

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# In English, as others say them.
_MESSAGE_WORDS = {status.value: shown.in_english for status, shown in MESSAGE_STATUSES.items()}
_STATUS_WORDS = {status.value: shown.in_english for status, shown in DELIVERY_STATUSES.items()}
_OUTCOME_WORDS = {outcome: shown.in_english for outcome, shown in EMAIL_OUTCOMES.items()}

MASKED = _(
    "Other families are left out: there is no row about them, and their names, addresses, numbers and ids are replaced"
    " in texts. A first name alone is not replaced."
)
MESSAGE_COLUMNS = [
    *(_("Message"), _("Date Created"), _("Subject"), _("Message Type"), _("Sender"), _("School"), _("Delivery Modes")),
    *(_("Status"), _("People of This Request"), _("Other People"), _("How Recipients Were Chosen"), _("Attachments")),
    _("Bodies"),
]
# The columns of devices. Those with a width are in the PDF, too; the CSV has all.
DELIVERY_COLUMNS: list[tuple[StrOrPromise, float]] = [
    (_("Message"), 0.6),
    (_("Date Created"), 1.5),
    (_("Recipient"), 1.2),
    (_("PersonID"), 0),
    (_("Student"), 1.2),
    (_("Student Number"), 0),
    (_("School"), 0),
    (_("Mode"), 0.6),
    (_("Device"), 1.9),
    (_("Status"), 0.9),
    (_("Detail"), 1.2),
    (_("Attempts"), 0),
    (_("Last Attempt"), 0),
    (_("Provider"), 1.2),
]
REPLY_COLUMNS = [_("Received"), _("Number"), pgettext_lazy("reply", "Text")]


@dataclass(frozen=True)
class MaskedMessage:
    """A message, and its texts without other families."""

    message: SentMessage
    school: str
    subject: str
    criteria: str
    attachments: str
    bodies: dict[str, str]
    """The texts by the names of their files."""


@dataclass(frozen=True)
class Records:
    """The records that a request wants, as far as a scope has them. The same data gives the same records."""

    criteria: Criteria
    scope: Scope

    @cached_property
    def family(self) -> RecipientQuerySet:
        return self.criteria.family(self.scope)

    @cached_property
    def mask(self) -> Mask:
        return Mask(self.family)

    @cached_property
    def messages(self) -> list[MaskedMessage]:
        wanted = self.criteria.messages(self.scope).with_school_name()
        return [self._masked(message) for message in wanted.iterator(chunk_size=200)]

    @property
    def ids(self) -> list[int]:
        return [masked.message.pk for masked in self.messages]

    def _masked(self, message: SentMessage) -> MaskedMessage:
        files = ", ".join(str(file.get("name", "")) for file in message.attachments)
        chosen = "; ".join(": ".join(map(str, pair)) for pair in message.criteria)
        bodies = dict(self._bodies(message))
        staff = (message.sender_name, message.canceled_by_name, message.reply_to)
        texts = self.mask.texts([message.subject, chosen, files, *bodies.values()], staff=staff)
        subject, chosen, files, *masked = texts
        school = getattr(message, "school_name", "")
        return MaskedMessage(message, school, subject, chosen, files, dict(zip(bodies, masked, strict=True)))

    def _bodies(self, message: SentMessage) -> Iterator[tuple[str, str]]:
        """Yield name and text of each body; where it has merge fields, also as each person of the family got it."""
        for mode in Mode:
            if (body := message.bodies.get(mode.value)) is None:
                continue
            name = f"bodies/{message.pk:08}-{mode.value}"
            yield f"{name}.txt", html_to_text(merged(body, {}))
            if fields_of(body):
                for place, row in enumerate(self._rows_of(message), start=1):
                    yield f"{name}-as-sent-{place}.txt", html_to_text(merged(body, row.merge_fields))

    def _rows_of(self, message: SentMessage) -> QuerySet[Recipient]:
        return self.family.filter(message=message).order_by("name", "pk")

    @cached_property
    def people(self) -> int:
        """The number of people of the family in these messages."""
        return self.family.filter(message__in=self.ids).values("person_id").distinct().count()

    # Rows

    def message_rows(self) -> Iterator[list[str]]:
        own = dict(self._counted(self.family))
        everybody = dict(self._everybody)
        for masked in self.messages:
            message = masked.message
            others = everybody.get(message.pk, 0) - own.get(message.pk, 0)
            yield [
                *(str(message.pk), moment(message.created_at), masked.subject, message.message_type),
                *(message.sender_name, masked.school, message.display_modes),
                _MESSAGE_WORDS[message.status],
                *(str(own.get(message.pk, 0)), str(others)),
                *(masked.criteria, masked.attachments, ", ".join(masked.bodies)),
            ]

    @cached_property
    def _everybody(self) -> list[tuple[int, int]]:
        if self.scope.everything:
            return list(MessageTotals.objects.filter(message__in=self.ids).values_list("message", "recipients"))
        return list(self._counted(Recipient.objects.in_scope(self.scope)))

    def _counted(self, recipients: QuerySet[Recipient]) -> Iterator[tuple[int, int]]:
        rows = recipients.filter(message__in=self.ids).order_by().values_list("message")
        yield from rows.annotate(people=Count("person_id", distinct=True))

    @property
    def deliveries(self) -> DeliveryQuerySet:
        deliveries = Delivery.objects.filter(recipient__in=self.family, message__in=self.ids)
        related = deliveries.select_related("message", "recipient__student_school")
        unread = ("message__bodies", "message__attachments", "message__criteria", "recipient__merge_fields")
        return related.defer(*unread).order_by("message__created_at", "message", "recipient__name", "recipient", "pk")

    def delivery_rows(self) -> Iterator[list[str]]:
        for row in self.deliveries.iterator(chunk_size=2_000):
            recipient = row.recipient
            said = _OUTCOME_WORDS.get(row.email_outcome, row.email_outcome)
            detail = detail_text(row.mode, row.detail, row.code)
            detail, reason = self.mask.texts([detail, row.email_reason]) if detail or row.email_reason else ("", "")
            yield [
                *(str(row.message_id), moment(row.message.created_at), recipient.name, recipient.person_id),
                *(recipient.student_name, recipient.student_number),
                recipient.student_school.name if recipient.student_school else "",
                *(str(row.get_mode_display()), device_text(row.mode, row.address, row.given_address)),
                *(_STATUS_WORDS[row.status], detail, str(row.attempt_count)),
                *(moment(row.last_attempt_at, seconds=True), ": ".join(filter(None, [said, reason]))),
            ]

    def reply_rows(self) -> Iterator[list[str]]:
        numbers = self.deliveries.filter(mode=Mode.TEXT).order_by().values("address")
        replies = Reply.objects.filter(number__in=numbers, **self.criteria.between("received_at")).order_by(
            "received_at", "pk"
        )
        for reply in replies.iterator(chunk_size=2_000):
            [text] = self.mask.texts([reply.text])
            yield [moment(reply.received_at, seconds=True), device_text(Mode.TEXT, reply.number), text]

    # Documents

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """What is wanted, for the file. The words that were searched may name another family."""
        pairs = self.criteria.pairs(self.scope)
        masked = self.mask.texts([value if label == gettext("Words") else "" for label, value in pairs])
        return [(label, words or value) for (label, value), words in zip(pairs, masked, strict=True)]

    def pdf(self) -> Document:
        """The records to read: each message with its bodies, and then what happened to each device."""
        shown = [place for place, (label, width) in enumerate(DELIVERY_COLUMNS) if width]
        counts = [(gettext("Messages"), number(len(self.messages))), (gettext("People"), number(self.people))]
        figures = [*counts, (gettext("Other families"), str(MASKED))]
        rows = ([row[place] for place in shown] for row in self.delivery_rows())
        columns = [Column(str(label), width) for label, width in DELIVERY_COLUMNS if width]
        return Document(
            title=gettext("Records"),
            subtitle=settings.DISTRICT_NAME,
            generated_on="",
            header=self.pairs,
            sections=[
                Figures(gettext("Summary"), figures),
                *map(_section, self.messages),
                Rows(gettext("Devices"), columns, rows),
            ],
            landscape=True,
            repeatable=True,
        )

    def tables(self) -> Iterator[tuple[str, Document]]:
        yield "messages.csv", _table(MESSAGE_COLUMNS, self.message_rows())
        yield "deliveries.csv", _table([label for label, width in DELIVERY_COLUMNS], self.delivery_rows())
        yield "replies.csv", _table(REPLY_COLUMNS, self.reply_rows())


def _section(masked: MaskedMessage) -> Text:
    message = masked.message
    facts = [
        (gettext("Date Created"), moment(message.created_at)),
        (gettext("Sender"), message.sender_name),
        (gettext("School"), masked.school),
        (gettext("Delivery Modes"), message.display_modes),
        (gettext("Attachments"), masked.attachments),
    ]
    bodies = [(name.removeprefix("bodies/"), text) for name, text in masked.bodies.items()]
    subject = masked.subject or gettext("(no subject)")
    heading = gettext("Message %(number)s: %(subject)s") % {"number": message.pk, "subject": subject}
    return Text(heading, [(label, text) for label, text in [*facts, *bodies] if text])


def _table(columns: Sequence[StrOrPromise], rows: Iterator[list[str]]) -> Document:
    return Document(gettext("Records"), "", "", sections=[Rows("", [Column(str(label)) for label in columns], rows)])
