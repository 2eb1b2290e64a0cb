from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from django.http import HttpRequest

from accounts.sso.refusals import back_to_sign_in, not_let_in
from accounts.sso.services import NotLetIn, let_in


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Sign-in by a provider: into an account that exists, or into a new one where the district wants that.

    `let_in` decides it before allauth would: allauth has nothing left to sign up, and asks a person nothing.
    """

    def list_apps(
        self, request: HttpRequest | None, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The configuration alone adds providers. A row in the database would be a way in that nobody sees."""
        found = super().list_apps(request, provider=provider, client_id=client_id)
        return [app for app in found if app.pk is None]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        try:
            let_in(request, sociallogin)
        except NotLetIn as refused:
            raise ImmediateHttpResponse(not_let_in(request, sociallogin.provider, refused)) from None

    def on_authentication_error(self, request: HttpRequest, provider: Any, **_: Any) -> None:
        raise ImmediateHttpResponse(back_to_sign_in(request, provider))
