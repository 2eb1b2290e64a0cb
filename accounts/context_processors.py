from functools import partial

from django.conf import settings
from django.http import HttpRequest

from accounts.menu import menu_of
from accounts.models import User


def district(request: HttpRequest) -> dict[str, object]:
    return {"DISTRICT_NAME": settings.DISTRICT_NAME, "CAN_SEND_MAIL": "dummy" not in settings.EMAIL_BACKEND}


def menu(request: HttpRequest) -> dict[str, object]:
    """The menu of whoever is signed in; made only where a template uses it."""
    user = getattr(request, "user", None)
    return {"menu": partial(menu_of, user, request.path) if isinstance(user, User) else []}
