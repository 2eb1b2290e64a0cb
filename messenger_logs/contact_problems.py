"""Which deliveries say that nothing arrives at their address or number for good, and what that means in plain words."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.statuses import Shape, Status, Tone
from messenger_logs.choices import PHONE, ContactProblem, ContactState, DeliveryStatus, Mode, Outcome, sql_list
from messenger_logs.statuses import BAD_DATA

# The provider's codes that are about the number, and not about one call; see codes.csv.
_CODES = {
    ContactProblem.NOT_IN_SERVICE: (3, 16, -7, -21),
    ContactProblem.NOT_VALID: (-2,),
    ContactProblem.FAX: (-23,),
    ContactProblem.SUPPRESSED: (-22,),
}
# The enhanced status code of a refusal says what it is about: RFC 3463. Some servers only give the code of SMTP.
_REASONS = {
    ContactProblem.NO_MAILBOX: r"\m5\.1\.[0-36]\M|no such (mailbox|user)|user unknown",
    ContactProblem.MAILBOX_FULL: r"\m5\.2\.2\M|mailbox (is )?full|over quota",
    ContactProblem.MAIL_REFUSED: r"\m5\.7\.\d+\M",
}
_REFUSED_FOR_GOOD = ("failed", "failed-permanent")
_NOT_DELIVERABLE_TEXT = (DeliveryStatus.UNDELIVERED, DeliveryStatus.NOT_ELIGIBLE)


def problem_sql(row: str) -> str:
    """The problem that a delivery shows, NULL for none; ``row`` is its alias in the statement.

    Nothing of what a busy line, a full queue or an error of a provider may prevent today is a problem of the contact.
    """
    codes = " ".join(
        f"WHEN {row}.code IN ({', '.join(map(str, numbers))}) THEN '{problem}'" for problem, numbers in _CODES.items()
    )
    reasons = " ".join(
        f"WHEN {row}.email_reason ~* '{pattern}' THEN '{problem}'" for problem, pattern in _REASONS.items()
    )
    refused = ", ".join(f"'{outcome}'" for outcome in _REFUSED_FOR_GOOD)
    return f"""CASE
    WHEN {row}.mode = '{Mode.INBOX}' OR {row}.outcome = '{Outcome.PENDING}' THEN NULL
    WHEN {row}.status = '{DeliveryStatus.OPT_OUT}' THEN '{ContactProblem.OPTED_OUT}'
    WHEN {row}.mode = '{Mode.EMAIL}' THEN CASE
        WHEN {row}.status = '{DeliveryStatus.ERROR}' AND {row}.detail = '{BAD_DATA}' THEN '{ContactProblem.NOT_VALID}'
        WHEN {row}.email_outcome = 'complained' THEN '{ContactProblem.COMPLAINED}'
        WHEN {row}.email_outcome = 'suppressed' THEN '{ContactProblem.SUPPRESSED}'
        WHEN {row}.email_outcome IN ({refused}) THEN CASE {reasons} ELSE '{ContactProblem.BOUNCED}' END
    END
    WHEN {row}.outcome = '{Outcome.SUCCESS}' THEN NULL
    {codes}
    WHEN {row}.status = '{DeliveryStatus.ERROR}' AND {row}.detail = '{BAD_DATA}' THEN '{ContactProblem.NOT_VALID}'
    WHEN {row}.mode = '{Mode.TEXT}' AND {row}.status IN ({sql_list(_NOT_DELIVERABLE_TEXT)})
        THEN '{ContactProblem.LANDLINE}'
