"""Text that only this installation can read: for secrets that it has to use again."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def seal(text: str, *, purpose: str) -> str:
    """Encrypt a text with the site's secret. What was sealed for one purpose cannot be opened for another."""
    return _keys(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str | None:
    """Return the text; None if it was changed, or sealed with a secret that the site no longer has."""
    try:
        return _keys(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _keys(purpose: str) -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (hmac.digest(secret.encode(), f"core.sealing:{purpose}".encode(), hashlib.sha256) for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
