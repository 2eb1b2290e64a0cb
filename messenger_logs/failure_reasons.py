"""Why somebody was not reached, in words that an office can read out on the phone."""

from __future__ import annotations

from messenger_logs.choices import DeliveryStatus, Mode, Outcome
from messenger_logs.models import Delivery
from messenger_logs.statuses import BAD_DATA

_NO_DEVICE = {
    Mode.INBOX: "No portal account to deliver to.",
    Mode.EMAIL: "No e-mail address on record for such messages.",
    Mode.VOICE: "No phone number on record for such calls.",
    Mode.TEXT: "No phone number on record for such texts.",
}
_EMAIL = {
    "failed": "Bounced: the e-mail was sent, but came back.",
    "failed-permanent": "Bounced: the e-mail was sent, but the recipient's mail server refused it.",
    "failed-temporary": "Delayed: the recipient's mail server has not taken the e-mail yet.",
    "suppressed": "Suppressed: the address bounced, unsubscribed or complained before, so the e-mail was not tried.",
    "rejected": "Refused by our e-mail provider before it was tried.",
}
# Where a code says more than its status.
_CODES = {
    2: "An automatic operator answered: there may be something wrong with the number.",
    3: "The number is not in service.",
    7: "A fax machine answered.",
    8: "The call was answered; by whom is not known.",
    16: "The number seems to be out of service.",
    17: "The number was temporarily unavailable.",
    -2: "The number is not valid. Correct it in the contact data.",
    -3: "Restricted: the number is on the do-not-call list.",
    -7: "The number is known not to be in service. Correct it in the contact data.",
    -9: "Restricted: it was outside the hours in which calls may be made.",
    -11: "The time for the call ran out before it was dialed.",
    -15: "Restricted: the number is a cell phone, and such calls leave those out.",
    -21: "The number is known not to connect.",
    -22: "Suppressed: the number is on the provider's suppression list.",
    -23: "The number is known to be a fax machine. Correct it in the contact data.",
    -34: "The district's quota of calls and texts was used up.",
}
_STATUSES = {
    DeliveryStatus.NO_ANSWER: "Nobody answered, nor did voicemail.",
    DeliveryStatus.BUSY: "The line was busy.",
    DeliveryStatus.NOT_CONFIRMED: "The call was answered, but not by a person or voicemail.",
    DeliveryStatus.NO_CALL_STATUS: "The provider does not know the result.",
    DeliveryStatus.FAILED: "It could not be connected or handed over.",
    DeliveryStatus.ERROR: "An error of the provider or the carrier prevented it.",
    DeliveryStatus.UNDELIVERED: "The carrier could not bring the text to the phone; it may be a landline.",
    DeliveryStatus.RESTRICTED: "Restricted: a rule forbids to contact this device.",
    DeliveryStatus.NOT_ELIGIBLE: "Not eligible: a number with an extension cannot get texts.",
    DeliveryStatus.CANCELED: "The message was canceled before it went to this device.",
}
_BAD_DATA = "The address or number cannot be used. Correct it in the contact data."
_DUPLICATE = "The same address or number is in this message once more; its result stands there."


def why_not_reached(delivery: Delivery) -> str:
    """One sentence; empty for a device that was reached or may still be reached."""
    status = DeliveryStatus(delivery.status)
    if status == DeliveryStatus.NO_DEVICE:
        return _NO_DEVICE[Mode(delivery.mode)]
    if status == DeliveryStatus.OPT_OUT:
        how = "replied STOP to a text" if delivery.mode == Mode.TEXT else "asked for no more e-mail"
        return f"Opted out: the recipient {how}."
    if status == DeliveryStatus.DUPLICATE:
        return _DUPLICATE
    if delivery.mode == Mode.EMAIL and delivery.email_outcome in _EMAIL:
        return _EMAIL[delivery.email_outcome]
    if delivery.outcome in (Outcome.SUCCESS, Outcome.PENDING):
        return ""
    if delivery.code is not None and delivery.code in _CODES:
        return _CODES[delivery.code]
    return _BAD_DATA if delivery.detail == BAD_DATA else _STATUSES.get(status, "")
