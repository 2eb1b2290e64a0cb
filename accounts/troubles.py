"""What is wrong with signing in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from accounts.models import User
from core.troubles import Trouble


def troubles(now: datetime) -> Iterator[Trouble]:
    """Yield a trouble if nobody could sign in on a day when the provider of the sign-in is away, in one query."""
    name = settings.BREAK_GLASS_ACCOUNT
    if name and not settings.PASSWORD_SIGN_IN:
        account = User.objects.filter(username__iexact=name, is_active=True).first()
        if account is None or not account.has_usable_password():
            yield _NO_BREAK_GLASS


_NO_BREAK_GLASS = Trouble(
    key="accounts.break_glass",
    part="Sign-in",
    words="The account of BREAK_GLASS_ACCOUNT is missing, closed, or has no password.",
    to_do="Make it, or give it a password (manage.py changepassword): else nobody gets in while the provider is away.",
    page="web:people",
)
