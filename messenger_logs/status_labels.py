"""The labels of the ledger's values: each status as a word, a shape and a color, with a sentence that explains it.

The words are those of choices.py, and have the language of a page's reader. `Status.in_english` is for exports.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.statuses import Shape, Status, Tone
from messenger_logs.choices import PHONE, DeliveryStatus, MessageStatus, Mode, Outcome, Reach
from messenger_logs.removed import REMOVED
from messenger_logs.statuses import CODES

MESSAGE_STATUSES = {
    MessageStatus.WAITING: Status(
        MessageStatus.WAITING.label, Shape.RING, Tone.NEUTRAL, _("Scheduled; delivery has not begun yet.")
    ),
    MessageStatus.IN_PROGRESS: Status(
        MessageStatus.IN_PROGRESS.label, Shape.HALF, Tone.RUNNING, _("Being delivered now.")
    ),
    MessageStatus.SENT: Status(
        MessageStatus.SENT.label,
        Shape.CHECK,
        Tone.GOOD,
        _("Handed to the providers that deliver it. Whether it reached each recipient stands beside the recipient."),
    ),
    MessageStatus.ERROR: Status(
        MessageStatus.ERROR.label, Shape.CROSS, Tone.BAD, _("At least one kind of delivery could not be handed over.")
    ),
    MessageStatus.CANCELED: Status(
        MessageStatus.CANCELED.label, Shape.SQUARE, Tone.NEUTRAL, _("Stopped before delivery began: nobody got it.")
    ),
    MessageStatus.CANCELED_IN_PROGRESS: Status(
        MessageStatus.CANCELED_IN_PROGRESS.label,
        Shape.DIAMOND,
        Tone.WARNING,
        _("Stopped after delivery had begun: some recipients may have got it."),
    ),
    MessageStatus.NO_RECIPIENTS: Status(
        MessageStatus.NO_RECIPIENTS.label,
        Shape.TRIANGLE,
        Tone.WARNING,
        _("Nobody could get it: it has no recipients, or none of them has a device for it."),
    ),
}

# Whether a message reached a person.
REACH = {
    Reach.REACHED: Status(
        Reach.REACHED.label,
        Shape.CHECK,
        Tone.GOOD,
        _("A device says so: the inbox has it, the e-mail was delivered, a call was answered, or a text was sent."),
    ),
    Reach.UNCONFIRMED: Status(
        Reach.UNCONFIRMED.label,
        Shape.HALF,
        Tone.RUNNING,
        _("An e-mail or a text left, and nothing more is known."),
    ),
    Reach.NOT_REACHED: Status(
        Reach.NOT_REACHED.label,
        Shape.CROSS,
        Tone.BAD,
        _("No device got it. While the message goes out, one may still get it."),
    ),
    Reach.CANCELED: Status(
        Reach.CANCELED.label, Shape.SQUARE, Tone.NEUTRAL, _("The message was stopped before any device got it.")
    ),
    Reach.NO_DEVICE: Status(
        Reach.NO_DEVICE.label, Shape.TRIANGLE, Tone.WARNING, _("The person has no device for the message.")
    ),
}

# The words of Sent Message Log 2.0 for the same statuses.
_CANCELED = Status(
    pgettext_lazy("status", "CANCELED"),
    Shape.SQUARE,
    Tone.NEUTRAL,
    _("Stopped by somebody, before it began to go out or while it did."),
)
SENT_MESSAGE_LOG_2_STATUSES = {
    MessageStatus.WAITING: Status(
        pgettext_lazy("status", "SCHEDULED"), Shape.RING, Tone.NEUTRAL, _("It has not begun to go out.")
    ),
    MessageStatus.IN_PROGRESS: Status(
        pgettext_lazy("status", "IN PROGRESS"), Shape.HALF, Tone.RUNNING, _("It is going out now.")
    ),
    MessageStatus.SENT: Status(
        pgettext_lazy("status", "SENT"),
        Shape.CHECK,
        Tone.GOOD,
        _("Handed to the providers that deliver it. The result of each device stands beside its recipient."),
    ),
    MessageStatus.CANCELED: _CANCELED,
    MessageStatus.CANCELED_IN_PROGRESS: _CANCELED,
    MessageStatus.ERROR: Status(
        pgettext_lazy("status", "ERROR"),
        Shape.CROSS,
        Tone.BAD,
        _("The provider of at least one delivery mode (e-mail, voice or text) took nothing of it."),
    ),
    MessageStatus.NO_RECIPIENTS: Status(
        pgettext_lazy("status", "NO RECIPIENTS"),
        Shape.TRIANGLE,
        Tone.WARNING,
        _("It has no recipients, or none of them has a device that could get it."),
    ),
}

DELIVERY_STATUSES = {
    DeliveryStatus.WAITING: Status(
        DeliveryStatus.WAITING.label, Shape.RING, Tone.NEUTRAL, _("Delivery to this device has not begun.")
    ),
    DeliveryStatus.IN_PROGRESS: Status(
        DeliveryStatus.IN_PROGRESS.label, Shape.HALF, Tone.RUNNING, _("Being delivered now.")
    ),
    DeliveryStatus.VENDOR_RECEIVED: Status(
        DeliveryStatus.VENDOR_RECEIVED.label,
        Shape.HALF,
        Tone.RUNNING,
        _("The voice and text provider has it and has not said more yet."),
    ),
    DeliveryStatus.SENT: Status(
        DeliveryStatus.SENT.label,
        Shape.CHECK,
        Tone.GOOD,
        _("Handed over: to the inbox, the e-mail provider, or the phone carrier."),
    ),
    DeliveryStatus.DELIVERED: Status(
        DeliveryStatus.DELIVERED.label, Shape.CHECK, Tone.GOOD, _("The carrier says that the phone has it.")
    ),
    DeliveryStatus.CONFIRMED: Status(
        DeliveryStatus.CONFIRMED.label, Shape.CHECK, Tone.GOOD, _("Someone answered and pressed 0 to confirm.")
    ),
    DeliveryStatus.NOT_CONFIRMED: Status(
        DeliveryStatus.NOT_CONFIRMED.label,
        Shape.RING,
        Tone.WARNING,
        _("Something answered the call that is no person and no voicemail, such as a fax: nobody was reached."),
    ),
    DeliveryStatus.NO_ANSWER: Status(
        DeliveryStatus.NO_ANSWER.label, Shape.RING, Tone.WARNING, _("It rang and nobody answered.")
    ),
    DeliveryStatus.BUSY: Status(DeliveryStatus.BUSY.label, Shape.DIAMOND, Tone.WARNING, _("The line was busy.")),
    DeliveryStatus.FAILED: Status(
        DeliveryStatus.FAILED.label, Shape.CROSS, Tone.BAD, _("It was tried and did not work.")
    ),
    DeliveryStatus.ERROR: Status(
        DeliveryStatus.ERROR.label,
        Shape.CROSS,
        Tone.BAD,
        _("It could not be tried, or the provider could not carry it."),
    ),
    DeliveryStatus.UNDELIVERED: Status(
        DeliveryStatus.UNDELIVERED.label,
        Shape.CROSS,
        Tone.BAD,
        _("The carrier took the text, but could not bring it to the phone."),
    ),
    DeliveryStatus.NO_CALL_STATUS: Status(
        DeliveryStatus.NO_CALL_STATUS.label, Shape.TRIANGLE, Tone.WARNING, _("The provider does not know the result.")
    ),
    DeliveryStatus.RESTRICTED: Status(
        DeliveryStatus.RESTRICTED.label,
        Shape.SQUARE,
        Tone.WARNING,
        _("A rule forbids it, such as a do-not-call list or the time of day."),
    ),
    DeliveryStatus.OPT_OUT: Status(
        DeliveryStatus.OPT_OUT.label, Shape.SQUARE, Tone.NEUTRAL, _("The recipient asked not to get such messages.")
    ),
    DeliveryStatus.NOT_ELIGIBLE: Status(
        DeliveryStatus.NOT_ELIGIBLE.label, Shape.SQUARE, Tone.NEUTRAL, _("The device cannot take this kind of message.")
    ),
    DeliveryStatus.NO_DEVICE: Status(
        DeliveryStatus.NO_DEVICE.label,
        Shape.TRIANGLE,
        Tone.WARNING,
        _("No address or number is known, or none is meant for such messages."),
    ),
    DeliveryStatus.DUPLICATE: Status(
        DeliveryStatus.DUPLICATE.label,
        Shape.DIAMOND,
        Tone.NEUTRAL,
        _("The same device got this message already, so it was left out."),
    ),
    DeliveryStatus.CANCELED: Status(
        DeliveryStatus.CANCELED.label,
        Shape.SQUARE,
        Tone.NEUTRAL,
        _("The message was canceled before it went to this device. Not a failure."),
    ),
}
# An answered call counts as reached, whether or not anybody pressed 0.
ANSWERED = Status(
    DeliveryStatus.NOT_CONFIRMED.label,
    Shape.DOT,
    Tone.GOOD,
    _("A person or a voicemail answered the call, so it counts as reached; nobody pressed 0 to confirm."),
)


def delivery_status(status: str, outcome: str) -> Status:
    """Return the look of a device's status. The outcome tells a call that reached somebody from one that did not."""
    if status == DeliveryStatus.NOT_CONFIRMED and outcome == Outcome.SUCCESS:
        return ANSWERED
    return DELIVERY_STATUSES[DeliveryStatus(status)]


