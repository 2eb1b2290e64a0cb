"""Second factors: what they are called, and how their secrets are stored."""

from __future__ import annotations

import base64
from typing import Any

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User

log = structlog.get_logger(__name__)


def cipher() -> MultiFernet:
    """Return the cipher of all secrets: it encrypts with the first key, and decrypts with any."""
    return MultiFernet([Fernet(_derived(key)) for key in settings.SECOND_FACTOR_KEYS])


def _derived(key: str) -> bytes:
    """Return a Fernet key made from a long random text. The same text may have other uses."""
    made = HKDF(SHA256(), length=32, salt=None, info=b"messenger-logs second factor").derive(key.encode())
    return base64.urlsafe_b64encode(made)


class MFAAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This is not a code that works now. A code of the app works once, and for about a minute."),
        "incorrect_passkey": _("This passkey is not one of this account."),
        "unreadable": _("Your second factor cannot be read here any more. Ask an administrator to remove it."),
    }

    def get_totp_issuer(self) -> str:
        # An app shows it before the name of the account. A colon would end it.
        return f"Messenger Logs {settings.DISTRICT_NAME}".replace(":", " ")

    def encrypt(self, text: str) -> str:
        return cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises ValidationError if it was encrypted with a key that is not configured any more."""
        try:
            return cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            log.error("second_factor.unreadable", hint="SECOND_FACTOR_KEY or SECRET_KEY is another one than before")
            raise self.validation_error("unreadable") from None

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("Passkey %(number)s") % {"number": number}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return entity | {"name": "Messenger Logs"}

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Send none: the audit trail tells."""
