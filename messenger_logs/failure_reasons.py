"""Why somebody was not reached, in words that an office can read out on the phone."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from messenger_logs.choices import DeliveryStatus, Mode, Outcome
from messenger_logs.models import Delivery
from messenger_logs.statuses import BAD_DATA

_NO_DEVICE = {
    Mode.INBOX: _("No portal account to deliver to."),
    Mode.EMAIL: _("No e-mail address on record for such messages."),
    Mode.VOICE: _("No phone number on record for such calls."),
    Mode.TEXT: _("No phone number on record for such texts."),
}
_EMAIL = {
    "failed": _("Bounced: the e-mail was sent, but came back."),
    "failed-permanent": _("Bounced: the e-mail was sent, but the recipient's mail server refused it."),
    "failed-temporary": _("Delayed: the recipient's mail server has not taken the e-mail yet."),
    "suppressed": _("Suppressed: the address bounced, unsubscribed or complained before, so the e-mail was not tried."),
    "rejected": _("Refused by our e-mail provider before it was tried."),
}
# Where a code says more than its status.
_CODES = {
    2: _("An automatic operator answered: there may be something wrong with the number."),
    3: _("The number is not in service."),
    7: _("A fax machine answered."),
    8: _("The call was answered; by whom is not known."),
    16: _("The number seems to be out of service."),
    17: _("The number was temporarily unavailable."),
    -2: _("The number is not valid. Correct it in the contact data."),
    -3: _("Restricted: the number is on the do-not-call list."),
    -7: _("The number is known not to be in service. Correct it in the contact data."),
    -9: _("Restricted: it was outside the hours in which calls may be made."),
    -11: _("The time for the call ran out before it was dialed."),
    -15: _("Restricted: the number is a cell phone, and such calls leave those out."),
    -21: _("The number is known not to connect."),
    -22: _("Suppressed: the number is on the provider's suppression list."),
    -23: _("The number is known to be a fax machine. Correct it in the contact data."),
    -34: _("The district's quota of calls and texts was used up."),
}
_STATUSES = {
    DeliveryStatus.NO_ANSWER: _("Nobody answered, nor did voicemail."),
    DeliveryStatus.BUSY: _("The line was busy."),
    DeliveryStatus.NOT_CONFIRMED: _("The call was answered, but not by a person or voicemail."),
    DeliveryStatus.NO_CALL_STATUS: _("The provider does not know the result."),
    DeliveryStatus.FAILED: _("It could not be connected or handed over."),
    DeliveryStatus.ERROR: _("An error of the provider or the carrier prevented it."),
    DeliveryStatus.UNDELIVERED: _("The carrier could not bring the text to the phone; it may be a landline."),
    DeliveryStatus.RESTRICTED: _("Restricted: a rule forbids to contact this device."),
    DeliveryStatus.NOT_ELIGIBLE: _("Not eligible: a number with an extension cannot get texts."),
    DeliveryStatus.CANCELED: _("The message was canceled before it went to this device."),
}
_BAD_DATA = _("The address or number cannot be used. Correct it in the contact data.")
_DUPLICATE = _("The same address or number is in this message once more; its result stands there.")
_OPTED_OUT_OF_TEXTS = _("Opted out: the recipient replied STOP to a text.")
_OPTED_OUT_OF_EMAIL = _("Opted out: the recipient asked for no more e-mail.")


def why_not_reached(delivery: Delivery) -> str:
    """One sentence; empty for a device that was reached or may still be reached."""
    status = DeliveryStatus(delivery.status)
    if status == DeliveryStatus.NO_DEVICE:
        return str(_NO_DEVICE[Mode(delivery.mode)])
    if status == DeliveryStatus.OPT_OUT:
        return str(_OPTED_OUT_OF_TEXTS if delivery.mode == Mode.TEXT else _OPTED_OUT_OF_EMAIL)
    if status == DeliveryStatus.DUPLICATE:
        return str(_DUPLICATE)
    if delivery.mode == Mode.EMAIL and delivery.email_outcome in _EMAIL:
        return str(_EMAIL[delivery.email_outcome])
    if delivery.outcome in (Outcome.SUCCESS, Outcome.PENDING):
        return ""
    if delivery.code is not None and delivery.code in _CODES:
        return str(_CODES[delivery.code])
    return str(_BAD_DATA if delivery.detail == BAD_DATA else _STATUSES.get(status, ""))
