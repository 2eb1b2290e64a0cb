"""How a notice leaves: as an e-mail, or as a request to a webhook. Each either took it, surely did not, or may have.

No error here names an address: the address of a webhook is a secret, and errors go to pages and logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models.functions import Lower

from accounts.models import User
from alerts import content
from alerts.choices import ChannelKind
from alerts.models import AlertChannel, AlertDelivery
from core.languages import in_language
from providers.http import CONNECT_SECONDS, USUAL_WAIT, Api, TryLaterError, UnknownError
from providers.public_addresses import PrivateAddressError, check_public
from providers.transport import new_session

# What Django calls a backend that sends nothing.
_NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"


def mail_is_set_up() -> bool:
    return bool(settings.EMAIL_BACKEND != _NO_MAIL)


def send(channel: AlertChannel, notices: Sequence[AlertDelivery]) -> None:
    """Send some notices in one message. Raises TryLaterError if nobody took it, UnknownError if somebody may have."""
    with in_language(_language_of(channel)):
        (_send_email if channel.kind == ChannelKind.EMAIL else _post)(channel, notices)


def _language_of(channel: AlertChannel) -> str:
    """Return the language that all who read the channel chose; "", the district's, where they differ or nobody knows.

    The sentences of an alert itself are stored as they were made, in the language of the district.
    """
    addresses = [address.lower() for address in channel.emails]
    readers = User.objects.people().annotate(address=Lower("email")).filter(address__in=addresses, is_active=True)
    chosen = dict(readers.order_by("pk").values_list("address", "language"))
    languages = {chosen.get(address, "") for address in addresses}
    return languages.pop() if len(languages) == 1 else ""


def _send_email(channel: AlertChannel, notices: Sequence[AlertDelivery]) -> None:
    if not mail_is_set_up():
        raise TryLaterError("No mail is sent from here: EMAIL_URL is not set.")
    connection = get_connection()
    try:
        connection.open()
    except Exception as error:
        raise TryLaterError(f"The mail server could not be reached ({_named(error)}).") from None
    mail = EmailMessage(content.subject(notices), content.text(notices), to=channel.emails, connection=connection)
    try:
        connection.send_messages([mail])
    except (SMTPResponseException, SMTPRecipientsRefused) as error:
        raise TryLaterError(f"The mail server refused it ({_named(error)}).") from None
    except (SMTPException, OSError) as error:
        raise UnknownError(f"The mail server did not say whether it took it ({_named(error)}).") from None
    finally:
        connection.close()


def _named(error: Exception) -> str:
    """Return the kind of an error, with the server's code. Its text may name addresses."""
    code = f" {error.smtp_code}" if isinstance(error, SMTPResponseException) else ""
    return f"{type(error).__name__}{code}"


def _post(channel: AlertChannel, notices: Sequence[AlertDelivery]) -> None:
    if not (url := channel.url):
        raise TryLaterError("The address of the webhook cannot be read any more. Enter it again.")
    parts = urlsplit(url)
    public_only = not settings.ALERT_PRIVATE_WEBHOOKS
    if public_only:
        _check_public(parts.hostname or "")
    timeout = (CONNECT_SECONDS, float(settings.ALERT_SEND_SECONDS))
    api = Api("The webhook", f"{parts.scheme}://{parts.netloc}", timeout=timeout)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    with new_session(public_only=public_only) as session:
        reply = api.ask("POST", path, session=session, json=content.payload(channel.format, notices))
    if not reply.ok:
        raise TryLaterError(f"The webhook did not take it ({reply.status}).")


def _check_public(host: str) -> None:
    try:
        check_public(host)
    except PrivateAddressError as error:
        raise TryLaterError(str(error), USUAL_WAIT) from None
