"""The values of the ledger's columns, each with its label, and the sets of them that have a name.

Models, querysets and SQL import them from here. The module needs no other module of the project.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from django.db import models


class Engine(models.TextChoices):
    """The system that makes a message."""

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
    WAITING = "waiting", "Waiting"
    IN_PROGRESS = "in_progress", "In-Progress"
    SENT = "sent", "Sent"
    ERROR = "error", "Error"
    CANCELED = "canceled", "Canceled"
    CANCELED_IN_PROGRESS = "canceled_ip", "Canceled IP"
    NO_RECIPIENTS = "no_recipients", "No Recipients"


CANCELABLE = (MessageStatus.WAITING, MessageStatus.IN_PROGRESS)
CANCELED = (MessageStatus.CANCELED, MessageStatus.CANCELED_IN_PROGRESS)


class Mode(models.TextChoices):
    """How a message reaches a device."""

    INBOX = "inbox", "Inbox"
    EMAIL = "email", "Email"
    VOICE = "voice", "Voice"
    TEXT = "text", "Text"


PHONE = frozenset({Mode.VOICE, Mode.TEXT})


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting", "Waiting"
    IN_PROGRESS = "in_progress", "In-Progress"
    VENDOR_RECEIVED = "vendor_received", "Vendor received"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    CONFIRMED = "confirmed", "Confirmed"
    NOT_CONFIRMED = "not_confirmed", "Not Confirmed"
    NO_ANSWER = "no_answer", "No-Answer"
    BUSY = "busy", "Busy"
    FAILED = "failed", "Failed"
    ERROR = "error", "Error"
    UNDELIVERED = "undelivered", "Undelivered"
    NO_CALL_STATUS = "no_call_status", "No Call Status"
    RESTRICTED = "restricted", "Restricted"
    OPT_OUT = "opt_out", "Opt Out"
    NOT_ELIGIBLE = "not_eligible", "Not Eligible"
    NO_DEVICE = "no_device", "No Device"
    DUPLICATE = "duplicate", "Duplicate"
    CANCELED = "canceled", "Canceled"


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

    PENDING = "pending", "Pending"
    SUCCESS = "success", "Success"
    NOT_REACHED = "not_reached", "Not reached"
    ERROR = "error", "Error"
    CANCELED = "canceled", "Canceled"
    NOT_ATTEMPTED = "not_attempted", "Not attempted"


class Reach(models.TextChoices):
    """Whether a message reached a person, from the best to the worst: the best of the devices decides."""

    REACHED = "reached", "Reached"
    UNCONFIRMED = "unconfirmed", "Handed over, not confirmed"
    NOT_REACHED = "not_reached", "Not reached"
    CANCELED = "canceled", "Canceled"
    NO_DEVICE = "no_device", "No device"


class ContactProblem(models.TextChoices):
    """Why nothing arrives at an address or number for good."""

    NO_MAILBOX = "no_mailbox", "No such mailbox"
    MAILBOX_FULL = "mailbox_full", "Mailbox full"
    MAIL_REFUSED = "mail_refused", "Mail refused"
    BOUNCED = "bounced", "Bounced"
    SUPPRESSED = "suppressed", "Suppressed"
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
    COMPLAINED = "complained", "Complained"
    NOT_VALID = "not_valid", "Not valid"
    NOT_IN_SERVICE = "not_in_service", "Not in service"
    FAX = "fax", "Fax machine"
    LANDLINE = "landline", "Landline texted"
    OPTED_OUT = "opted_out", "Opted out"


class ContactState(models.TextChoices):
    """What was done about a contact to fix."""

    OPEN = "open", "Open"
    TOLD = "told", "Family told"
    FIXED = "fixed", "Fixed"


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

    AMBIGUOUS = "ambiguous", "Several e-mails fit"
    SUBJECT = "subject", "Address, subject and time"
    MESSAGE_ID = "message_id", "Message-Id and address"
    VARIABLES = "variables", "Our own mark in the e-mail"


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
