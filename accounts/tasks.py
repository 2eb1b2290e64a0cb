from smtplib import SMTPException

from celery import shared_task
from django.core.mail import send_mail
from django.core.management import call_command

from accounts.service_accounts.services import delete_expired_tokens


class MailNotSent(Exception):
    """Names only the kind of failure: the mail server's message names the recipient, and this goes into the log."""


@shared_task(autoretry_for=(MailNotSent,), retry_backoff=True, max_retries=5)
def send_email(*, subject: str, body: str, to: list[str]) -> None:
    """Send one mail from the product's own address. Celery tries again while the mail server refuses or is away."""
    failure = ""
    try:
        send_mail(subject, body, None, to)
    except (SMTPException, OSError) as error:
        failure = type(error).__name__
    if failure:
        raise MailNotSent(failure)


@shared_task
def delete_expired_sessions() -> None:
    """Delete the sessions that have ended: a search for a person may be in them. And the tokens of programs."""
    call_command("clearsessions")
    delete_expired_tokens()
