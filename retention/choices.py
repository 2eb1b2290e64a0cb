"""The kinds of data that have a period, and what a hold may be about."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What is kept for a period of its own."""

    BODIES = "bodies", _("Texts of messages")
    PEOPLE = "people", _("Names, addresses and numbers")
    EVENTS = "events", _("Mailgun's events")
    RAW = "raw", _("Raw answers of providers")
    AUDIT = "audit", _("Audit trail")
    REPORTS = "reports", _("Files of reports and imports")


WHAT_GOES = {
    Kind.BODIES: _("The bodies of messages, the names of their attachments, and what families texted back."),
    Kind.PEOPLE: _(
        "Names, ids, addresses and numbers of recipients and students, and the same in the events of their "
        "e-mails, in replies and in contacts to fix. Rows, results and all figures stay, and so does a STOP."
    ),
    Kind.EVENTS: _("The events themselves. What they said about an e-mail stays with its delivery."),
    Kind.RAW: _("What the providers of voice, text and e-mail answered, as it came. The results stay."),
    Kind.AUDIT: _("The rows of the audit trail. Only the owner of the database can remove them."),
    Kind.REPORTS: _("Finished reports and uploaded files, before the days that the configuration allows them."),
}


class HoldKind(models.TextChoices):
    """What a hold is about."""

    PERSON = "person", _("Person")
    STUDENT = "student", _("Student")
    SENDER = "sender", _("Sender")
    MESSAGE = "message", _("Message")
    PERIOD = "period", _("Period")


WHAT_A_HOLD_TAKES = {
    HoldKind.PERSON: _("person id"),
    HoldKind.STUDENT: _("student number"),
    HoldKind.SENDER: _("username, or the name as the logs list it"),
    HoldKind.MESSAGE: _("number of the message"),
}
