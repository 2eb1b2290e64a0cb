from collections.abc import Iterable, Iterator
from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.known_devices import known_device, remember_device
from accounts.models import User
from accounts.second_factor import proved_recently
from accounts.services import record_lockout
from accounts.tasks import send_email
from core.queue import call_worker


def limits(request: HttpRequest, *, login: str, account: User | None, what: str = "login") -> Iterator[tuple[str, str]]:
    """Yield the limits for a sign-in, each as its action in ACCOUNT_RATE_LIMITS and what it counts.

    `what` is what could be guessed: "login" (the password) or "code" (of the second factor). Each has its own counts.

    An account is counted by its username, whether the person enters that or the e-mail address. A device where the
    person has signed in before has a count of its own, which nobody else can use up. All others count by account and
    address together; the count of the account alone is wide, and only there against one who has many addresses.
    """
    name = (account.username if account else login).lower()
    if account and (device := known_device(request, account)):
        yield f"{what}_failed_on_known_device", f"{name}:{device}"
        return
    yield f"{what}_failed", f"{name}:{ratelimit.get_ip(request)}"
    yield f"{what}_failed_anywhere", name


def count_attempt(
    request: HttpRequest, counted: Iterable[tuple[str, str]], *, account: User | None
) -> ratelimit.RateLimitUsage:
    """Count an attempt in each limit that it falls under. Who finds it good takes it back: `rollback`.

    Raises ValidationError if one is used up.
    """
    attempt = ratelimit.RateLimitUsage(usage=[])
    for action, key in counted:
        used = ratelimit.consume(request, app="allauth.account", action=action, key=key)
        if not used:
            record_lockout(account=account)
            raise AccountAdapter().validation_error("too_many_login_attempts")
        attempt.usage += used.usage
    return attempt


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in for the staff of a district. Nobody can sign up, and no answer reveals which accounts exist."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("No account has this username or e-mail address with this password."),
        "email_password_mismatch": _("No account has this username or e-mail address with this password."),
        "too_many_login_attempts": _(
            "Sign-in is locked for a while after too many failed attempts. Wait 15 minutes, then try again, or sign in"
            " where you have signed in before."
        ),
        "enter_current_password": _("This is not your current password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt (see ACCOUNT_RATE_LIMITS); a good sign-in takes it back. Raises ValidationError."""
        login = credentials.get("username") or credentials.get("email", "")
        account = User.objects.signing_in_as(login)
        counted = limits(request, login=login, account=account)
        self._login_failed_rl_usage = count_attempt(request, counted, account=account)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **options: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **options)
        remember_device(request, response, account=cast(User, user))
        return response

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        """Answer who signs in to a closed account with what still proves it, such as a passkey."""
        messages.error(request, gettext("This account is closed. Ask an administrator of your district."))
        return redirect(settings.LOGIN_URL)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whether allauth asks again before a change of one's own sign-in; also a few minutes after it asked before."""
        request = context.request
        return not proved_recently(request, request.user)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return the ways to prove it again, the usual one first. Who has a second factor proves it with that."""
        words = {
            "reauthenticate": gettext("Your password"),
            "mfa_reauthenticate": gettext("A code of your authenticator app, or a recovery code"),
            "mfa_reauthenticate:webauthn": gettext("A passkey"),
        }
        ways = super().get_reauthentication_methods(user)
        methods = [way | {"description": words[way["id"]]} for way in ways]
        factors = [method for method in methods if method["id"] != "reauthenticate"]
        return factors if factors and user.has_second_factor else methods

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Let a worker send the mail: a wait for the mail server would reveal that the account exists.

        Nor does the page say that the queue is away: that, too, would reveal it. A person who gets no mail asks again.
        """
        message = self.render_mail(template_prefix, email, context)
        call_worker(send_email, subject=message.subject, body=str(message.body), to=message.to)
