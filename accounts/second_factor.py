"""Whether a person has shown a second factor in this session, and when they have to show it again.

A user group may require one (`GroupPolicy`). Then its members reach nothing without it: `SecondFactorMiddleware` leads
them to the pages where they set it up, and the REST API refuses their tokens. What such a person may break asks for the
factor again some minutes later. allauth keeps in the session what the person has proved, and when.
"""

from __future__ import annotations

import time
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from knox.models import AuthToken

from accounts.models import TokenFactor, User

MISSING = "Your user group requires a second factor. Sign in on the website to set one up."
NOT_SHOWN = "Your user group requires a second factor. Get a new token with a `code`."
NOT_RECENT = "This asks for the second factor again. Get a new token with a `code`; it is good for this for {} minutes."


def lacks_second_factor(request: HttpRequest) -> bool:
    """Whether a person has to show a second factor, or to set one up, before this session reaches anything."""
    user = request.user
    if not isinstance(user, User) or not user.needs_second_factor:
        return False
    return not (user.has_second_factor and any(shown_factors(request, user)))


def shown_factors(request: HttpRequest, user: User) -> list[float]:
    """Return when the person showed a second factor in this session, as Unix times."""
    return [record["at"] for record in get_authentication_records(request, user) if record["method"] == "mfa"]


def proved_recently(request: HttpRequest, user: User) -> bool:
    """Whether the person showed the best proof that they have within FACTOR_AGAIN_MINUTES.

    That is the second factor or, where there is none, whatever they signed in with.
    """
    if user.has_second_factor:
        proofs = shown_factors(request, user)
    else:
        proofs = [record["at"] for record in get_authentication_records(request, user)]
    return bool(time.time() - max(proofs, default=0) < settings.FACTOR_AGAIN_MINUTES * 60)


def ask_factor_again(request: HttpRequest) -> None:
    """Let the person show the second factor again, where a group requires one and the last time is too long ago.

    Raises ReauthenticationRequired, which leads to the page for it. What was posted goes on from there.
    """
    user = request.user
    if isinstance(user, User) and user.needs_second_factor and not proved_recently(request, user):
        raise ReauthenticationRequired


def note_missing_factor(request: HttpRequest, user: User) -> None:
    """Let the audit trail say that this request is refused for lack of the second factor."""
    request.lacks_factor = user  # type: ignore[attr-defined]


def note_shown(request: HttpRequest, authenticator: Any) -> None:
    """Remember that who set up a factor in this session has shown it."""
    record_authentication(request, authenticator.user, "mfa", id=authenticator.pk, type=authenticator.type)


# Tokens of the REST API


def refuse_token(token: AuthToken) -> str:
    """Return why a token does not do for its person: a sentence. "" if it does."""
    user = token.user
    if not user.needs_second_factor:
        return ""
    if not user.has_second_factor:
        return MISSING
    return "" if TokenFactor.objects.filter(token=token).exists() else NOT_SHOWN


def token_too_old(token: AuthToken) -> str:
    """Return why a token does not do for what asks for the factor again: a sentence. "" if it does."""
    if not token.user.needs_second_factor:
        return ""
    age = time.time() - token.created.timestamp()
    return "" if age < settings.FACTOR_AGAIN_MINUTES * 60 else NOT_RECENT.format(settings.FACTOR_AGAIN_MINUTES)


def kind_of_factor(authenticator: Any) -> str:
    """Return what a factor is, in words: "Passkey: Work laptop"."""
    match authenticator.type:
        case Authenticator.Type.TOTP:
            return "Authenticator app"
        case Authenticator.Type.RECOVERY_CODES:
            return "Recovery codes"
    return f"Passkey: {authenticator.wrap().name}"
