"""Every write of service accounts."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.idp.oidc.models import Client, Token
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import ServiceAccount, User
from accounts.services import Refused, changing_rights, record_audit_event, record_look

# The last use is stored no more often than this.
_EXACT = timedelta(minutes=1)
# A word of allauth's: what a token is for. Ours are for the whole API, and the rights decide.
_SCOPE = "api"


class AccountNameTaken(Refused):
    """Another account has this name; upper and lower case count as the same."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class AlreadyEnded(Refused):
    """Another person ended the service account meanwhile."""


@dataclass(frozen=True)
class Credentials:
    """What a program signs in with. Only a hash of the secret is stored, so it can be read only now."""

    client_id: str
    secret: str


def create_service_account(
    *, by: User, name: str, groups: Collection[Group], expires_at: datetime
) -> tuple[ServiceAccount, Credentials]:
    """Make a service account in these user groups. Raises AccountNameTaken."""
    with changing_rights():
        if User.objects.filter(username__iexact=name).exists():
            raise AccountNameTaken(name)
        user = User.objects.create_user(name)
        user.groups.set(groups)
        client, credentials = _new_client(name)
        account = ServiceAccount.objects.create(user=user, client=client, made_by=by, expires_at=expires_at)
        details = {"groups": sorted(group.name for group in groups), "until": expires_at.isoformat()}
        record_audit_event(by=by, action="service_account.created", target=name, details=details)
    return account, credentials


def renew_secret(*, by: User, pk: int) -> tuple[ServiceAccount, Credentials]:
    """Give a service account new credentials. The old ones, and their tokens, end at once. Raises AlreadyEnded."""
    with transaction.atomic():
        account = _locked(pk)
        old, (account.client, credentials) = account.client, _new_client(account.user.username)
        account.save(update_fields=["client"])
        Client.objects.filter(pk=old and old.pk).delete()
        record_audit_event(by=by, action="service_account.secret_renewed", target=account.user.username)
    return account, credentials


def end_service_account(*, by: User, pk: int) -> None:
    """End a service account for good: its credentials and tokens are deleted. Raises AlreadyEnded."""
    with changing_rights():
        account = _locked(pk)
        ServiceAccount.objects.filter(pk=pk).update(ended_at=timezone.now())
        User.objects.filter(pk=account.user_id).update(is_active=False)
        Client.objects.filter(pk=account.client_id).delete()
        record_audit_event(by=by, action="service_account.ended", target=account.user.username)


def note_token(*, token: Token) -> ServiceAccount | None:
    """Record that a service account got a token. None if it may not have one: then the token is deleted."""
    account = ServiceAccount.objects.usable().of_client(token.client_id)
    if account is None:
        token.delete()
        return None
    record_audit_event(by=account.user, action="service_account.token_issued")
    return account


def note_call(*, account: ServiceAccount, method: str, route: str) -> None:
    """Record a call of the API: who, the method, and the address without its values. An hour of calls is few rows."""
    now = timezone.now()
    unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - _EXACT)
    ServiceAccount.objects.filter(unnoted, pk=account.pk).update(last_used_at=now)
    record_look(by=account.user, action="api.called", target=f"{method} /{route}")


def delete_expired_tokens() -> None:
    Token.objects.expired().delete()


def _new_client(name: str) -> tuple[Client, Credentials]:
    # Letters, digits, hyphens: nothing that a shell or an address would change.
    secret = secrets.token_urlsafe(32)
    client = Client(name=name[:100], grant_types=Client.GrantType.CLIENT_CREDENTIALS, response_types="")
    client.scopes = client.default_scopes = _SCOPE
    client.set_secret(secret)
    client.save()
    return client, Credentials(client.pk, secret)


def _locked(pk: int) -> ServiceAccount:
    rows = ServiceAccount.objects.filter(pk=pk, ended_at=None).select_related("user")
    account = rows.select_for_update(of=("self",)).first()
    if account is None:
        raise AlreadyEnded
    return account
