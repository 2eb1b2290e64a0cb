"""Asks a provider again whether it still lets a person in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.http import HttpRequest

from accounts.sso.claims import Claims
from accounts.sso.providers import OIDCProvider, provider_of
from accounts.sso.tokens import Tokens

# What a token endpoint answers when the person must go through the provider's own page again, or is no longer let in.
# Sources: https://www.rfc-editor.org/rfc/rfc6749#section-5.2,
# https://openid.net/specs/openid-connect-core-1_0.html#AuthError
_REFUSALS = {"invalid_grant", "access_denied", "interaction_required", "login_required", "consent_required"}
_SECONDS_LEFT = 30


class Answer(Enum):
    CONFIRMED = auto()
    REFUSED = auto()
    # The provider is away, cannot be asked without the person, or does not answer as it should.
    NONE = auto()


@dataclass(frozen=True)
class Reply:
    answer: Answer
    # Of a person who is confirmed.
    claims: Claims = field(default_factory=lambda: Claims({}))
    config: Mapping[str, Any] = field(default_factory=dict)
    tokens: Tokens = field(default_factory=Tokens)


class _Refused(Exception):
    pass


def ask(request: HttpRequest, *, account: SocialAccount, tokens: Tokens) -> Reply:
    """Ask the provider. It has some seconds for each of its answers, see SOCIALACCOUNT_REQUESTS_TIMEOUT."""
    try:
        provider = provider_of(request, account.provider)
    except SocialApp.DoesNotExist:
        # The district no longer signs in by it.
        return Reply(Answer.REFUSED)
    if not isinstance(provider, OIDCProvider):
        return Reply(Answer.NONE)
    try:
        return _ask(request, provider, account, tokens)
    except _Refused:
        return Reply(Answer.REFUSED)
    except (requests.RequestException, OAuth2Error, ProviderException, ValueError, KeyError):
        return Reply(Answer.NONE)


def _ask(request: HttpRequest, provider: OIDCProvider, account: SocialAccount, tokens: Tokens) -> Reply:
    adapter = provider.get_oauth2_adapter(request)
    data = _fresh(adapter, provider.app, tokens)
    if data is None:
        return Reply(Answer.NONE)
    token = adapter.parse_token(data)
    # The tokens come from the provider itself, by TLS.
    adapter.did_fetch_access_token = True
    try:
        login = adapter.complete_login(request, provider.app, token, response=data)
    except requests.HTTPError as error:
        if error.response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise _Refused from None
        raise
    if login.account.uid != account.uid:
        raise _Refused
    claims = Claims(login.account.extra_data)
    if claims.missing(provider.app.settings["require"]) and "id_token" in data:
        raise _Refused
    return Reply(Answer.CONFIRMED, claims, provider.app.settings, Tokens.of(token).after(tokens))


def _fresh(adapter: Any, app: SocialApp, tokens: Tokens) -> dict[str, Any] | None:
    """Return the answer of the token endpoint, or the access token if that still holds; None if there is neither."""
    if tokens.refresh:
        return _refreshed(adapter, app, tokens.refresh)
    if tokens.access and tokens.access_until - _SECONDS_LEFT > time.time():
        return {"access_token": tokens.access, "expires_in": int(tokens.access_until - time.time())}
    return None


def _refreshed(adapter: Any, app: SocialApp, refresh_token: str) -> dict[str, Any]:
    data = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    auth = (app.client_id, app.secret) if _by_basic_auth(adapter, app) else None
    if not auth:
        data |= {"client_id": app.client_id, "client_secret": app.secret}
    with get_adapter().get_requests_session() as session:
        response = session.post(adapter.access_token_url, data=data, auth=auth)
    answer: dict[str, Any] = response.json()
    if response.status_code != HTTPStatus.OK and answer.get("error") in _REFUSALS:
        raise _Refused
    response.raise_for_status()
    return answer


def _by_basic_auth(adapter: Any, app: SocialApp) -> bool:
    """Whether the provider wants our secret in a header. One that does not say wants that.

    Source: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
    """
    if method := app.settings.get("token_auth_method"):
        return bool(method == "client_secret_basic")
    return "client_secret_post" not in adapter.openid_config.get("token_endpoint_auth_methods_supported", [])
