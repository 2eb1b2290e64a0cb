from collections.abc import Iterator
from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from accounts.known_devices import known_device, remember_device
from accounts.models import User
from accounts.services import record_lockout
from accounts.tasks import send_email
from core.queue import call_worker


def limits(request: HttpRequest, *, login: str, account: User | None) -> Iterator[tuple[str, str]]:
    """Yield the limits for a sign-in, each as its action in ACCOUNT_RATE_LIMITS and what it counts.

    An account is counted by its username, whether the person enters that or the e-mail address. A device where the
    person has signed in before has a count of its own, which nobody else can use up. All others count by account and
    address together; the count of the account alone is wide, and only there against one who has many addresses.
    """
    name = (account.username if account else login).lower()
    if account and (device := known_device(request, account)):
        yield "login_failed_on_known_device", f"{name}:{device}"
        return
    yield "login_failed", f"{name}:{ratelimit.get_ip(request)}"
    yield "login_failed_anywhere", name


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in for the staff of a district. Nobody can sign up, and no answer reveals which accounts exist."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "No account has this username or e-mail address with this password.",
        "email_password_mismatch": "No account has this username or e-mail address with this password.",
        "too_many_login_attempts": (
            "Sign-in is locked for a while after too many failed attempts. Wait 15 minutes, then try again, or sign in"
            " where you have signed in before."
        ),
        "enter_current_password": "This is not your current password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt in each limit that it falls under (see ACCOUNT_RATE_LIMITS); a good sign-in takes it back.

        Raises ValidationError if one is used up.
        """
        login = credentials.get("username") or credentials.get("email", "")
        account = User.objects.signing_in_as(login)
        self._login_failed_rl_usage = ratelimit.RateLimitUsage(usage=[])
        for action, key in limits(request, login=login, account=account):
            used = ratelimit.consume(request, app="allauth.account", action=action, key=key)
            if not used:
                record_lockout(account=account)
                raise self.validation_error("too_many_login_attempts")
            self._login_failed_rl_usage.usage += used.usage

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **options: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **options)
        remember_device(request, response, account=cast(User, user))
        return response

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Let a worker send the mail: a wait for the mail server would reveal that the account exists.

        Nor does the page say that the queue is away: that, too, would reveal it. A person who gets no mail asks again.
        """
        message = self.render_mail(template_prefix, email, context)
        call_worker(send_email, subject=message.subject, body=str(message.body), to=message.to)
