"""The way to a provider and back. allauth does the work; what a provider answers never ends in an error page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView, PasswordChangeView
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess, ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect import views as oidc
from allauth.socialaccount.providers.saml import views as saml
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DataError, IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from lxml.etree import LxmlError
from onelogin.saml2.errors import OneLogin_Saml2_Error

from accounts.models import User
from accounts.passwords import has_password
from accounts.sso.providers import configured, provider_of, redirect_origins
from accounts.sso.refusals import back_to_sign_in

logger = logging.getLogger(__name__)

# Characters. A SAML answer with hundreds of groups has a half of it.
MOST_SAML = 100_000
# OSError is also that the provider is away; ValueError and KeyError are that its answer is another than it should be.
_FAULTS = (
    OSError,
    ValueError,
    KeyError,
    PermissionDenied,
    OAuth2Error,
    ProviderException,
    OneLogin_Saml2_Error,
    LxmlError,
    # A claim that cannot be stored, and two sign-ins of a new person at the same moment.
    DataError,
    IntegrityError,
)


class SignInView(LoginView):
    """The sign-in page, with a button for each provider that is configured."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        return found | {"providers": configured(), "password_sign_in": settings.PASSWORD_SIGN_IN}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        # A browser asks this of the whole way that a form leads, and the buttons lead to the providers.
        response._csp_update = {"form-action": redirect_origins()}  # type: ignore[attr-defined]
        return response


class ChangePasswordView(PasswordChangeView):
    """Only for who has a password. Others sign in by a provider, and change it there."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if isinstance(user, User) and not has_password(user):
            raise Http404
        return super().dispatch(request, *args, **kwargs)  # type: ignore[no-any-return]


def _forgiving(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Lead back to the sign-in page when a provider does not answer as it should; 404 if it is not configured.

    The one argument of the view is the name of the provider, by whatever name allauth calls that.
    """

    @wraps(view)
    def forgiven(request: HttpRequest, **name: str) -> HttpResponse:
        provider = _provider_or_404(request, *name.values())
        try:
            return view(request, **name)
        except _FAULTS as fault:
            # The text of a fault may have an address in it.
            logger.warning("A sign-in by %s has failed: %s", provider.sub_id, type(fault).__name__)
            return back_to_sign_in(request, provider)

    return forgiven


def _provider_or_404(request: HttpRequest, name: str) -> Any:
    try:
        return provider_of(request, name)
    except SocialApp.DoesNotExist:
        raise Http404 from None


@require_POST
@_forgiving
def start(request: HttpRequest, *, provider: str) -> HttpResponse:
    """Lead to the provider. It takes nothing from the form but the page to come back to."""
    next_url = get_next_redirect_url(request) or None
    return cast(
        HttpResponse, provider_of(request, provider).redirect(request, process=AuthProcess.LOGIN, next_url=next_url)
    )


@csrf_exempt
@require_POST
@_forgiving
def saml_answer(request: HttpRequest, *, organization_slug: str) -> HttpResponse:
    """Take what the browser brings from a SAML provider. allauth keeps it for the next request, which reads it."""
    if len(request.POST.get("SAMLResponse", "")) > MOST_SAML:
        raise ValueError
    return cast(HttpResponse, saml.acs(request, organization_slug=organization_slug))


oidc_callback = _forgiving(oidc.callback)
saml_finish = _forgiving(saml.finish_acs)
saml_metadata = _forgiving(saml.metadata)
saml_sign_out = _forgiving(saml.sls)
