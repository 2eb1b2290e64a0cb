"""The sessions of people: how long they last, where they are, and how they end.

A session ends after SESSION_IDLE_MINUTES without a request, and after SESSION_HOURS in any case. It holds both times,
in Unix seconds. allauth's `UserSession` says where a session was begun and when it was last used.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.services import end_tokens, record_audit_event
from core.languages import ENGLISH, in_language

BEGUN, SEEN = "begun_at", "seen_at"
# A session remembers its last request this exactly, in seconds: else each request would write.
EXACT = 60
# Pages refresh without a person. static/pages.js marks these requests, so that they keep no session alive.
UNATTENDED = "X-Unattended"


def begin_session(request: HttpRequest) -> None:
    """Let the time of a session begin, after a good sign-in."""
    request.session[BEGUN] = request.session[SEEN] = int(time.time())


class Limit(NamedTuple):
    """A limit of time of a session. `words` says which for the audit trail: "60 minutes without activity"."""

    words: str
    notice: str
    """A sentence for the person."""


def limit_reached(request: HttpRequest) -> Limit | None:
    """Return which limit of time ends this session; None if it may go on."""
    now, session = time.time(), request.session
    if now - session.get(BEGUN, now) >= settings.SESSION_HOURS * 3600:
        number = settings.SESSION_HOURS
        notice = ngettext("You were signed out after %(n)s hour.", "You were signed out after %(n)s hours.", number)
        return Limit(f"{number} hours", notice % {"n": number})
    if now - session.get(SEEN, now) >= settings.SESSION_IDLE_MINUTES * 60:
        number = settings.SESSION_IDLE_MINUTES
        notice = ngettext(
            "You were signed out after %(n)s minute without activity.",
            "You were signed out after %(n)s minutes without activity.",
            number,
        )
        return Limit(f"{number} minutes without activity", notice % {"n": number})
    return None


def note_activity(request: HttpRequest) -> None:
    """Remember that a person is at work in this session. A session of an earlier version begins now."""
    if BEGUN not in request.session:
        begin_session(request)
        UserSession.objects.create_from_request(request)
    elif UNATTENDED not in request.headers and time.time() - request.session[SEEN] >= EXACT:
        request.session[SEEN] = int(time.time())
        UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=timezone.now())


def expire_session(request: HttpRequest, *, because: str) -> None:
    """End the session of a request. The request goes on, with nobody signed in."""
    user = request.user
    assert isinstance(user, User)
    with transaction.atomic():
        UserSession.objects.filter(session_key=request.session.session_key).delete()
        request.session.flush()
        record_audit_event(by=user, action="session.ended", details={"because": because})
    request.user = AnonymousUser()


def sessions_of(user: User) -> QuerySet[UserSession]:
    """Return the sessions in which a person is signed in, the newest first."""
    now = timezone.now()
    stored = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=now)
    # What is within the exactness of the idle limit counts as alive.
    idle = timedelta(minutes=settings.SESSION_IDLE_MINUTES, seconds=EXACT)
    alive = UserSession.objects.filter(Exists(stored), user=user, last_seen_at__gt=now - idle)
    found: QuerySet[UserSession] = alive.order_by("-created_at", "-pk")
    return found


def end_sessions(sessions: Iterable[UserSession], *, by: User | None, because: str) -> int:
    """End sessions, and say so in the audit trail: one row for each. Returns how many there were."""
    ended = list(sessions)
    with transaction.atomic():
        Session.objects.filter(session_key__in=[session.session_key for session in ended]).delete()
        UserSession.objects.filter(pk__in=[session.pk for session in ended]).delete()
        for session in ended:
            with in_language(ENGLISH):
                device = device_name(session)
            details = {"because": because, "begun": session.created_at.isoformat(), "device": device}
            record_audit_event(by=by, action="session.ended", target=session.user.username, details=details)
    return len(ended)


def remove_second_factors(*, user: User, by: User) -> int:
    """Remove all second factors of a person who has lost them, and end the sessions and tokens. Returns their number.

    The next sign-in needs the password alone; where a group requires a factor, the person sets a new one up then.
    """
    with transaction.atomic():
        factors = list(Authenticator.objects.filter(user=user))
        for factor in factors:
            factor.removed_by = by
            factor.delete()
        if factors:
            end_sessions(UserSession.objects.filter(user=user), by=by, because="second factors removed")
            end_tokens(user=user)
    return len(factors)


def delete_forgotten() -> None:
    """Delete what is known about sessions that are not stored any more."""
    UserSession.objects.exclude(Exists(Session.objects.filter(session_key=OuterRef("session_key")))).delete()


# The first that fits: each of these browsers also calls itself by the names of later ones.
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS = {
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


def device_name(session: UserSession) -> str:
    """Return what a browser says it is, in words: "Firefox on Windows"."""
    browser, system = (_first(names, session.user_agent) for names in (_BROWSERS, _SYSTEMS))
    sentence = {
        (True, True): _("%(browser)s on %(system)s"),
        (True, False): _("%(browser)s on another system"),
        (False, True): _("Another browser on %(system)s"),
        (False, False): _("Another browser on another system"),
    }[bool(browser), bool(system)]
    return sentence % {"browser": browser, "system": system}


def _first(names: dict[str, str], text: str) -> str:
    return next((label for name, label in names.items() if re.search(rf"\b{name}", text)), "")