END"""


def arrived_sql(row: str) -> str:
    """Whether a delivery arrived, as far as a provider can say; ``row`` is its alias in the statement."""
    return (
        f"({row}.mode IN ({sql_list(PHONE)}) AND {row}.outcome = '{Outcome.SUCCESS}'"
        f" OR {row}.mode = '{Mode.EMAIL}' AND {row}.email_outcome = 'delivered')"
    )


CONTACT_PROBLEMS = {
    ContactProblem.NO_MAILBOX: Status(
        ContactProblem.NO_MAILBOX.label, Shape.CROSS, Tone.BAD, _("The mail server says that nobody has this address.")
    ),
    ContactProblem.MAILBOX_FULL: Status(
        ContactProblem.MAILBOX_FULL.label,
        Shape.TRIANGLE,
        Tone.WARNING,
        _("The mailbox takes no more mail until its owner makes room."),
    ),
    ContactProblem.MAIL_REFUSED: Status(
        ContactProblem.MAIL_REFUSED.label,
        Shape.CROSS,
        Tone.BAD,
        _("The mail server refuses our mail by a rule of its own."),
    ),
    ContactProblem.BOUNCED: Status(
        ContactProblem.BOUNCED.label, Shape.CROSS, Tone.BAD, _("The mail server refused the e-mail for good.")
    ),
    ContactProblem.SUPPRESSED: Status(
        ContactProblem.SUPPRESSED.label,
        Shape.SQUARE,
        Tone.BAD,
        _("The provider does not try it any more, because it failed before."),
    ),
    ContactProblem.UNSUBSCRIBED: Status(
        ContactProblem.UNSUBSCRIBED.label, Shape.SQUARE, Tone.WARNING, _("The family unsubscribed from our e-mail.")
    ),
    ContactProblem.COMPLAINED: Status(
        ContactProblem.COMPLAINED.label, Shape.TRIANGLE, Tone.WARNING, _("The family marked our e-mail as spam.")
    ),
    ContactProblem.NOT_VALID: Status(
        ContactProblem.NOT_VALID.label,
        Shape.CROSS,
        Tone.BAD,
        _("Nothing can be sent to it: it is not an address or a number."),
    ),
    ContactProblem.NOT_IN_SERVICE: Status(
        ContactProblem.NOT_IN_SERVICE.label,
        Shape.CROSS,
        Tone.BAD,
        _("The phone company says that this number is not in use."),
    ),
    ContactProblem.FAX: Status(
        ContactProblem.FAX.label, Shape.DIAMOND, Tone.WARNING, _("A fax machine answers at this number.")
    ),
    ContactProblem.LANDLINE: Status(
        ContactProblem.LANDLINE.label,
        Shape.DIAMOND,
        Tone.WARNING,
        _("Texts do not arrive at this number; it may be a landline."),
    ),
    ContactProblem.OPTED_OUT: Status(
        ContactProblem.OPTED_OUT.label,
        Shape.SQUARE,
        Tone.NEUTRAL,
        _("The family asked for no more messages at it, and messages still go to it."),
    ),
}

CONTACT_STATES = {
    ContactState.OPEN: Status(
        ContactState.OPEN.label, Shape.RING, Tone.BAD, _("It fails, and nobody has done anything about it yet.")
    ),
    ContactState.TOLD: Status(
        ContactState.TOLD.label, Shape.HALF, Tone.RUNNING, _("It fails still. Somebody has told the family.")
    ),
    ContactState.FIXED: Status(
        ContactState.FIXED.label,
        Shape.CHECK,
        Tone.GOOD,
        _("Somebody fixed it, or a message arrived. It opens again at the next failure."),
    ),
}

_ASK_FOR_ANOTHER = _("Ask the family for another address, and correct it in the contact data.")
_WHAT_TO_DO = {
    ContactProblem.NO_MAILBOX: _(
        "Compare the spelling with what the family gave. Ask the family for another address, and correct it in the"
        " contact data."
    ),
    ContactProblem.MAILBOX_FULL: _("Ask the family to make room in the mailbox, or to give another address."),
    ContactProblem.MAIL_REFUSED: _("Ask the family to allow mail from the district, or to give another address."),
    ContactProblem.BOUNCED: _ASK_FOR_ANOTHER,
    ContactProblem.SUPPRESSED: _(
        "Find out whether the address is right. If it is, allow it again; if not, correct it."
    ),
    ContactProblem.UNSUBSCRIBED: _("Ask the family whether they want our e-mail. If they do, allow the address again."),
    ContactProblem.COMPLAINED: _("Ask the family before you allow it again: more complaints harm all our e-mail."),
    ContactProblem.NOT_VALID: _("Correct it in the contact data."),
    ContactProblem.NOT_IN_SERVICE: _("Ask the family for another number, and correct it in the contact data."),
    ContactProblem.FAX: _("Ask the family for a number at which somebody answers."),
    ContactProblem.LANDLINE: _("Ask the family for a cell phone number for texts."),
    ContactProblem.OPTED_OUT: _("Only the family can lift this, with a text START from this phone to our number."),
}
_OPTED_OUT_OF_EMAIL = _("Only the family can lift this. Ask whether they want our e-mail again.")


def what_to_do(problem: str, mode: str) -> str:
    """A sentence for the office: what to do about a contact with this problem."""
    if problem == ContactProblem.OPTED_OUT and mode == Mode.EMAIL:
        return str(_OPTED_OUT_OF_EMAIL)
    if problem == ContactProblem.SUPPRESSED and mode != Mode.EMAIL:
        return gettext("The provider of voice and text keeps it on a list. Ask the family for another number.")
    return str(_WHAT_TO_DO[ContactProblem(problem)])
