"""Sends mail, and says no more of a failure than its kind."""

from __future__ import annotations

from collections.abc import Sequence
from smtplib import SMTPException
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage


class MailNotSent(Exception):
    """Names only the kind of failure: the mail server's message names the recipient, and this goes into the log."""


class Attachment(NamedTuple):
    name: str
    content: bytes
    content_type: str


def can_send_mail() -> bool:
    """Whether mail leaves at all: without EMAIL_URL it does not."""
    return "dummy" not in settings.EMAIL_BACKEND


def send(subject: str, body: str, to: Sequence[str], *, attachments: Sequence[Attachment] = ()) -> None:
    """Send one mail from the product's own address. Raises MailNotSent if the mail server refuses it or is away."""
    failure = ""
    try:
        EmailMessage(subject, body, None, list(to), attachments=list(attachments)).send()
    except (SMTPException, OSError) as error:
        failure = type(error).__name__
    if failure:
        raise MailNotSent(failure)


def site_link(path: str) -> str:
    """Return the whole address of a page, for a mail: below SITE_URL, or else below the first of the allowed hosts."""
    host = next((host for host in settings.ALLOWED_HOSTS if host.strip("*.")), "localhost").lstrip(".")
    site = settings.SITE_URL or f"{'https' if settings.HTTPS else 'http'}://{host}"
    return f"{site.rstrip('/')}{path}"
