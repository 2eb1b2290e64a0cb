"""allauth's providers, where it trusts a provider more than we do, or forgets what we need."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.saml.provider import SAMLProvider as AllauthSAMLProvider
from django.conf import settings
from django.http import HttpRequest

from accounts.sso.claims import is_true

# The key under which the end of a SAML session is kept among the attributes. No attribute has such a name.
SESSION_ENDS = "_session_ends"


def configured() -> list[Any]:
    """Return the configured apps, in the order of SSO_PROVIDERS for each kind: allauth's SocialApp, never stored."""
    return list(get_adapter().list_apps(None))


def provider_of(request: HttpRequest, name: str) -> Any:
    """Return allauth's provider. Raises SocialApp.DoesNotExist if none of this name is configured."""
    return get_adapter().get_provider(request, name)


def provider_label(name: str) -> str:
    """Return the name of a provider as people see it, also after it was taken out of the configuration."""
    return next((app.name for app in configured() if app.provider_id == name), name)


def redirect_origins() -> list[str]:
    """Return where the sign-in page may send the browser to."""
    kinds = settings.SOCIALACCOUNT_PROVIDERS.values()
    return [origin for kind in kinds for app in kind["APPS"] for origin in app["settings"]["origins"]]


class OIDCProvider(OpenIDConnectProvider):
    """Reads the ID token and the userinfo together: Microsoft has groups in the first alone, others in the second."""

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return _together(data)

    def extract_uid(self, data: dict[str, Any]) -> str:
        return str(_together(data)["sub"])

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        claims = _together(data)
        found: dict[str, Any] = super().extract_common_fields(claims)
        return found | {"email": claims.get(self.app.settings["email_claim"])}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        claims, claim = _together(data), self.app.settings["email_claim"]
        # `email_verified` speaks of the claim `email`, and of no other.
        verified = claim == "email" and is_true(claims.get("email_verified"))
        email = claims.get(claim)
        return [EmailAddress(email=email, verified=verified, primary=True)] if isinstance(email, str) else []


class SAMLProvider(AllauthSAMLProvider):
    """Keeps the moment at which the provider wants the session to end."""

    def extract_extra_data(self, data: Any) -> dict[str, Any]:
        return {**super().extract_extra_data(data), SESSION_ENDS: data.get_session_expiration()}


def _together(data: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of both answers. Raises ProviderException if they are about two people.

    Source: https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse
    """
    userinfo, token = data.get("userinfo") or {}, data.get("id_token") or {}
    if not userinfo and not token:
        return data
    if len({str(part["sub"]) for part in (userinfo, token) if part.get("sub")}) != 1:
        raise ProviderException("The ID token and the userinfo are not about the same person.")
    return token | userinfo
