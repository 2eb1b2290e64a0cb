"""The labels of the ledger's values: each status as a word, a shape and a color, with a sentence that explains it."""

from __future__ import annotations

import re

from core.statuses import Shape, Status, Tone
from messenger_logs.choices import PHONE, DeliveryStatus, MessageStatus, Mode, Outcome, Reach
from messenger_logs.removed import REMOVED
from messenger_logs.statuses import CODES

MESSAGE_STATUSES = {
    MessageStatus.WAITING: Status("Waiting", Shape.RING, Tone.NEUTRAL, "Scheduled; delivery has not begun yet."),
    MessageStatus.IN_PROGRESS: Status("In-Progress", Shape.HALF, Tone.RUNNING, "Being delivered now."),
    MessageStatus.SENT: Status(
        "Sent",
        Shape.CHECK,
        Tone.GOOD,
        "Handed to the providers that deliver it. Whether it reached each recipient stands beside the recipient.",
    ),
    MessageStatus.ERROR: Status(
        "Error", Shape.CROSS, Tone.BAD, "At least one kind of delivery could not be handed over."
    ),
    MessageStatus.CANCELED: Status(
        "Canceled", Shape.SQUARE, Tone.NEUTRAL, "Stopped before delivery began: nobody got it."
    ),
    MessageStatus.CANCELED_IN_PROGRESS: Status(
        "Canceled IP", Shape.DIAMOND, Tone.WARNING, "Stopped after delivery had begun: some recipients may have got it."
    ),
    MessageStatus.NO_RECIPIENTS: Status(
        "No Recipients",
        Shape.TRIANGLE,
        Tone.WARNING,
        "Nobody could get it: it has no recipients, or none of them has a device for it.",
    ),
}

# Whether a message reached a person.
REACH = {
    Reach.REACHED: Status(
        "Reached",
        Shape.CHECK,
        Tone.GOOD,
        "A device says so: the inbox has it, the e-mail was delivered, a call was answered, or a text was sent.",
    ),
    Reach.UNCONFIRMED: Status(
        "Handed over, not confirmed",
        Shape.HALF,
        Tone.RUNNING,
        "An e-mail or a text left, and nothing more is known.",
    ),
    Reach.NOT_REACHED: Status(
        "Not reached", Shape.CROSS, Tone.BAD, "No device got it. While the message goes out, one may still get it."
    ),
    Reach.CANCELED: Status("Canceled", Shape.SQUARE, Tone.NEUTRAL, "The message was stopped before any device got it."),
    Reach.NO_DEVICE: Status("No device", Shape.TRIANGLE, Tone.WARNING, "The person has no device for the message."),
}

# The words of Sent Message Log 2.0 for the same statuses.
_CANCELED = Status(
    "CANCELED", Shape.SQUARE, Tone.NEUTRAL, "Stopped by somebody, before it began to go out or while it did."
)
SENT_MESSAGE_LOG_2_STATUSES = {
    MessageStatus.WAITING: Status("SCHEDULED", Shape.RING, Tone.NEUTRAL, "It has not begun to go out."),
    MessageStatus.IN_PROGRESS: Status("IN PROGRESS", Shape.HALF, Tone.RUNNING, "It is going out now."),
    MessageStatus.SENT: Status(
        "SENT",
        Shape.CHECK,
        Tone.GOOD,
        "Handed to the providers that deliver it. The result of each device stands beside its recipient.",
    ),
    MessageStatus.CANCELED: _CANCELED,
    MessageStatus.CANCELED_IN_PROGRESS: _CANCELED,
    MessageStatus.ERROR: Status(
        "ERROR",
        Shape.CROSS,
        Tone.BAD,
        "The provider of at least one delivery mode (e-mail, voice or text) took nothing of it.",
    ),
    MessageStatus.NO_RECIPIENTS: Status(
        "NO RECIPIENTS",
        Shape.TRIANGLE,
        Tone.WARNING,
        "It has no recipients, or none of them has a device that could get it.",
    ),
}

