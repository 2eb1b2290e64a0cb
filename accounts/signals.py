"""Records sign-ins and password changes in the audit trail, from the signals of Django and allauth."""

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import password_changed, password_reset
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.passwords import is_break_glass
from accounts.services import end_tokens, record_audit_event


@receiver(user_logged_in)
def signed_in(user: User, request: HttpRequest | None = None, **_: Any) -> None:
    record_audit_event(by=user, action="sign_in.succeeded", details=how_signed_in(user, request))


def how_signed_in(user: User, request: HttpRequest | None) -> dict[str, Any]:
    """Return the details for the audit trail: the provider, or that it was the break-glass account."""
    methods = get_authentication_records(request, user) if request else []
    providers = [method["provider"] for method in methods if "provider" in method]
    if providers:
        return {"provider": providers[-1]}
    return {"break_glass": True} if is_break_glass(user) else {}


@receiver(user_logged_out)
def signed_out(user: User | None, **_: Any) -> None:
    if user:
        record_audit_event(by=user, action="sign_out.succeeded")


@receiver(user_login_failed)
def sign_in_failed(credentials: dict[str, Any], **_: Any) -> None:
    # The typed text is recorded only if it names an account, because it may be a password in the wrong field.
    account = User.objects.signing_in_as(credentials.get("username") or credentials.get("email") or "")
    record_audit_event(by=None, action="sign_in.failed", target=account.username if account else "")


@receiver(password_changed)
def changed_password(user: User, **_: Any) -> None:
    record_audit_event(by=user, action="password.changed")
    end_tokens(user=user)


@receiver(password_reset)
def reset_password(user: User, **_: Any) -> None:
    record_audit_event(by=user, action="password.reset")
    end_tokens(user=user)
