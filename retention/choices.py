"""The kinds of data that have a period, and what a hold may be about."""

from __future__ import annotations

from django.db import models


class Kind(models.TextChoices):
    """What is kept for a period of its own."""

    BODIES = "bodies", "Texts of messages"
    PEOPLE = "people", "Names, addresses and numbers"
    EVENTS = "events", "Mailgun's events"
    RAW = "raw", "Raw answers of providers"
    AUDIT = "audit", "Audit trail"
    REPORTS = "reports", "Files of reports and imports"


WHAT_GOES = {
    Kind.BODIES: "The bodies of messages, the names of their attachments, and what families texted back.",
    Kind.PEOPLE: "Names, ids, addresses and numbers of recipients and students, and the same in the events of their "
    "e-mails, in replies and in contacts to fix. Rows, results and all figures stay, and so does a STOP.",
    Kind.EVENTS: "The events themselves. What they said about an e-mail stays with its delivery.",
    Kind.RAW: "What the providers of voice, text and e-mail answered, as it came. The results stay.",
    Kind.AUDIT: "The rows of the audit trail. Only the owner of the database can remove them.",
    Kind.REPORTS: "Finished reports and uploaded files, before the days that the configuration allows them.",
}


class HoldKind(models.TextChoices):
    """What a hold is about."""

    PERSON = "person", "Person"
    STUDENT = "student", "Student"
    SENDER = "sender", "Sender"
    MESSAGE = "message", "Message"
    PERIOD = "period", "Period"


WHAT_A_HOLD_TAKES = {
    HoldKind.PERSON: "person id",
    HoldKind.STUDENT: "student number",
    HoldKind.SENDER: "username, or the name as the logs list it",
    HoldKind.MESSAGE: "number of the message",
}