DELIVERY_STATUSES = {
    DeliveryStatus.WAITING: Status("Waiting", Shape.RING, Tone.NEUTRAL, "Delivery to this device has not begun."),
    DeliveryStatus.IN_PROGRESS: Status("In-Progress", Shape.HALF, Tone.RUNNING, "Being delivered now."),
    DeliveryStatus.VENDOR_RECEIVED: Status(
        "Vendor received", Shape.HALF, Tone.RUNNING, "The voice and text provider has it and has not said more yet."
    ),
    DeliveryStatus.SENT: Status(
        "Sent", Shape.CHECK, Tone.GOOD, "Handed over: to the inbox, the e-mail provider, or the phone carrier."
    ),
    DeliveryStatus.DELIVERED: Status("Delivered", Shape.CHECK, Tone.GOOD, "The carrier says that the phone has it."),
    DeliveryStatus.CONFIRMED: Status("Confirmed", Shape.CHECK, Tone.GOOD, "Someone answered and pressed 0 to confirm."),
    DeliveryStatus.NOT_CONFIRMED: Status(
        "Not Confirmed",
        Shape.RING,
        Tone.WARNING,
        "Something answered the call that is no person and no voicemail, such as a fax: nobody was reached.",
    ),
    DeliveryStatus.NO_ANSWER: Status("No-Answer", Shape.RING, Tone.WARNING, "It rang and nobody answered."),
    DeliveryStatus.BUSY: Status("Busy", Shape.DIAMOND, Tone.WARNING, "The line was busy."),
    DeliveryStatus.FAILED: Status("Failed", Shape.CROSS, Tone.BAD, "It was tried and did not work."),
    DeliveryStatus.ERROR: Status(
        "Error", Shape.CROSS, Tone.BAD, "It could not be tried, or the provider could not carry it."
    ),
    DeliveryStatus.UNDELIVERED: Status(
        "Undelivered", Shape.CROSS, Tone.BAD, "The carrier took the text, but could not bring it to the phone."
    ),
    DeliveryStatus.NO_CALL_STATUS: Status(
        "No Call Status", Shape.TRIANGLE, Tone.WARNING, "The provider does not know the result."
    ),
    DeliveryStatus.RESTRICTED: Status(
        "Restricted", Shape.SQUARE, Tone.WARNING, "A rule forbids it, such as a do-not-call list or the time of day."
    ),
    DeliveryStatus.OPT_OUT: Status(
        "Opt Out", Shape.SQUARE, Tone.NEUTRAL, "The recipient asked not to get such messages."
    ),
    DeliveryStatus.NOT_ELIGIBLE: Status(
        "Not Eligible", Shape.SQUARE, Tone.NEUTRAL, "The device cannot take this kind of message."
    ),
    DeliveryStatus.NO_DEVICE: Status(
        "No Device", Shape.TRIANGLE, Tone.WARNING, "No address or number is known, or none is meant for such messages."
    ),
    DeliveryStatus.DUPLICATE: Status(
        "Duplicate", Shape.DIAMOND, Tone.NEUTRAL, "The same device got this message already, so it was left out."
    ),
    DeliveryStatus.CANCELED: Status(
        "Canceled", Shape.SQUARE, Tone.NEUTRAL, "The message was canceled before it went to this device. Not a failure."
    ),
}
# An answered call counts as reached, whether or not anybody pressed 0.
ANSWERED = Status(
    "Not Confirmed",
    Shape.DOT,
    Tone.GOOD,
    "A person or a voicemail answered the call, so it counts as reached; nobody pressed 0 to confirm.",
)


def delivery_status(status: str, outcome: str) -> Status:
    """Return the look of a device's status. The outcome tells a call that reached somebody from one that did not."""
    if status == DeliveryStatus.NOT_CONFIRMED and outcome == Outcome.SUCCESS:
        return ANSWERED
    return DELIVERY_STATUSES[DeliveryStatus(status)]


OUTCOMES = {
    Outcome.PENDING: Status("Pending", Shape.HALF, Tone.RUNNING, "Not decided yet."),
    Outcome.SUCCESS: Status("Success", Shape.CHECK, Tone.GOOD, "The device was reached, as far as can be known."),
    Outcome.NOT_REACHED: Status(
        "Not reached", Shape.RING, Tone.WARNING, "Tried without an error, but nobody was reached: busy, no answer."
    ),
    Outcome.ERROR: Status("Error", Shape.CROSS, Tone.BAD, "It failed."),
    Outcome.CANCELED: Status("Canceled", Shape.SQUARE, Tone.NEUTRAL, "Stopped by a cancel. Not a failure."),
    Outcome.NOT_ATTEMPTED: Status(
        "Not attempted", Shape.SQUARE, Tone.NEUTRAL, "There was nothing to try: no device, opted out, or not eligible."
    ),
}

