"""The devices on which a person has signed in before. They pass by the limits that strangers can use up.

After a good sign-in, the browser keeps a signed cookie that names the account and the device. Failures of that device
have a count of their own, so a stranger with wrong passwords locks out nobody who is known here. The cookie alone opens
nothing.
Source of the idea: https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import get_random_string

from accounts.models import User

COOKIE = "known_device"
KEPT = timedelta(days=365)
# A shared computer is a known device of several people: the last ones who signed in there.
MOST_ACCOUNTS = 20


def known_device(request: HttpRequest, account: User) -> str | None:
    """Return the name of the device, if this account has signed in on it before; else None."""
    return _devices(request).get(str(account.pk))


def remember_device(request: HttpRequest, response: HttpResponse, *, account: User) -> None:
    """Let the browser keep the cookie, after a good sign-in."""
    devices = _devices(request)
    name = devices.pop(str(account.pk), None) or get_random_string(22)
    newest = dict([*devices.items(), (str(account.pk), name)][-MOST_ACCOUNTS:])
    response.set_cookie(
        COOKIE,
        signing.dumps(newest, salt=COOKIE),
        max_age=KEPT,
        path=reverse("account_login").removesuffix("login/"),  # the pages of the second factor, too
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _devices(request: HttpRequest) -> dict[str, str]:
    """Return the devices of the cookie by the ids of their accounts; none if there is no cookie, or a forged one."""
    try:
        devices: dict[str, str] = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=KEPT)
    except signing.BadSignature:
        return {}
    return devices
