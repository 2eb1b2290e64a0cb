"""Every write of sign-in by a provider, but the session."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import ProviderIdentity, User
from accounts.service_accounts.models import ServiceAccount
from accounts.services import end_tokens, hashed_search, record_audit_event
from accounts.sso.claims import Claims
from accounts.sso.in_step import keep_in_step, mapped_groups
from accounts.sso.recheck import Answer, ask
from accounts.sso.tokens import Tokens

LONGEST_USERNAME = User._meta.get_field("username").max_length or 0


class Reason(StrEnum):
    """Why a person whom the provider knows is not let in, in the words of the audit trail."""

    CLAIM = "a required claim is missing or has another value"
    UNVERIFIED = "the e-mail address is missing or not verified"
    NO_ACCOUNT = "no account has this e-mail address"
    NO_GROUP = "no claim gives a group, so there is no new account"
    NAME_TAKEN = "an account with another e-mail address has this address as its username"
    CLOSED = "the account is closed"
    OTHER_IDENTITY = "another account of this provider signs in here"


class NotLetIn(Exception):
    def __init__(self, reason: Reason, *, email: str = "", account: str = "") -> None:
        super().__init__(reason)
        self.reason, self.email, self.account = reason, email, account


def let_in(request: HttpRequest, login: Any) -> None:
    """Give a sign-in by a provider (allauth's SocialLogin) its account here, and keep the account's groups in step.

    Raises NotLetIn, which is in the audit trail then.
    """
    try:
        _let_in(request, login)
    except NotLetIn as refused:
        _record_refusal(refused, provider=login.account.provider)
        raise


@transaction.atomic
def _let_in(request: HttpRequest, login: Any) -> None:
    claims, config = Claims(login.account.extra_data), login.provider.app.settings
    if claims.missing(config["require"]):
        raise NotLetIn(Reason.CLAIM)
    user = login.user if login.is_existing else _join(request, login, claims)
    if not user.is_active or ServiceAccount.objects.filter(user=user).exists():
        raise NotLetIn(Reason.CLOSED, account=user.username)
    identity = note_confirmed(account=login.account, tokens=Tokens.of(login.token))
    keep_in_step(identity=identity, user=user, claims=claims, config=config)


def note_confirmed(*, account: SocialAccount, tokens: Tokens) -> ProviderIdentity:
    """Record that the provider has just let this account in, and keep its newest tokens."""
    known = ProviderIdentity.objects.filter(account=account).first()
    newest = tokens.after(Tokens.opened(known.tokens)) if known else tokens
    fields = {"checked_at": timezone.now(), "tokens": newest.sealed()}
    identity, _ = ProviderIdentity.objects.update_or_create(account=account, defaults=fields)
    return identity


def note_refused(*, identity: ProviderIdentity) -> None:
    """Record that the provider no longer lets the account in: its sessions here are over, and its API tokens."""
    account = identity.account
    now = timezone.now()
    ProviderIdentity.objects.filter(pk=identity.pk).update(refused_at=now, tokens="")
    record_audit_event(
        by=None,
        action="sign_in.ended_by_provider",
        target=account.user.username,
        details={"provider": account.provider},
    )
    end_tokens(user=account.user)


def ask_again(request: HttpRequest, *, identity: ProviderIdentity) -> Answer:
    """Ask the provider whether it still lets a person in, and do what it says. The caller holds the identity's lock."""
    account = identity.account
    reply = ask(request, account=account, tokens=Tokens.opened(identity.tokens))
    if reply.answer is Answer.REFUSED:
        note_refused(identity=identity)
    elif reply.answer is Answer.CONFIRMED:
        note_confirmed(account=account, tokens=reply.tokens)
        keep_in_step(identity=identity, user=account.user, claims=reply.claims, config=reply.config, partial=True)
    return reply.answer


def _join(request: HttpRequest, login: Any, claims: Claims) -> User:
    """Join an account at the provider to the one here that has its verified e-mail address, or to a new one."""
    email = _verified_email(login)
    user = User.objects.select_for_update(no_key=True).filter(email__iexact=email).first()
    if user is None:
        user = _new_account(login, email, claims)
    elif SocialAccount.objects.filter(user=user, provider=login.account.provider).exists():
        # An address that a person had before somebody else: the second one must not get the first one's account.
        raise NotLetIn(Reason.OTHER_IDENTITY, email=email, account=user.username)
    login.connect(request, user)
    details = {"provider": login.account.provider}
    record_audit_event(by=None, action="account.provider_joined", target=user.username, details=details)
    return user


def _verified_email(login: Any) -> str:
    """Return the address. Raises NotLetIn, without a look at whether an account has it."""
    found = [address.email for address in login.email_addresses if address.verified is True]
    if not found:
        raise NotLetIn(Reason.UNVERIFIED)
    return str(found[0]).lower()


def _new_account(login: Any, email: str, claims: Claims) -> User:
    if not settings.SSO_NEW_ACCOUNTS or len(email) > LONGEST_USERNAME:
        raise NotLetIn(Reason.NO_ACCOUNT, email=email)
    if not mapped_groups(claims, login.provider.app.settings).found:
        raise NotLetIn(Reason.NO_GROUP, email=email)
    if User.objects.filter(username__iexact=email).exists():
        raise NotLetIn(Reason.NAME_TAKEN, email=email)
    names = {"first_name": login.user.first_name, "last_name": login.user.last_name}
    user = User.objects.create_user(email, email, **names)
    details = {"provider": login.account.provider, "after": {"email": email, **names}}
    record_audit_event(by=None, action="account.created", target=user.username, details=details)
    return user


def _record_refusal(refused: NotLetIn, *, provider: str) -> None:
    # The address of a stranger is hashed, as a search is: who knows it can look for it in the trail.
    searched = {"searched": [hashed_search(refused.email)]} if refused.email else {}
    details = {"provider": provider, "reason": str(refused.reason), **searched}
    record_audit_event(by=None, action="sign_in.refused", target=refused.account, details=details)
