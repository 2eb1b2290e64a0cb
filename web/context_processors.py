from functools import partial

from django.conf import settings
from django.http import HttpRequest

from accounts.models import User
from accounts.passwords import has_password
from web.menu import may_use_api, menu_of, search_words_of


def district(request: HttpRequest) -> dict[str, object]:
    return {"DISTRICT_NAME": settings.DISTRICT_NAME, "CAN_SEND_MAIL": "dummy" not in settings.EMAIL_BACKEND}


def menu(request: HttpRequest) -> dict[str, object]:
    """The menus of the signed-in user. They are made only if a template uses them."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"menu": []}
    return {
        "menu": partial(menu_of, user, request.path),
        "search_words": partial(search_words_of, user),
        "may_use_api": partial(may_use_api, user),
        "has_password": partial(has_password, user),
    }
