"""Shows an administrator the product as another person may see it: who, for how long, and what is refused meanwhile.

accounts/view_as.py has the rule who may see the product as whom.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Self

from django.conf import settings
from django.contrib import messages
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.urls import ResolverMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from accounts.services import record_look
from accounts.sign_in_middleware import REACHED_WITHOUT
from accounts.view_as import PrivatePage, ReadOnlyView, end_view, start_view, why_no_view
from web.views.errors import forbidden

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LONGEST = timedelta(minutes=30)
_KEY = "view_as"
# Why a view is over. The audit trail has these words.
TIME_OVER, RIGHTS_CHANGED = "30 minutes are over", "rights have changed"
# What the administrator does in their own name during a view.
OWN_NAME = REACHED_WITHOUT | {"web:end_view_as"}
# The files that a person has uploaded or had made, and the views that a person keeps, are nobody else's to see.
PRIVATE = frozenset(
    {
        *("web:my_reports", "web:report_job", "web:message_import", "web:import_job", "web:import_map"),
        *("web:saved_views", "web:saved_view", "web:my_notifications"),
    }
)


@dataclass(frozen=True)
class View:
    """As whom somebody sees the product, and until when. The session has it, so it ends with the session."""

    viewer_id: int
    person_id: int
    username: str
    name: str
    until: datetime

    @classmethod
    def of(cls, request: HttpRequest) -> Self | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        kept: dict[str, Any] | None = request.session.get(_KEY)
        return cls(**kept | {"until": datetime.fromisoformat(kept["until"])}) if kept else None

    def keep(self, session: SessionBase) -> None:
        session[_KEY] = vars(self) | {"until": self.until.isoformat()}


def start(request: HttpRequest, *, viewer: User, person: User) -> None:
    """Begin a view. Raises accounts.view_as.ViewRefused."""
    start_view(by=viewer, person=person)
    until = timezone.now() + LONGEST
    View(viewer.pk, person.pk, person.username, person.listed_name, until).keep(request.session)
    # A form of a page that was opened before is then refused: nobody takes its button for one of the view.
    rotate_token(request)


def end(request: HttpRequest, view: View, *, viewer: User, because: str) -> None:
    """End the view. A form that a page of it still shows is refused from then on."""
    del request.session[_KEY]
    end_view(by=viewer, person=view.username, because=because)
    rotate_token(request)


class ViewAsMiddleware:
    """Lets the pages see the person in place of the administrator. It is read only.

    It stands after all that checks the session of the administrator, and does its work when the address is known. Only
    pages of the product are open meanwhile, and nothing that is not a page, such as a file.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        person: User | None = getattr(request, "viewed_person", None)
        if not person:
            return response
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return forbidden(request, ReadOnlyView())
        if response.status_code == HTTPStatus.OK and request.resolver_match:
            record_page(person, request.resolver_match)
        return response

    def process_view(
        self, request: HttpRequest, view: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> HttpResponseBase | None:
        viewing, viewer, match = View.of(request), request.user, request.resolver_match
        if not viewing or not isinstance(viewer, User) or not match:
            return None
        if match.view_name in OWN_NAME:
            if match.view_name == "account_logout" and request.method == "POST":
                end(request, viewing, viewer=viewer, because="signed out")
            return None
        person = User.objects.filter(pk=viewing.person_id).first()
        if because := over(viewing, viewer, person):
            return end_here(request, viewing, viewer, because)
        assert person
        person.viewed_by = viewer
        request.user = request.viewed_person = person  # type: ignore[attr-defined]
        check_open(request, match)
        return None


def over(view: View, viewer: User, person: User | None) -> str:
    """Return why the view is over, as the audit trail has it; "" if it goes on."""
    if timezone.now() >= view.until:
        return TIME_OVER
    changed = view.viewer_id != viewer.pk or person is None or why_no_view(viewer, person)
    return RIGHTS_CHANGED if changed else ""


def _told(because: str) -> str:
    return gettext("30 minutes are over") if because == TIME_OVER else gettext("rights have changed")


def end_here(request: HttpRequest, view: View, viewer: User, because: str) -> HttpResponseBase:
    """End the view, and lead away: this request was made in it, and must not become one of the administrator."""
    end(request, view, viewer=viewer, because=because)
    messages.info(request, gettext("You see your own pages again, because %(because)s.") % {"because": _told(because)})
    address = reverse("web:person", args=[view.person_id])
    return HttpResponseClientRedirect(address) if HtmxDetails(request) else redirect(address)


def check_open(request: HttpRequest, match: ResolverMatch) -> None:
    """Raises ReadOnlyView or PrivatePage."""
    if request.method not in SAFE_METHODS or match.namespace != "web":
        raise ReadOnlyView
    if match.view_name in PRIVATE:
        raise PrivatePage


def record_page(person: User, match: ResolverMatch) -> None:
    """Record the page, by its address without values: most lists leave no row of their own."""
    numbers = {name: value for name, value in match.kwargs.items() if isinstance(value, int)}
    record_look(by=person, action="view_as.page", target=f"/{match.route}", details=numbers)
