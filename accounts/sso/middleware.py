from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import record_audit_event
from accounts.sso.sessions import ProviderSession, goes_on

ENDED = _("Your session has ended, because your school's sign-in did not confirm it again. Sign in once more.")


class ProviderSessionMiddleware:
    """Ends a session that came from a provider when the provider no longer confirms it.

    The request goes on signed out, so each page and fragment leads to the sign-in page as it does for everybody.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session = ProviderSession.of(request)
        if session and session.is_due and not goes_on(request, session):
            self.end(request)
        return self.get_response(request)

    def end(self, request: HttpRequest) -> None:
        if isinstance(request.user, User):
            record_audit_event(by=request.user, action="sign_out.not_confirmed")
        request.session.flush()
        request.user = AnonymousUser()
        messages.warning(request, ENDED)
