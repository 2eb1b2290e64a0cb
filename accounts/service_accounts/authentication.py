from __future__ import annotations

from typing import Any

from allauth.idp.oidc.models import Token
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ServiceAccount, User
from accounts.service_accounts.services import note_call


class ServiceTokenAuthentication(BaseAuthentication):
    """Takes the token that a service account got for its client credentials: `Authorization: Bearer …`."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = Token.objects.lookup(Token.Type.ACCESS_TOKEN, value.strip())
        account = ServiceAccount.objects.usable().of_client(token.client_id if token else None)
        if account is None:
            raise AuthenticationFailed("Invalid token.")
        match = request._request.resolver_match
        note_call(account=account, method=str(request.method), route=match.route if match else "")
        return account.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
