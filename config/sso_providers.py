"""The providers that people sign in by, from the environment. docs/signing-in.md says what to enter where.

Each name in SSO_PROVIDERS is a button of the sign-in page, and a part of the names of its variables:
SSO_GOOGLE_CLIENT_ID belongs to `google`. No row of the database adds a provider.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.environment import Env

# What the district need not enter for these, because it is the same for everybody.
# Google gives a refresh token for `access_type`, and refuses the scope that others give one for.
# Sources: https://developers.google.com/identity/openid-connect/openid-connect,
# https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
_PRESETS: dict[str, dict[str, Any]] = {
    "google": {"name": "Google", "url": "https://accounts.google.com", "auth_params": {"access_type": "offline"}},
    "microsoft": {"name": "Microsoft", "scopes": "openid profile email offline_access"},
    "classlink": {"name": "ClassLink", "url": "https://launchpad.classlink.com"},
}
_SCOPES = "openid profile email"
_MICROSOFT = "https://login.microsoftonline.com"
# Tenants that would let in anybody who has an account at Microsoft.
_OPEN_TENANTS = ("common", "organizations", "consumers")
# These names would be addresses of allauth's own.
_TAKEN = ("saml", "openid_connect")


class _Variables:
    """The variables of one provider."""

    def __init__(self, env: Env, name: str) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or name in _TAKEN:
            raise ImproperlyConfigured(
                f"SSO_PROVIDERS names {name!r}; a name has small letters, digits and hyphens, and is not"
                f" {' or '.join(_TAKEN)}."
            )
        self.env, self.name, self.preset = env, name, _PRESETS.get(name, {})

    def variable(self, part: str) -> str:
        return f"SSO_{self.name.upper().replace('-', '_')}_{part}"

    def get(self, part: str, default: str = "") -> str:
        value: str = self.env.str(self.variable(part), default=self.preset.get(part.lower(), default))
        return value

    def need(self, part: str) -> str:
        """Return the value. Raises ImproperlyConfigured if there is none."""
        if value := self.get(part):
            return value
        raise ImproperlyConfigured(f"SSO_PROVIDERS names {self.name}, and {self.variable(part)} is missing.")

    def names(self, part: str) -> list[str]:
        return self.env.names(self.variable(part))

    def origins(self, *addresses: str) -> list[str]:
        """Return where the browser is sent to, for the Content-Security-Policy: "https://idp.example"."""
        parts = [urlsplit(address) for address in addresses]
        return [f"{part.scheme}://{part.netloc}" for part in parts if part.netloc] + self.names("ORIGINS")

    @property
    def common(self) -> dict[str, Any]:
        return {
            "groups_claim": self.get("GROUPS_CLAIM"),
            "schools_claim": self.get("SCHOOLS_CLAIM"),
            "require": mapping(self.env, self.variable("REQUIRE")),
            # Whose addresses count as verified, although the provider does not say so.
            "verified_email": [domain.lower() for domain in self.names("TRUSTED_DOMAINS")],
        }


def providers(env: Env) -> dict[str, Any]:
    """Return allauth's SOCIALACCOUNT_PROVIDERS. Raises ImproperlyConfigured for what cannot work."""
    apps: dict[str, list[dict[str, Any]]] = {"oidc": [], "saml": []}
    for name in env.names("SSO_PROVIDERS"):
        variables = _Variables(env, name)
        kind = env.one_of(variables.variable("KIND"), "oidc", "saml")
        apps[kind].append({"oidc": _oidc, "saml": _saml}[kind](variables))
    return {
        "openid_connect": {"provider_class": "accounts.sso.providers.OIDCProvider", "APPS": apps["oidc"]},
        "saml": {"provider_class": "accounts.sso.providers.SAMLProvider", "APPS": apps["saml"]},
    }


def mapping(env: Env, variable: str) -> dict[str, str]:
    """Read an object of JSON whose values are text. Raises ImproperlyConfigured for anything else."""
    text = env.str(variable, default="") or "{}"
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ImproperlyConfigured(f'{variable} is no object of JSON such as {{"staff": "Counselors"}}.')
    return found


def _oidc(variables: _Variables) -> dict[str, Any]:
    url = _oidc_url(variables)
    return {
        "provider_id": variables.name,
        "name": variables.get("NAME", variables.name.title()),
        "client_id": variables.need("CLIENT_ID"),
        "secret": variables.need("CLIENT_SECRET"),
        "settings": variables.common
        | {
            "server_url": url,
            "scope": variables.get("SCOPES", _SCOPES).split(),
            "auth_params": variables.preset.get("auth_params", {}),
            "oauth_pkce_enabled": True,
            "email_claim": variables.get("EMAIL_CLAIM", "email"),
            "token_auth_method": variables.get("TOKEN_AUTH"),
            "origins": variables.origins(url),
        },
    }


def _oidc_url(variables: _Variables) -> str:
    if variables.name != "microsoft":
        return variables.need("URL").rstrip("/")
    tenant = variables.need("TENANT")
    if tenant in _OPEN_TENANTS:
        raise ImproperlyConfigured(
            f"{variables.variable('TENANT')} is {tenant!r}, which lets in accounts of any organization; it takes the"
            " district's own Directory (tenant) ID."
        )
    return variables.get("URL", f"{_MICROSOFT}/{tenant}/v2.0").rstrip("/")


def _saml(variables: _Variables) -> dict[str, Any]:
    metadata_url = variables.get("METADATA_URL")
    idp = {"entity_id": variables.need("ENTITY_ID")}
    if metadata_url:
        idp["metadata_url"] = metadata_url
    else:
        idp |= {"sso_url": variables.need("URL"), "x509cert": variables.need("CERTIFICATE")}
    attributes = {
        field: variables.get(f"{field.upper()}_CLAIM") for field in ("uid", "email", "first_name", "last_name")
    }
    own = {"attribute_mapping": named} if (named := {k: v for k, v in attributes.items() if v}) else {}
    return {
        "provider_id": variables.name,
        "client_id": variables.name,
        "name": variables.get("NAME", variables.name.title()),
        "settings": variables.common
        | own
        | {"idp": idp, "advanced": _SAML_RULES, "origins": variables.origins(metadata_url, variables.get("URL"))},
    }


# An answer that nobody here asked for is refused: else a stranger could sign a person in as somebody else.
# The site may have a name within the district alone: "logs" instead of "logs.example.org".
_SAML_RULES = {
    "reject_idp_initiated_sso": True,
    "reject_deprecated_algorithm": True,
    "allow_single_label_domains": True,
}
