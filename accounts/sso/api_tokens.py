"""Personal tokens of the REST API end within an hour after the provider closed the account, also if used alone.

No request waits for the provider: a task asks it about the people who have tokens, by the same times as for sessions.
While the provider does not answer, or cannot be asked, a token goes on until 55 minutes after the last good answer, or
after it was made.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from knox.models import AuthToken

from accounts.models import ProviderIdentity, User
from accounts.services import end_tokens
from accounts.sso.providers import configured
from accounts.sso.services import ask_again
from accounts.sso.sessions import CHECK_AFTER, LONGEST

NOT_CONFIRMED = "the provider did not confirm the account"


def check_tokens(*, until: float) -> None:
    """Ask the providers, until the time ``until`` of time.monotonic(), and end the tokens that nobody confirmed."""
    for pk in list(_to_ask().values_list("pk", flat=True)):
        if time.monotonic() >= until:
            break
        _ask(pk)
    before = _ago(LONGEST)
    for user in User.objects.filter(_has_token(before)).filter(Exists(_identities())).exclude(_confirmed_since(before)):
        end_tokens(user=user, made_before=before, because=NOT_CONFIRMED)


@transaction.atomic
def _ask(pk: int) -> None:
    """Ask about one person. Others may ask at the same time: a session, or this task in another worker."""
    rows = _to_ask().filter(pk=pk).select_related("account__user")
    if identity := rows.select_for_update(of=("self",), skip_locked=True).first():
        ask_again(HttpRequest(), identity=identity)


def _to_ask() -> QuerySet[ProviderIdentity]:
    """Of the people with a token, the identities of which nobody knows whether they still hold; the oldest first."""
    since = _ago(CHECK_AFTER)
    due = Q(checked_at__lte=since, account__user__in=User.objects.filter(_has_token(since)))
    return ProviderIdentity.objects.filter(due, account__provider__in=_names()).order_by("checked_at", "pk")


def _identities() -> QuerySet[ProviderIdentity]:
    """The identities of the outer user at the providers by which the district signs in."""
    return ProviderIdentity.objects.filter(account__user=OuterRef("pk"), account__provider__in=_names())


def _confirmed_since(moment: datetime) -> Exists:
    return Exists(_identities().filter(checked_at__gt=moment))


def _has_token(made_before: datetime) -> Exists:
    return Exists(AuthToken.objects.filter(user=OuterRef("pk"), created__lte=made_before, expiry__gt=timezone.now()))


def _names() -> list[str]:
    return [app.provider_id for app in configured()]


def _ago(seconds: int) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)
