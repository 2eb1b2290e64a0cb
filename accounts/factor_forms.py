"""Forms of the second factor. Guessing a code is limited by account and address, as guessing a password is.

allauth's own limit counts by account alone, so a stranger who knows a password could keep the person out with wrong
codes. A passkey cannot be guessed, so nothing is counted there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from allauth.core import context
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.totp.internal.auth import validate_totp_code
from allauth.mfa.webauthn import forms as webauthn
from allauth.mfa.webauthn.internal import auth
from django import forms
from django.core.cache import cache
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.adapter import count_attempt, limits
from accounts.forms import without_placeholders
from accounts.models import User
from accounts.services import record_audit_event

AUTHENTICATOR_CODE = _("Code of your authenticator app")
ANY_CODE = _("Code of your authenticator app, or a recovery code")


def right_factor(user: User, code: str) -> Authenticator | None:
    """Return the factor that a code proves, and use the code up; None if it proves none."""
    factors = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    found = next((factor for factor in factors if factor.wrap().validate_code(code)), None)
    if found and found.type == Authenticator.Type.TOTP and not _first_use(user, code):
        return None
    return found


def _first_use(user: User, code: str) -> bool:
    """Whether a code of the app comes for the first time. allauth forgets it sooner than a tolerated code ends."""
    seconds = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
    return cache.add(f"accounts:code:{user.pk}:{''.join(code.split())}", True, seconds)


class CodeMixin(base.BaseAuthenticateForm):
    user: User

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        of_app = {"autofocus": True, "autocapitalize": "none", "spellcheck": "false"}
        self.fields["code"].label = ANY_CODE
        self.fields["code"].widget.attrs.update(of_app)
        without_placeholders(self)

    def clean_code(self) -> str:
        """Raises ValidationError for a wrong code, and after too many of them."""
        code: str = self.cleaned_data["code"]
        request = context.request
        counted = limits(request, login="", account=self.user, what="code")
        attempt = count_attempt(request, counted, account=self.user)
        factor = right_factor(self.user, code)
        if factor is None:
            record_audit_event(by=None, action="second_factor.failed", target=self.user.username)
            raise get_adapter().validation_error("incorrect_code")
        attempt.rollback()
        if factor.type == Authenticator.Type.RECOVERY_CODES:
            factor.refresh_from_db()
            left = len(factor.wrap().get_unused_codes())
            record_audit_event(by=self.user, action="second_factor.recovery_code_used", details={"left": left})
        factor.user = self.user
        self.authenticator = factor
        return code


class CodeForm(CodeMixin, base.AuthenticateForm):
    """At sign-in, after the password."""


class CodeAgainForm(CodeMixin, base.ReauthenticateForm):
    """In a session, for what asks for the factor again."""


@contextmanager
def refusing_junk() -> Iterator[None]:
    """Turn what the library raises for an answer that no passkey gives into a ValidationError."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError):
        raise get_adapter().validation_error("incorrect_passkey") from None


class PasskeyMixin(webauthn.AuthenticateWebAuthnForm):
    def clean_credential(self) -> Authenticator:
        with refusing_junk():
            if self.user is None:
                return super().clean_credential()
            credential = self.cleaned_data["credential"]
            auth.parse_authentication_response(credential)
            return auth.complete_authentication(self.user, credential)


class PasskeyForm(PasskeyMixin):
    """At sign-in, after the password."""


class PasskeyAloneForm(PasskeyMixin, webauthn.LoginWebAuthnForm):
    """At sign-in, instead of the password."""


class PasskeyAgainForm(PasskeyMixin, webauthn.ReauthenticateWebAuthnForm):
    """In a session, for what asks for the factor again."""


class SetUpAppForm(totp.ActivateTOTPForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = AUTHENTICATOR_CODE
        self.fields["code"].widget.attrs.update({"inputmode": "numeric"})
        without_placeholders(self)

    def clean_code(self) -> str:
        # There is nothing to guess: the page shows the secret.
        code: str = self.cleaned_data["code"]
        if not validate_totp_code(self.secret, code):
            raise get_adapter().validation_error("incorrect_code")
        return code


def _name_field(field: forms.Field) -> None:
    field.label = gettext("Name")
    field.help_text = gettext("So that you know it again: Work laptop, Blue key.")
    cast(forms.CharField, field).max_length = 60
    field.widget.attrs["maxlength"] = 60


class AddPasskeyForm(webauthn.AddWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_field(self.fields["name"])
        self.fields["passwordless"].label = gettext("Sign in with it alone, without a password")
        self.fields["passwordless"].help_text = gettext("It then asks for your finger, your face or its PIN each time.")

    def clean(self) -> dict[str, Any]:
        with refusing_junk():
            cleaned: dict[str, Any] = super().clean()
            return cleaned


class RenamePasskeyForm(webauthn.EditWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_field(self.fields["name"])
