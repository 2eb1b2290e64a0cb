"""Sign-in of programs: a token for client credentials, as OAuth 2.0 has it (RFC 6749, section 4.4)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, cast

from allauth.core import ratelimit
from allauth.idp.oidc.models import Client, Token
from allauth.idp.oidc.views import TokenView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from accounts.service_accounts.services import note_token


class ServiceTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.service_accounts.authentication.ServiceTokenAuthentication"
    name = "serviceToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        flow = {"tokenUrl": "/api/v1/oauth/token/", "scopes": {}}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}


@csrf_exempt
@require_POST
@transaction.atomic
def service_token(request: HttpRequest) -> HttpResponse:
    """Give a service account a token for an hour. allauth checks the credentials; no other grant is open here."""
    if not ratelimit.consume(request, action="api_token"):
        return _error("temporarily_unavailable", HTTPStatus.TOO_MANY_REQUESTS)
    if request.POST.get("grant_type") != Client.GrantType.CLIENT_CREDENTIALS:
        return _error("unsupported_grant_type", HTTPStatus.BAD_REQUEST)
    response = cast(HttpResponse, TokenView.as_view()(request))
    if response.status_code != HTTPStatus.OK:
        return response
    token = Token.objects.lookup(Token.Type.ACCESS_TOKEN, json.loads(response.content)["access_token"])
    # The secret is right, but the account has expired.
    return response if note_token(token=token) else _error("invalid_client", HTTPStatus.UNAUTHORIZED)


def _error(word: str, status: int) -> JsonResponse:
    return JsonResponse({"error": word}, status=status)
