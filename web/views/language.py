"""The language of the pages."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.access import home_url
from accounts.languages import choose_language
from accounts.models import User


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Keep the language that a person chose; before they sign in, this browser keeps it. Then show the page again."""
    code = request.POST.get("language", "")
    if code not in dict(settings.LANGUAGES):
        raise BadRequest("There is no such language.")
    way = request.POST.get("next", "")
    on_this_site = url_has_allowed_host_and_scheme(way, {request.get_host()}, require_https=request.is_secure())
    response = HttpResponseRedirect(way if on_this_site else home_url())
    if isinstance(request.user, User):
        choose_language(by=request.user, language=code)
    else:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            code,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            samesite="Lax",
        )
    return response
