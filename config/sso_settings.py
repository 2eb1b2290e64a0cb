"""Settings of sign-in by providers, of local passwords, and of service accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.environment import Env
from config.sso_providers import mapping, providers

env = Env()

SOCIALACCOUNT_PROVIDERS: dict[str, Any] = providers(env)
SOCIALACCOUNT_ADAPTER = "accounts.sso.adapter.SocialAccountAdapter"
# Seconds for each request to a provider.
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5

# What the values of a claim mean here: "what the provider says" to "the name of the group", or of the school.
SSO_GROUPS = mapping(env, "SSO_GROUPS")
SSO_SCHOOLS = mapping(env, "SSO_SCHOOLS")
# Whether a person without an account gets one, if a claim gives them a group.
SSO_NEW_ACCOUNTS = env.bool("SSO_NEW_ACCOUNTS", default=False)

# Local passwords. Without them, one named account still signs in by password, for the day when the provider is away.
PASSWORD_SIGN_IN = env.bool("PASSWORD_SIGN_IN", default=True)
BREAK_GLASS_ACCOUNT = env.str("BREAK_GLASS_ACCOUNT", default="")
if not PASSWORD_SIGN_IN and not (BREAK_GLASS_ACCOUNT and env.names("SSO_PROVIDERS")):
    raise ImproperlyConfigured(
        "PASSWORD_SIGN_IN is off, so SSO_PROVIDERS has to name a provider, and BREAK_GLASS_ACCOUNT the account that may"
        " still sign in by password."
    )

# Service accounts get tokens for their client credentials. They ask for a new one each hour.
IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = int(timedelta(hours=1).total_seconds())
