from functools import partial

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from accounts.passwords import has_password
from accounts.second_factor import lacks_second_factor
from core.languages import language_now
from web.help import help_url_of
from web.menu import may_use_api, menu_of, search_words_of
from web.view_as import View


def district(request: HttpRequest) -> dict[str, object]:
    return {
        "DISTRICT_NAME": settings.DISTRICT_NAME,
        "CAN_SEND_MAIL": "dummy" not in settings.EMAIL_BACKEND,
        "passkeys_in_use": passkeys_in_use,
    }


def passkeys_in_use() -> bool:
    """Whether anybody can sign in with a passkey. Until then the sign-in page is as it was."""
    return bool(Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN).exists())


def languages(request: HttpRequest) -> dict[str, object]:
    """The languages that a person may change to, as pairs of code and name, each name in its own language."""
    now = language_now()
    return {"other_languages": [language for language in settings.LANGUAGES if language[0] != now]}


def view_as(request: HttpRequest) -> dict[str, object]:
    """The view that is on: as whom an administrator sees the product."""
    return {"viewing": View.of(request)}


def menu(request: HttpRequest) -> dict[str, object]:
    """The menus of the signed-in user. They are made only if a template uses them.

    A person who has to show a second factor first has none: everything in them would lead back.
    """
    user = getattr(request, "user", None)
    if not isinstance(user, User) or lacks_second_factor(request):
        return {"menu": [], "reaches_nothing": isinstance(user, User)}
    return {
        "menu": partial(menu_of, user, request.path),
        "help_url": partial(help_url_of, user, request.path),
        # A text, because {% blocktranslate %} calls nothing.
        "search_words": SimpleLazyObject(partial(search_words_of, user)),
        "may_use_api": partial(may_use_api, user),
        "has_password": partial(has_password, user),
    }
