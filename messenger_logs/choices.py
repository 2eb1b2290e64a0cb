"""The values of the ledger's columns, each with its label, and the sets of them that have a name.

Models, querysets and SQL import them from here. The module needs no other module of the project.

Pages show a label in the language of their reader. What is stored, compared, read back or exported is the value, or the
label in English: see `english` in core/languages.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Engine(models.TextChoices):
    """The system that makes a message. The labels are names of products."""

    CLASSIC = "classic", "Messenger"
    V2 = "v2", "Messenger 2.0"
    OLR = "olr", "Online Registration"


class MessageType(models.TextChoices):
    """The message types of the 2.0 engine, as they are stored and shown. The other engines have types of any text."""

    GENERAL = "Messenger 2.0 - General"
    PRIORITY = "Messenger 2.0 - Priority"
    EMERGENCY = "Messenger 2.0 - Emergency"
    TEXT_OPT_IN = "Text Opt In"
    TEXT_OPT_OUT = "Text Opt Out"


class MessageStatus(models.TextChoices):
    WAITING = "waiting", pgettext_lazy("status", "Waiting")
    IN_PROGRESS = "in_progress", pgettext_lazy("status", "In-Progress")
    SENT = "sent", pgettext_lazy("status", "Sent")
    ERROR = "error", pgettext_lazy("status", "Error")
    CANCELED = "canceled", pgettext_lazy("status", "Canceled")
    CANCELED_IN_PROGRESS = "canceled_ip", pgettext_lazy("status", "Canceled IP")
    NO_RECIPIENTS = "no_recipients", pgettext_lazy("status", "No Recipients")


CANCELABLE = (MessageStatus.WAITING, MessageStatus.IN_PROGRESS)
CANCELED = (MessageStatus.CANCELED, MessageStatus.CANCELED_IN_PROGRESS)


class Mode(models.TextChoices):
    """How a message reaches a device."""

    INBOX = "inbox", pgettext_lazy("mode", "Inbox")
    EMAIL = "email", pgettext_lazy("mode", "Email")
    VOICE = "voice", pgettext_lazy("mode", "Voice")
    TEXT = "text", pgettext_lazy("mode", "Text")


PHONE = frozenset({Mode.VOICE, Mode.TEXT})


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting", pgettext_lazy("status", "Waiting")
    IN_PROGRESS = "in_progress", pgettext_lazy("status", "In-Progress")
    VENDOR_RECEIVED = "vendor_received", pgettext_lazy("status", "Vendor received")
    SENT = "sent", pgettext_lazy("status", "Sent")
    DELIVERED = "delivered", pgettext_lazy("status", "Delivered")
    CONFIRMED = "confirmed", pgettext_lazy("status", "Confirmed")
    NOT_CONFIRMED = "not_confirmed", pgettext_lazy("status", "Not Confirmed")
    NO_ANSWER = "no_answer", pgettext_lazy("status", "No-Answer")
    BUSY = "busy", pgettext_lazy("status", "Busy")
    FAILED = "failed", pgettext_lazy("status", "Failed")
    ERROR = "error", pgettext_lazy("status", "Error")
    UNDELIVERED = "undelivered", pgettext_lazy("status", "Undelivered")
    NO_CALL_STATUS = "no_call_status", pgettext_lazy("status", "No Call Status")
    RESTRICTED = "restricted", pgettext_lazy("status", "Restricted")
    OPT_OUT = "opt_out", pgettext_lazy("status", "Opt Out")
    NOT_ELIGIBLE = "not_eligible", pgettext_lazy("status", "Not Eligible")
    NO_DEVICE = "no_device", pgettext_lazy("status", "No Device")
    DUPLICATE = "duplicate", pgettext_lazy("status", "Duplicate")
    CANCELED = "canceled", pgettext_lazy("status", "Canceled")


# With one of these and the outcome pending, nothing has left for the device yet. The delivery waits for its turn, or
# for the hours in which calls are allowed.
NOT_LEFT = (DeliveryStatus.WAITING, DeliveryStatus.RESTRICTED)

# With one of these, nothing was tried: it counts as no attempt.
NOT_TRIED = frozenset(
    {
        DeliveryStatus.WAITING,
        DeliveryStatus.NO_DEVICE,
        DeliveryStatus.DUPLICATE,
        DeliveryStatus.NOT_ELIGIBLE,
        DeliveryStatus.OPT_OUT,
        DeliveryStatus.CANCELED,
    }
)


class Outcome(models.TextChoices):
    """What a delivery counts as. Success and error need not add up to all attempts: a busy line is neither."""

    PENDING = "pending", pgettext_lazy("status", "Pending")
    SUCCESS = "success", pgettext_lazy("status", "Success")
    NOT_REACHED = "not_reached", pgettext_lazy("status", "Not reached")
    ERROR = "error", pgettext_lazy("status", "Error")
    CANCELED = "canceled", pgettext_lazy("status", "Canceled")
    NOT_ATTEMPTED = "not_attempted", pgettext_lazy("status", "Not attempted")


class Reach(models.TextChoices):
    """Whether a message reached a person, from the best to the worst: the best of the devices decides."""

    REACHED = "reached", pgettext_lazy("status", "Reached")
    UNCONFIRMED = "unconfirmed", pgettext_lazy("status", "Handed over, not confirmed")
    NOT_REACHED = "not_reached", pgettext_lazy("status", "Not reached")
    CANCELED = "canceled", pgettext_lazy("status", "Canceled")
    NO_DEVICE = "no_device", pgettext_lazy("status", "No device")


class ContactProblem(models.TextChoices):
    """Why nothing arrives at an address or number for good."""

    NO_MAILBOX = "no_mailbox", pgettext_lazy("status", "No such mailbox")
    MAILBOX_FULL = "mailbox_full", pgettext_lazy("status", "Mailbox full")
    MAIL_REFUSED = "mail_refused", pgettext_lazy("status", "Mail refused")
    BOUNCED = "bounced", pgettext_lazy("status", "Bounced")
    SUPPRESSED = "suppressed", pgettext_lazy("status", "Suppressed")
    UNSUBSCRIBED = "unsubscribed", pgettext_lazy("status", "Unsubscribed")
    COMPLAINED = "complained", pgettext_lazy("status", "Complained")
    NOT_VALID = "not_valid", pgettext_lazy("status", "Not valid")
    NOT_IN_SERVICE = "not_in_service", pgettext_lazy("status", "Not in service")
    FAX = "fax", pgettext_lazy("status", "Fax machine")
    LANDLINE = "landline", pgettext_lazy("status", "Landline texted")
    OPTED_OUT = "opted_out", pgettext_lazy("status", "Opted out")


class ContactState(models.TextChoices):
    """What was done about a contact to fix."""

    OPEN = "open", pgettext_lazy("status", "Open")
    TOLD = "told", pgettext_lazy("status", "Family told")
    FIXED = "fixed", pgettext_lazy("status", "Fixed")


# What a call sheet lists: nothing that the message was to do can reach these people any more, as far as is known.
UNREACHED = (Reach.NOT_REACHED, Reach.NO_DEVICE)


# What the e-mail provider finally said of an e-mail that was handed over, as the totals count it. The other words, such
# as "accepted", say nothing final: such an e-mail is not known yet.
EMAIL_FIGURES = {
    "delivered": frozenset({"delivered"}),
    "failed": frozenset({"failed", "failed-permanent", "rejected"}),
    "suppressed": frozenset({"suppressed"}),
    "complained": frozenset({"complained"}),
}
# Where our log says Sent and the provider says one of these, the e-mail did not arrive.
EMAIL_FAILURES = EMAIL_FIGURES["failed"] | EMAIL_FIGURES["suppressed"]
# With one of these the e-mail arrived: who complained, opened, clicked or unsubscribed got it.
EMAIL_ARRIVED = frozenset({"delivered", "complained", "opened", "clicked", "unsubscribed"})


class LinkedBy(models.TextChoices):
    """By which key an event of the e-mail provider belongs to a delivery, from the weakest to the strongest."""

    AMBIGUOUS = "ambiguous", _("Several e-mails fit")
    SUBJECT = "subject", _("Address, subject and time")
    MESSAGE_ID = "message_id", _("Message-Id and address")
    VARIABLES = "variables", _("Our own mark in the e-mail")


class RedialRule(StrEnum):
    """Whether a call or a text is tried again after a code."""

    YES = "yes"
    NO = "no"
    SETTING = "setting"
    WINDOW = "window"
    PROVIDER = "provider"


def sql_list(values: Iterable[models.TextChoices]) -> str:
    """Values for an ``IN (…)`` of an SQL text, always in the same order: ``'text', 'voice'``."""
    return ", ".join(f"'{value}'" for value in sorted(values))
