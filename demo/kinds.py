"""The kinds of messages that the demo district sends, and the possible results of a device."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from demo.names import COMMUNITIES
from messenger_logs.choices import NOT_TRIED, DeliveryStatus, Mode, Outcome, RedialRule
from messenger_logs.statuses import CODES, OUTCOMES

CLASSIC, V2, OLR = "classic", "v2", "olr"
INBOX, EMAIL, VOICE, TEXT = "inbox", "email", "voice", "text"
ALL = (INBOX, EMAIL, VOICE, TEXT)

# The relative numbers of recipients of a kind of message.
DISTRICT, SCHOOL, CLASS, FEW = 400.0, 60.0, 8.0, 1.0


class Kind(NamedTuple):
    engine: str
    message_type: str
    subject: str
    body: str
    modes: tuple[str, ...]
    audience: float
    often: int = 1
    scheduled: bool = False
    attachment: str = ""


REPLIES = [
    "Is there school tomorrow?",
    "Gracias",
    "Who is this? We do not have children at your school.",
    "He is sick today, he will be back on Monday.",
    "Thank you!",
    "Please call me. I cannot read this.",
    "¿Mañana hay clases?",
    "ok",
    "New number for his mother: 612-555-0188",
    "Is the sports hall open today?",
]
"""What families text back."""

KINDS = [
    Kind(
        CLASSIC,
        "Message Builder",
        "Library Hours",
        "The library is open until 5 PM from Monday on.",
        (INBOX, EMAIL),
        SCHOOL,
        2,
    ),
    Kind(
        CLASSIC,
        "Message Builder",
        "Parent/Teacher Conferences",
        "Please choose a time for {{student.firstName}}.",
        (INBOX, EMAIL, TEXT),
        SCHOOL,
        2,
        True,
        "schedule.pdf",
    ),
    Kind(
        CLASSIC,
        "Message Builder",
        "Lunch without a fee",
        "Every child may have lunch without a fee. You need not apply for it.",
        (INBOX, EMAIL),
        DISTRICT,
    ),
    Kind(CLASSIC, "Attendance", "Absence", "{{student.firstName}} was marked absent today.", (EMAIL, VOICE), CLASS, 5),
    Kind(
        CLASSIC,
        "Behavior",
        "Parking/Driving Violation",
        "A parking violation of {{student.firstName}} was recorded.",
        (INBOX, EMAIL),
        FEW,
        2,
    ),
    Kind(CLASSIC, "Behavior", "Student Behavior", "Please call about {{student.firstName}}.", (EMAIL, VOICE), FEW, 2),
    Kind(
        CLASSIC,
        "Missing Assignment",
        "Student Missing Assignments",
        "{{student.firstName}} has work to hand in.",
        (INBOX, EMAIL, TEXT),
        CLASS,
        3,
        True,
    ),
    Kind(CLASSIC, "Special Ed", "Evaluation Due", "The evaluation of {{student.firstName}} is due.", (EMAIL,), FEW),
    Kind(
        CLASSIC,
        "Grades",
        "Report Cards",
        "The report card of {{student.firstName}} is in the portal.",
        (INBOX, EMAIL),
        SCHOOL,
    ),
    Kind(
        CLASSIC,
        "Food Service",
        "Low Lunch Balance",
        "The lunch balance of {{student.firstName}} is low.",
        (EMAIL, TEXT),
        CLASS,
        2,
        True,
    ),
    Kind(
        CLASSIC,
        "Health Office",
        "Immunization Records",
        "We miss a record of {{student.firstName}}.",
        (INBOX, EMAIL, VOICE),
        CLASS,
    ),
    Kind(
        CLASSIC,
        "Staff",
        "Professional Development Day",
        "See the attached agenda.",
        (EMAIL,),
        CLASS,
        1,
        False,
        "agenda.docx",
    ),
    Kind(
        V2,
        "Messenger 2.0 - General",
        "Fall Concert",
        "<p>The concert begins at <b>7 PM</b>.</p>",
        (INBOX, EMAIL),
        SCHOOL,
        2,
    ),
    Kind(V2, "Messenger 2.0 - General", "Bus 12 is late", "Bus 12 is about 20 minutes late.", (EMAIL, TEXT), CLASS, 2),
    Kind(
        V2,
        "Messenger 2.0 - Priority",
        "Early Dismissal on Friday",
        "School ends at noon on Friday.",
        ALL,
        SCHOOL,
        1,
        False,
        "calendar.pdf",
    ),
    Kind(
        V2,
        "Messenger 2.0 - Emergency",
        "Storm warning: students stay inside",
        "All students stay inside until the storm has passed. They are safe. Buses leave later than usual.",
        ALL,
        DISTRICT,
    ),
    Kind(V2, "Text Opt In", "Text messages from the district", "Reply START to get texts.", (TEXT,), SCHOOL),
    Kind(V2, "Text Opt Out", "You will get no more texts", "You replied STOP.", (TEXT,), FEW),
    Kind(
        OLR,
        "Online Registration",
        "Registration is open",
        "<p>Please register {{student.firstName}}.</p>",
        (EMAIL,),
        SCHOOL,
    ),
    Kind(
        OLR,
        "Online Registration",
        "Registration received",
        "<p>Thank you. We have your registration.</p>",
        (EMAIL,),
        FEW,
        2,
    ),
]

# How the recipients were chosen: labels and values.
CRITERIA = {
    CLASSIC: [
        ["Deliver To", "Student Messenger Contacts; Message For Each Student"],
        ["Enrollment Filter", "Message Only Active Students"],
        ["Filter Operation", "Union"],
        ["Limit delivery to contacts that speak", "No Language Preference"],
    ],
    V2: [
        ["Recipients", "Students' contacts"],
        ["Preferred Language", "any"],
        ["Active Students Only", "Yes"],
    ],
    OLR: [["Deliver To", "Household contacts that register online"]],
}


def criteria(engine: str, language: str = "") -> list[list[str]]:
    """Return how the recipients were chosen: those of an engine, and of a language if it is not ""."""
    names = {community.tag: community.language for community in COMMUNITIES}
    label = {CLASSIC: "Limit delivery to contacts that speak", V2: "Preferred Language"}.get(engine, "")
    return [[name, names[language] if language and name == label else value] for name, value in CRITERIA[engine]]


class Becomes(NamedTuple):
    """A possible result of a device, and its chance in a thousand; 0 for what does not happen by chance."""

    mode: str
    share: int
    status: str
    detail: str
    outcome: str
    code: int | None
    most_attempts: int
    email_outcome: str = ""
    email_reason: str = ""


COMMON = {
    (VOICE, 5): 330,
    (VOICE, 6): 389,
    (VOICE, 0): 90,
    (VOICE, 1): 30,
    (VOICE, 3): 0,
    (TEXT, -28): 924,
    (TEXT, -27): 60,
    (TEXT, -40): 0,
    (TEXT, -30): 10,
}
NO_MAILBOX = "5.1.1 The account does not exist"
MAILBOX_FULL = "5.2.2 The mailbox is full"
REFUSED = "5.7.1 Mail from this server is not accepted at present"
SUPPRESSED = "Not delivering to previously bounced address"
RARE = 1
CONFIRMED = 120


def outcomes() -> list[Becomes]:
    """Return the possible results of devices whose message went out. The chances of a mode add up to about 1,000."""
    return [*_by_phone(), *_by_email(), *_to_inbox()]


def _by_phone() -> Iterator[Becomes]:
    for code in CODES.values():
        # Results that depend on the person, or on a message that still runs, are left out here.
        if code.status in (DeliveryStatus.DUPLICATE, DeliveryStatus.OPT_OUT, DeliveryStatus.VENDOR_RECEIVED):
            continue
        for mode in sorted(code.modes & {Mode.VOICE, Mode.TEXT}):
            attempts = 0 if code.status in NOT_TRIED else 3 if code.redial is RedialRule.YES else 1
            share = COMMON.get((mode, code.number), RARE)
            yield Becomes(mode, share, code.status, code.detail, code.outcome, code.number, attempts)
    pressed = (DeliveryStatus.CONFIRMED, "Live person detected", Outcome.SUCCESS, 5, 1)
    yield Becomes(VOICE, CONFIRMED, *pressed)
    unknown = (DeliveryStatus.NO_CALL_STATUS, "code 99", Outcome.NOT_REACHED, 99, 1)
    yield Becomes(VOICE, RARE, *unknown)
    yield Becomes(TEXT, RARE, DeliveryStatus.FAILED, "Technical error", Outcome.ERROR, -30, 1)


def _by_email() -> Iterator[Becomes]:
    sent = (DeliveryStatus.SENT, "", Outcome.SUCCESS, -29, 1)
    for reason in (NO_MAILBOX, MAILBOX_FULL, REFUSED):
        yield Becomes(EMAIL, 0, *sent, "failed-permanent", reason)
    yield Becomes(EMAIL, 0, *sent, "suppressed", SUPPRESSED)
    yield Becomes(EMAIL, 8, *sent, "failed-temporary", MAILBOX_FULL)
    yield Becomes(EMAIL, 4, *sent, "complained")
    yield Becomes(EMAIL, 2, *sent, "rejected", "Sender is not allowed")
    yield Becomes(EMAIL, 4, *sent, "accepted")
    yield Becomes(EMAIL, 10, *sent)
    yield Becomes(EMAIL, 1, *_without_code(DeliveryStatus.OPT_OUT))
    yield Becomes(EMAIL, 4, *_without_code(DeliveryStatus.FAILED, "Dispatch error"))
    yield Becomes(EMAIL, 1, *_without_code(DeliveryStatus.ERROR, "Bad data"))
    yield Becomes(EMAIL, 0, *sent, "delivered")


def _to_inbox() -> Iterator[Becomes]:
    yield Becomes(INBOX, 992, *_without_code(DeliveryStatus.SENT))
    yield Becomes(INBOX, 4, *_without_code(DeliveryStatus.RESTRICTED, "Recipient restrictions"))
    yield Becomes(INBOX, 4, *_without_code(DeliveryStatus.FAILED, "Dispatch error"))


def _without_code(status: DeliveryStatus, detail: str = "") -> tuple[Any, ...]:
    return status, detail, OUTCOMES[status], None, 0 if status in NOT_TRIED else 1
