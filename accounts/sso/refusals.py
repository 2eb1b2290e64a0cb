"""What a person sees who comes back from a provider and is not let in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.sso.services import NotLetIn, Reason

# The other reasons would tell a stranger who has an account.
_TEXTS = {
    Reason.UNVERIFIED: _(
        "It did not say that your e-mail address is verified, so we cannot know which account is yours."
    ),
    Reason.CLAIM: _("It did not say that you belong to the part of the organization that may sign in here."),
}
_ANY = _("Your account there does not open Messenger Logs.")


def not_let_in(request: HttpRequest, provider: Any, refused: NotLetIn) -> HttpResponse:
    context = {"provider": provider.name, "reason": _TEXTS.get(refused.reason, _ANY)}
    return render(request, "account/not_let_in.html", context, status=HTTPStatus.FORBIDDEN)


def back_to_sign_in(request: HttpRequest, provider: Any) -> HttpResponse:
    """Lead back to the sign-in page: the person turned round, or the provider answered nothing that we understand."""
    sentence = gettext("You are not signed in: %(provider)s did not confirm it. Try again, or sign in here.")
    messages.warning(request, sentence % {"provider": provider.name})
    return redirect("account_login")
