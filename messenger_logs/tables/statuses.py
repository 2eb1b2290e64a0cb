"""How the statuses of a delivery look and what they mean, for every page that shows one."""

from grid.statuses import Shape, Status, Tone
from messenger_logs.statuses import DeliveryStatus

_LOOKS: dict[DeliveryStatus, tuple[Shape, Tone, str]] = {
    DeliveryStatus.WAITING: (Shape.RING, Tone.NEUTRAL, "Its turn has not come yet."),
    DeliveryStatus.IN_PROGRESS: (Shape.HALF, Tone.RUNNING, "It is being handed over, dialed or tried again now."),
    DeliveryStatus.VENDOR_RECEIVED: (
        Shape.HALF,
        Tone.RUNNING,
        "The voice and text provider has it and has not said yet what became of it.",
    ),
    DeliveryStatus.SENT: (
        Shape.DOT,
        Tone.GOOD,
        "Handed over: to the inbox, the e-mail provider or the phone carrier. Whether it arrived, the provider tells.",
    ),
    DeliveryStatus.DELIVERED: (Shape.CHECK, Tone.GOOD, "The carrier says that the text reached the phone."),
    DeliveryStatus.CONFIRMED: (Shape.CHECK, Tone.GOOD, "A person answered and pressed 0 to confirm."),
    DeliveryStatus.NOT_CONFIRMED: (
        Shape.DOT,
        Tone.GOOD,
        "The call was answered; the detail says by whom or what. Nobody pressed 0.",
    ),
    DeliveryStatus.NO_ANSWER: (Shape.RING, Tone.WARNING, "It rang, and neither a person nor voicemail answered."),
    DeliveryStatus.BUSY: (Shape.RING, Tone.WARNING, "The line was busy."),
    DeliveryStatus.FAILED: (Shape.CROSS, Tone.BAD, "It could not be handed over or connected."),
    DeliveryStatus.ERROR: (Shape.CROSS, Tone.BAD, "The number, the provider or the carrier made it impossible."),
    DeliveryStatus.UNDELIVERED: (Shape.CROSS, Tone.BAD, "The carrier could not bring the text to the phone."),
    DeliveryStatus.NO_CALL_STATUS: (Shape.RING, Tone.NEUTRAL, "The provider does not know what became of the call."),
    DeliveryStatus.RESTRICTED: (Shape.SQUARE, Tone.WARNING, "A restriction forbids to contact this device."),
    DeliveryStatus.OPT_OUT: (Shape.SQUARE, Tone.WARNING, "The recipient asked not to be contacted this way."),
    DeliveryStatus.NOT_ELIGIBLE: (Shape.SQUARE, Tone.NEUTRAL, "This device cannot get such messages."),
    DeliveryStatus.NO_DEVICE: (Shape.DIAMOND, Tone.WARNING, "There is nothing on record to reach the recipient by."),
    DeliveryStatus.DUPLICATE: (
        Shape.DIAMOND,
        Tone.NEUTRAL,
        "The same device is in this message before; it counts once.",
    ),
    DeliveryStatus.CANCELED: (Shape.SQUARE, Tone.NEUTRAL, "The message was canceled before this went out."),
}
DELIVERY_STATUSES = {status: Status(status.label, *look) for status, look in _LOOKS.items()}

# The e-mail provider's last word, as Delivery.email_outcome has it.
EMAIL_OUTCOMES = {
    "accepted": Status("Accepted", Shape.RING, Tone.NEUTRAL, "The e-mail provider has it in its queue."),
    "delivered": Status("Delivered", Shape.CHECK, Tone.GOOD, "The recipient's mail server took it."),
    "failed-temporary": Status(
        "Failed (temporary)", Shape.HALF, Tone.WARNING, "The mail server did not take it yet; it is tried again."
    ),
    "failed-permanent": Status("Failed (permanent)", Shape.CROSS, Tone.BAD, "The mail server refused it for good."),
    "suppressed": Status(
        "Failed (suppressed)",
        Shape.SQUARE,
        Tone.BAD,
        "Not tried, because this address bounced, unsubscribed or complained before.",
    ),
    "rejected": Status("Rejected", Shape.CROSS, Tone.BAD, "The e-mail provider did not take it from us."),
    "complained": Status("Complained", Shape.TRIANGLE, Tone.WARNING, "It arrived and was marked as spam."),
}
