"""The mail with which a person chooses the first password: it has the link of a password reset."""

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.utils import build_absolute_uri
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from accounts.services import record_audit_event
from core.languages import in_language_of


def send_invitation(request: HttpRequest, *, to: User) -> None:
    """Let a worker send the mail, and record it. The link works once, as long as that of a password reset."""
    adapter = get_adapter(request)
    key = f"{user_pk_to_url_str(to)}-{default_token_generator.make_token(to)}"
    context = {
        "user": to,
        "password_reset_url": adapter.get_reset_password_from_key_url(key),
        "new_link_url": build_absolute_uri(request, reverse("account_reset_password")),
    }
    with in_language_of(to):
        adapter.send_mail("account/email/invitation", to.email, context)
    record_audit_event(by=request.user, action="account.invited", target=to.username)  # type: ignore[arg-type]
