"""Records sign-ins, passwords and second factors in the audit trail, from the signals of Django and allauth."""

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import password_changed, password_reset
from allauth.core import context
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.passwords import is_break_glass
from accounts.second_factor import kind_of_factor, note_shown
from accounts.services import end_tokens, record_audit_event
from accounts.sessions import begin_session, end_sessions, sessions_of


@receiver(user_logged_in)
def signed_in(user: User, request: HttpRequest | None = None, **_: Any) -> None:
    if request:
        begin_session(request)
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
def changed_password(user: User, request: HttpRequest, **_: Any) -> None:
    record_audit_event(by=user, action="password.changed")
    end_tokens(user=user)
    end_other_sessions(user, request)


@receiver(password_reset)
def reset_password(user: User, request: HttpRequest, **_: Any) -> None:
    record_audit_event(by=user, action="password.reset")
    end_tokens(user=user)
    end_other_sessions(user, request)


def end_other_sessions(user: User, request: HttpRequest) -> None:
    """End those that an old password began. Django refuses them already; now they are gone, too."""
    end_sessions(sessions_of(user).exclude(session_key=request.session.session_key), by=user, because="a new password")


# allauth's own signals come after the transaction of the change, and these within it.


@receiver(post_save, sender=Authenticator)
def added_factor(instance: Any, created: bool, **_: Any) -> None:
    if not created:
        return
    record_audit_event(by=instance.user, action="second_factor.added", target=kind_of_factor(instance))
    request = context.request
    if request and request.user.pk == instance.user_id and instance.type != Authenticator.Type.RECOVERY_CODES:
        note_shown(request, instance)


@receiver(post_delete, sender=Authenticator)
def removed_factor(instance: Any, **_: Any) -> None:
    """Record who removed a factor: `removed_by`, or the person whose it was."""
    by = getattr(instance, "removed_by", instance.user)
    details = {} if by == instance.user else {"account": instance.user.username}
    record_audit_event(by=by, action="second_factor.removed", target=kind_of_factor(instance), details=details)