# The last word of the e-mail provider about an address that we handed to it.
EMAIL_OUTCOMES = {
    "accepted": Status(
        "Accepted", Shape.RING, Tone.NEUTRAL, "In the provider's queue; not known yet whether it arrived."
    ),
    "delivered": Status("Delivered", Shape.CHECK, Tone.GOOD, "The recipient's mail server took it."),
    "failed-temporary": Status(
        "Failed (temporary)", Shape.HALF, Tone.WARNING, "Not taken yet; the provider tries again."
    ),
    "failed-permanent": Status("Failed (permanent)", Shape.CROSS, Tone.BAD, "Refused for good."),
    "failed": Status("Failed", Shape.CROSS, Tone.BAD, "The provider could not deliver it."),
    "suppressed": Status(
        "Failed (suppressed)",
        Shape.SQUARE,
        Tone.BAD,
        "Not tried: the address bounced, unsubscribed or complained before.",
    ),
    "rejected": Status("Rejected", Shape.CROSS, Tone.BAD, "The provider did not take it from us."),
    "complained": Status("Complained", Shape.TRIANGLE, Tone.WARNING, "The recipient marked it as spam."),
}

# What happened to the e-mails of a message, as its figures count them.
EMAIL_OUTCOME_LABELS = {
    "delivered": Status("Delivered", Shape.CHECK, Tone.GOOD, "The recipient's mail server took it."),
    "failed": Status("Failed", Shape.CROSS, Tone.BAD, "Refused for good, by the mail server or by our provider."),
    "suppressed": Status(
        "Suppressed", Shape.SQUARE, Tone.BAD, "Not tried: the address bounced, unsubscribed or complained before."
    ),
    "complained": Status("Complained", Shape.TRIANGLE, Tone.WARNING, "It arrived, and was marked as spam."),
    "not_known": Status("Not known yet", Shape.RING, Tone.NEUTRAL, "Handed over; its provider said nothing final yet."),
}
NOT_HANDED_OVER = Status("Not handed over", Shape.CROSS, Tone.BAD, "The e-mail provider did not take it from us.")

# The mark of an address or number that the same message had before.
DUPLICATE_MARK = "†"
_NORTH_AMERICAN = re.compile(r"\+1(\d{3})(\d{3})(\d{4})")
_EXTENSION = ";ext="

CODE_NAMES = {(mode, code.number): f"code {code.number}: {code.name}" for code in CODES.values() for mode in code.modes}
"""The provider's codes as lists and reports name them, by mode and number."""


BESIDE_A_NOTE = r"^[+(]*[0-9][0-9 ()./-]*(?= )| [+(]*[0-9][0-9 ()./-]*$"
"""The number in a text that has a note, too: Python and PostgreSQL read it alike."""


def device_text(mode: str, address: str, given: str = "") -> str:
    """A device as people read it: an address as it was given, a number of this country as (612) 555-0100 ext. 45.

    A note that was given beside a number stands behind it: (612) 555-0100 (Mom).
    """
    if mode not in PHONE or given == REMOVED:
        return given or address
    note = re.sub(BESIDE_A_NOTE, "", given, count=1).strip()
    return " ".join(filter(None, [_number_text(address), note]))


def _number_text(address: str) -> str:
    number, _, extension = address.partition(_EXTENSION)
    if parts := _NORTH_AMERICAN.fullmatch(number):
        number = "({}) {}-{}".format(*parts.groups())
    return f"{number} ext. {extension}" if extension else number


def code_name(mode: str, code: int | None) -> str:
    """The name of a provider's code, such as "Fast-Busy"; "" for none, and for one that is not in the table."""
    known = CODES.get(code) if code is not None else None
    return known.name if known and mode in known.modes else ""


def detail_text(mode: str, detail: str, code: int | None) -> str:
    """The detail of a status, and the provider's code with its name: "Connection error, code 2: Operator"."""
    if code is None:
        return detail
    unnamed = f"code {code}"
    known = CODE_NAMES.get((Mode(mode), code), unnamed)
    return ", ".join(filter(None, ["" if detail == unnamed else detail, known]))
