"""Records sign-ins and password changes in the audit trail, from the signals of Django and allauth."""

from typing import Any

from allauth.account.signals import password_changed, password_reset
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from accounts.models import User
from accounts.services import end_tokens, record_audit_event


@receiver(user_logged_in)
def signed_in(user: User, **_: Any) -> None:
    record_audit_event(by=user, action="sign_in.succeeded")


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
