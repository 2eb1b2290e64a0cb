"""Sign-in to the REST API: a token for a username and a password."""

from __future__ import annotations

from typing import Any, cast

from allauth.core import ratelimit
from django.http import HttpRequest
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.factor_forms import CodeForm
from accounts.forms import SignInForm
from accounts.models import User
from accounts.second_factor import MISSING, note_missing_factor
from accounts.services import end_tokens, issue_token

CODE_NEEDED = "This account has a second factor. Send a code of its app, or a recovery code, as `code`."


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    target_class = "accounts.tokens.TokenAuthentication"
    name = "token"


class CredentialsSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(help_text="Username or e-mail address.", max_length=254)
    password = serializers.CharField(trim_whitespace=False, max_length=4096)

    code = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=32,
        help_text="A code of the authenticator app, or a recovery code, if the account has a second factor.",
    )


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Send it as `Authorization: Token …`. It is shown this once.")
    expires_at = serializers.DateTimeField()


class Tokens(APIView):
    """Sign in, and sign out."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        # A caller may still send an old token; the password alone decides.
        return [] if self.request and self.request.method == "POST" else super().get_authenticators()

    def get_authenticate_header(self, request: Request) -> str:
        # Without it DRF would answer a wrong password with 403.
        return "Token"

    def get_permissions(self) -> Any:
        return [AllowAny()] if self.request.method == "POST" else super().get_permissions()

    @extend_schema(
        tags=["Sign-in"],
        summary="Sign in: a token for a username and a password",
        request=CredentialsSerializer,
        responses={201: TokenSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """An account with a second factor needs a `code`. The lockout is the same as on the sign-in page: five failures
        lock an account at that address for 15 minutes."""
        credentials = CredentialsSerializer(data=request.data)
        credentials.is_valid(raise_exception=True)
        given = credentials.validated_data
        user = self.sign_in(request._request, given["username"], given["password"])
        self.check_code(request._request, user, given["code"])
        token, expires_at = issue_token(user=user, with_factor=user.has_second_factor)
        return Response(TokenSerializer({"token": token, "expires_at": expires_at}).data, status=201)

    def sign_in(self, request: HttpRequest, username: str, password: str) -> User:
        """Sign in with the form of the sign-in page, which counts failures.

        Raises AuthenticationFailed, or Throttled after too many sign-ins from one address.
        """
        if not ratelimit.consume(request, action="api_token"):
            raise Throttled(detail="There were too many sign-ins from your address. Wait a minute.")
        form = SignInForm({"login": username, "password": password}, request=request)
        if not form.is_valid():
            raise AuthenticationFailed(" ".join(str(message) for found in form.errors.values() for message in found))
        return cast(User, form.user)

    def check_code(self, request: HttpRequest, user: User, code: str) -> None:
        """Raises AuthenticationFailed without the right code of an account with a second factor.

        Raises PermissionDenied if the account has none, and needs one.
        """
        if user.has_second_factor:
            form = CodeForm({"code": code}, user=user)
            if not code:
                raise AuthenticationFailed(CODE_NEEDED)
            if not form.is_valid():
                raise AuthenticationFailed(" ".join(map(str, form.errors["code"])))
            form.authenticator.record_usage()
        elif user.needs_second_factor:
            note_missing_factor(request, user)
            raise PermissionDenied(MISSING)

    @extend_schema(
        tags=["Sign-in"], summary="Sign out: end all tokens of the account", request=None, responses={204: None}
    )
    def delete(self, request: Request) -> Response:
        end_tokens(user=cast(User, request.user))
        return Response(status=204)
