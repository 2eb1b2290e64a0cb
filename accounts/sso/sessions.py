"""Sessions that came from a provider end within an hour after the provider has closed the account.

After 45 minutes we ask the provider again, without the person noticing anything. While it does not answer, the session
goes on until 55 minutes after its last good answer. A SAML provider cannot be asked, so its sessions end after an hour,
or sooner where it says so.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from allauth.account.signals import user_logged_in
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import ProviderIdentity
from accounts.sso.providers import SESSION_ENDS, OIDCProvider
from accounts.sso.recheck import Answer
from accounts.sso.services import ask_again

# Seconds.
CHECK_AFTER, LONGEST, LONGEST_SAML, TRY_AGAIN = 45 * 60, 55 * 60, 60 * 60, 60
_KEY = "provider_session"


@dataclass(frozen=True)
class ProviderSession:
    """What a session keeps about its provider. Times are seconds since 1970."""

    identity: int
    began: float
    # When the provider last let the person in, as far as this session knows.
    confirmed: float
    look_again: float
    # Whether the session ends at that moment, because the provider cannot be asked.
    final: bool

    @classmethod
    def of(cls, request: HttpRequest) -> ProviderSession | None:
        kept = request.session.get(_KEY)
        return cls(**kept) if kept else None

    def keep(self, request: HttpRequest) -> None:
        request.session[_KEY] = asdict(self)

    @property
    def is_due(self) -> bool:
        return self.look_again <= time.time()

    @property
    def has_time(self) -> bool:
        """Whether it may go on without an answer of the provider."""
        return time.time() < self.confirmed + LONGEST


@receiver(user_logged_in)
def begin(request: HttpRequest, sociallogin: Any = None, **_: Any) -> None:
    """Mark a new session as one of the provider. One by password has no mark."""
    if sociallogin is None:
        return
    now, account = time.time(), sociallogin.account
    final, until = not isinstance(sociallogin.provider, OIDCProvider), now + CHECK_AFTER
    if final:
        until = min(now + LONGEST_SAML, account.extra_data.get(SESSION_ENDS) or now + LONGEST_SAML)
    ProviderSession(identity=account.pk, began=now, confirmed=now, look_again=until, final=final).keep(request)


def goes_on(request: HttpRequest, session: ProviderSession) -> bool:
    """Whether a session that is due may go on. Asks the provider, unless another request has just done so."""
    if session.final:
        return False
    with transaction.atomic():
        identity = _locked(session)
        return session.has_time if identity is None else _is_confirmed(request, session, identity)


def _locked(session: ProviderSession) -> ProviderIdentity | None:
    """Lock the identity, so that one request asks. Others wait only if they could not go on without the answer.

    Nobody but this person's own requests takes the lock, so the provider may be asked while it is held.
    """
    rows = ProviderIdentity.objects.filter(pk=session.identity).select_related("account__user")
    return rows.select_for_update(of=("self",), skip_locked=session.has_time).first()


def _is_confirmed(request: HttpRequest, session: ProviderSession, identity: ProviderIdentity) -> bool:
    if identity.refused_at and identity.refused_at.timestamp() >= session.began:
        return False
    confirmed = identity.checked_at.timestamp()
    if confirmed + CHECK_AFTER > time.time():
        replace(session, confirmed=confirmed, look_again=confirmed + CHECK_AFTER).keep(request)
        return True
    return _asked(request, replace(session, confirmed=confirmed), identity)


def _asked(request: HttpRequest, session: ProviderSession, identity: ProviderIdentity) -> bool:
    now = time.time()
    match ask_again(request, identity=identity):
        case Answer.REFUSED:
            return False
        case Answer.NONE:
            replace(session, look_again=now + TRY_AGAIN).keep(request)
            return session.has_time
    replace(session, confirmed=now, look_again=now + CHECK_AFTER).keep(request)
    return True
