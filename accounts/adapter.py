from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.models import User
from accounts.services import record_lockout
from accounts.tasks import send_email
from core.queue import call_worker


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in for the staff of a district. Nobody can sign up, and no answer reveals which accounts exist."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "No account has this username or e-mail address with this password.",
        "email_password_mismatch": "No account has this username or e-mail address with this password.",
        "too_many_login_attempts": (
            "Sign-in is locked for a while after too many failed attempts. Wait 15 minutes, then try again."
        ),
        "enter_current_password": "This is not your current password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt against the account, for its username and its e-mail address alike."""
        login = credentials.get("username") or credentials.get("email", "")
        account = User.objects.signing_in_as(login)
        try:
            super().pre_authenticate(request, username=account.username if account else login)
        except ValidationError:
            record_lockout(account=account)
            raise

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Let a worker send the mail: a wait for the mail server would reveal that the account exists.

        Nor does the page say that the queue is away: that, too, would reveal it. A person who gets no mail asks again.
        """
        message = self.render_mail(template_prefix, email, context)
        call_worker(send_email, subject=message.subject, body=str(message.body), to=message.to)
