"""Who may sign in by a local password."""

from __future__ import annotations

from django.conf import settings

from accounts.models import User


def may_use_password(user: User) -> bool:
    """Whether the account may have a password at all. Where they are turned off, only the break-glass account may."""
    return bool(settings.PASSWORD_SIGN_IN) or is_break_glass(user)


def is_break_glass(user: User) -> bool:
    """Whether it is the account for the day when the provider is away."""
    return bool(settings.BREAK_GLASS_ACCOUNT) and user.username.lower() == settings.BREAK_GLASS_ACCOUNT.lower()


def has_password(user: User) -> bool:
    """Whether the person signs in by a password that they can change here."""
    return user.has_usable_password() and may_use_password(user)