OUTCOMES = {
    Outcome.PENDING: Status(Outcome.PENDING.label, Shape.HALF, Tone.RUNNING, _("Not decided yet.")),
    Outcome.SUCCESS: Status(
        Outcome.SUCCESS.label, Shape.CHECK, Tone.GOOD, _("The device was reached, as far as can be known.")
    ),
    Outcome.NOT_REACHED: Status(
        Outcome.NOT_REACHED.label,
        Shape.RING,
        Tone.WARNING,
        _("Tried without an error, but nobody was reached: busy, no answer."),
    ),
    Outcome.ERROR: Status(Outcome.ERROR.label, Shape.CROSS, Tone.BAD, _("It failed.")),
    Outcome.CANCELED: Status(
        Outcome.CANCELED.label, Shape.SQUARE, Tone.NEUTRAL, _("Stopped by a cancel. Not a failure.")
    ),
    Outcome.NOT_ATTEMPTED: Status(
        Outcome.NOT_ATTEMPTED.label,
        Shape.SQUARE,
        Tone.NEUTRAL,
        _("There was nothing to try: no device, opted out, or not eligible."),
    ),
}

# The last word of the e-mail provider about an address that we handed to it.
EMAIL_OUTCOMES = {
    "accepted": Status(
        pgettext_lazy("status", "Accepted"),
        Shape.RING,
        Tone.NEUTRAL,
        _("In the provider's queue; not known yet whether it arrived."),
    ),
    "delivered": Status(
        pgettext_lazy("status", "Delivered"), Shape.CHECK, Tone.GOOD, _("The recipient's mail server took it.")
    ),
    "failed-temporary": Status(
        pgettext_lazy("status", "Failed (temporary)"),
        Shape.HALF,
        Tone.WARNING,
        _("Not taken yet; the provider tries again."),
    ),
    "failed-permanent": Status(
        pgettext_lazy("status", "Failed (permanent)"), Shape.CROSS, Tone.BAD, _("Refused for good.")
    ),
    "failed": Status(pgettext_lazy("status", "Failed"), Shape.CROSS, Tone.BAD, _("The provider could not deliver it.")),
    "suppressed": Status(
        pgettext_lazy("status", "Failed (suppressed)"),
        Shape.SQUARE,
        Tone.BAD,
        _("Not tried: the address bounced, unsubscribed or complained before."),
    ),
    "rejected": Status(
        pgettext_lazy("status", "Rejected"), Shape.CROSS, Tone.BAD, _("The provider did not take it from us.")
    ),
    "complained": Status(
        pgettext_lazy("status", "Complained"), Shape.TRIANGLE, Tone.WARNING, _("The recipient marked it as spam.")
    ),
}

# What happened to the e-mails of a message, as its figures count them.
EMAIL_OUTCOME_LABELS = {
    "delivered": Status(
        pgettext_lazy("status", "Delivered"), Shape.CHECK, Tone.GOOD, _("The recipient's mail server took it.")
    ),
    "failed": Status(
        pgettext_lazy("status", "Failed"),
        Shape.CROSS,
        Tone.BAD,
        _("Refused for good, by the mail server or by our provider."),
    ),
    "suppressed": Status(
        pgettext_lazy("status", "Suppressed"),
        Shape.SQUARE,
        Tone.BAD,
        _("Not tried: the address bounced, unsubscribed or complained before."),
    ),
    "complained": Status(
        pgettext_lazy("status", "Complained"), Shape.TRIANGLE, Tone.WARNING, _("It arrived, and was marked as spam.")
    ),
    "not_known": Status(
        pgettext_lazy("status", "Not known yet"),
        Shape.RING,
        Tone.NEUTRAL,
        _("Handed over; its provider said nothing final yet."),
    ),
}
NOT_HANDED_OVER = Status(
    pgettext_lazy("status", "Not handed over"), Shape.CROSS, Tone.BAD, _("The e-mail provider did not take it from us.")
)

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
