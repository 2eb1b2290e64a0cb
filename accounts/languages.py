"""In which language a request is answered: what the person chose, or else the browser, or else the district."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

from accounts.models import User
from core.languages import ENGLISH, language_now

Answer = Callable[[HttpRequest], HttpResponseBase]

# Programs read what is below it, so it speaks English to everybody.
API = "/api/"


def speak_language_of_browser(get_response: Answer) -> Answer:
    """Answer in the language of the browser's cookie, or in the one that it likes best; name it in the headers.

    It knows no person yet, so that it also holds for errors on the way to one.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        programs = request.path_info.startswith(API)
        translation.activate(ENGLISH if programs else translation.get_language_from_request(request))
        response = get_response(request)
        response.headers.setdefault("Content-Language", language_now())
        if not programs:
            patch_vary_headers(response, ["Accept-Language", "Cookie"])
        return response

    return middleware


def speak_language_of_person(get_response: Answer) -> Answer:
    """Answer in the language that the person chose who is signed in."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(API):
            language = getattr(request.user, "language", "")
            if language in dict(settings.LANGUAGES):
                translation.activate(language)
        return get_response(request)

    return middleware


@receiver(request_finished, dispatch_uid="accounts.languages")
def speak_language_of_district(**_: Any) -> None:
    """Forget the language of a request when its answer has left, to the end of a file that is written meanwhile."""
    translation.deactivate()


def choose_language(*, by: User, language: str) -> None:
    """Show the pages to this person, and write to them, in a language."""
    User.objects.filter(pk=by.pk).update(language=language)
