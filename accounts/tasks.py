import logging
import time

from allauth.account.utils import user_pk_to_url_str
from celery import shared_task
from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.management import call_command
from django.template.loader import render_to_string

from accounts.audit_chain import BATCH, chain_events, verify
from accounts.models import User
from accounts.passwords import may_use_password
from accounts.service_accounts.services import delete_expired_tokens
from accounts.services import record_audit_event
from accounts.sessions import delete_forgotten
from accounts.sso.api_tokens import check_tokens
from core.languages import in_language_of
from core.mail import MailNotSent, send

# So many batches a run; the next run goes on, so that no run is long.
MOST_BATCHES = 20

log = logging.getLogger(__name__)


_PARTS = ("subject", "message")


@shared_task(autoretry_for=(MailNotSent,), retry_backoff=True, max_retries=5)
def send_email(*, subject: str, body: str, to: list[str]) -> None:
    """Send one mail from the product's own address. Celery tries again while the mail server refuses or is away."""
    send(subject, body, to)


@shared_task(autoretry_for=(MailNotSent,), retry_backoff=True, max_retries=5)
def send_reset_link(*, email: str, address: str) -> None:
    """Send the link for a new password to the person with this address, if anybody with a password has it.

    `address` is that of the page, with UID and KEY for its parts.
    """
    user = User.objects.filter(email__iexact=email, email__gt="", is_active=True).first()
    if user is None or not may_use_password(user):
        return
    key = PasswordResetTokenGenerator().make_token(user)
    url = address.replace("UID-KEY", f"{user_pk_to_url_str(user)}-{key}")
    context = {"user": user, "password_reset_url": url, "DISTRICT_NAME": settings.DISTRICT_NAME}
    with in_language_of(user):
        subject, body = (render_to_string(f"account/email/password_reset_key_{part}.txt", context) for part in _PARTS)
    send(subject.strip(), body, [user.email])


@shared_task
def delete_expired_sessions() -> None:
    """Delete the sessions that have ended: a search for a person may be in them. And the tokens of programs."""
    call_command("clearsessions")
    delete_forgotten()
    delete_expired_tokens()


@shared_task(soft_time_limit=600, time_limit=660)
def check_tokens_with_providers() -> None:
    """End the API tokens of people whose account a sign-in provider has closed. Beat asks every few minutes."""
    check_tokens(until=time.monotonic() + 240)


@shared_task
def chain_audit_events() -> None:
    """Chain the events of the audit trail that wait. It may run at any time, and several times at once."""
    for _ in range(MOST_BATCHES):
        if chain_events() < BATCH:
            return


@shared_task
def verify_audit_trail() -> None:
    """Check the chain of the audit trail. The result is an event, and its head a line of the log, out of reach here."""
    result = verify()
    details = {"head": str(result.head), "waiting": result.waiting}
    if result.first:
        log.error("The audit trail is broken: %s Head %s.", result.first.reason, result.head)
        details |= {"broken": result.broken, "first": result.first.reason}
    else:
        log.info("The audit trail is whole. Head %s.", result.head)
    record_audit_event(by=None, action="audit.broken" if result.first else "audit.verified", details=details)
