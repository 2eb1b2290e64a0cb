"""What is wrong with signing in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from core.troubles import Trouble


def troubles(now: datetime) -> Iterator[Trouble]:
    """Yield a trouble if nobody could sign in on a day when the provider of the sign-in is away, in one query."""
    name = settings.BREAK_GLASS_ACCOUNT
    if name and not settings.PASSWORD_SIGN_IN:
        account = User.objects.filter(username__iexact=name, is_active=True).first()
        if account is None or not account.has_usable_password():
            yield _no_break_glass()


def _no_break_glass() -> Trouble:
    return Trouble(
        key="accounts.break_glass",
        part=_("Sign-in"),
        words=_("The account of BREAK_GLASS_ACCOUNT is missing, closed, or has no password."),
        to_do=_(
            "Make it, or give it a password (manage.py changepassword): else nobody gets in while the provider is away."
        ),
        page="web:people",
    )
