"""The search in the top bar: it finds people and messages that the user's tools show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedInRequest
from accounts.models import User
from accounts.services import record_search
from accounts.tools import MESSAGE_LOGS, RECIPIENT_LOGS
from core.replica import from_replica, note_search, shows_changes_of
from core.statuses import Status
from core.text import encodable
from core.timeouts import StatementTimeout, statement_timeout
from listings import saved_searches
from listings.filters import MAX_TEXT
from messenger_logs.choices import Engine, MessageStatus
from messenger_logs.models import Recipient, SentMessage
from messenger_logs.people import find_people
from messenger_logs.status_labels import MESSAGE_STATUSES, SENT_MESSAGE_LOG_2_STATUSES
from web.listings.recipient_log import PersonField, choice
from web.menu import page_url
from web.message_urls import message_urls

PEOPLE_SHOWN, MESSAGES_SHOWN = 10, 20
SECONDS = 20


class CannotSearch(Exception):
    """The search was not made. The message says why."""


class SearchForm(forms.Form):
    # The Recipient Log reads the same saved search, so the field has the same name there.
    person = PersonField()


@dataclass(frozen=True)
class FoundPeople:
    log_url: str
    """The Recipient Log that shows them."""
    choices: list[str]
    """Buttons, as safe HTML."""
    more: bool
    one_meant: bool
    """Whether they are one person, and the text is the whole of that person's name, id, address or number."""


@dataclass(frozen=True)
class FoundMessage:
    message: SentMessage
    subject: str
    status: Status
    url: str


@dataclass(frozen=True)
class FoundMessages:
    rows: list[FoundMessage]
    more: bool


@dataclass(frozen=True)
class Found:
    """The results for a text. `people` or `messages` is None if the user has no log to search in."""

    text: str
    people: FoundPeople | None
    messages: FoundMessages | None

    @property
    def log_of_the_person_meant(self) -> str:
        """The address of the Recipient Log, if one person and nothing else is meant; "" otherwise.

        A text that is a part of one name may be meant for another: "Vang, Lia" is a part of "Vang, Blia".
        """
        messages = self.messages.rows if self.messages else []
        return self.people.log_url if self.people and self.people.one_meant and not messages else ""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: SignedInRequest) -> HttpResponse:
    if request.method == "POST":
        note_search(request)
        return save_search(request)
    find = request.GET.get("find", "")
    logs = [(tool.path, page_url(tool)) for tool in MESSAGE_LOGS if request.user.may(tool)]
    context: dict[str, object] = {"title": _("Search"), "find": find, "logs": logs}
    try:
        found = read_results(request, kept_text(request, find)) if find else None
    except CannotSearch as error:
        context["error"] = str(error)
    else:
        if found and found.log_of_the_person_meant:
            return HttpResponseRedirect(f"{found.log_of_the_person_meant}?find={find}")
        context["found"] = found
    return render(request, "web/search.html", context)


def save_search(request: SignedInRequest) -> HttpResponse:
    """Keep the text in the session, since it may be a name or an address, and lead to the results."""
    text = encodable(request.POST.get("person", ""))[: MAX_TEXT + 1]
    find = saved_searches.save(request.session, {"person": text} if text.strip() else {})
    return HttpResponseRedirect(f"{request.path}?find={find}" if find else request.path)


def kept_text(request: SignedInRequest, find: str) -> str:
    """Return the text of a saved search. Raises CannotSearch if it is not there, or not valid."""
    kept = saved_searches.load(request.session, find)
    if kept is None or set(kept) != {"person"}:
        raise CannotSearch(_("That search is not kept here any more. Enter it again."))
    form = SearchForm(kept)
    if not form.is_valid():
        raise CannotSearch(_("Search: %(error)s") % {"error": " ".join(map(str, form.errors["person"]))})
    return str(form.cleaned_data["person"])


def read_results(request: SignedInRequest, text: str) -> Found:
    """Look for people and messages. Raises CannotSearch."""
    return from_replica(partial(look_for, request.user, text), shows=shows_changes_of(request))


def look_for(user: User, text: str) -> Found:
    try:
        with statement_timeout(SECONDS):
            return Found(text, look_for_people(user, text), look_for_messages(user, text))
    except StatementTimeout:
        raise CannotSearch(_("This took too long and was stopped. Enter more of what you look for.")) from None


def look_for_people(user: User, text: str) -> FoundPeople | None:
    tool = next(filter(user.may, RECIPIENT_LOGS), None)
    if tool is None:
        return None
    found = find_people(Recipient.objects.visible_to(user, tool), text, limit=PEOPLE_SHOWN)
    record_search(by=user, target="Search", text=text)
    choices = [choice(person) for person in found.people]
    return FoundPeople(page_url(tool), choices, more=found.more, one_meant=found.only_one is not None)


def look_for_messages(user: User, text: str) -> FoundMessages | None:
    """Find messages by id, by the whole subject, then by a part of it; the newest first. None without a log of them."""
    if not any(map(user.may, MESSAGE_LOGS)):
        return None
    newest = SentMessage.objects.in_logs_of(user).order_by("-created_at", "-pk")
    newest = newest.defer("bodies", "attachments", "criteria")
    found = list(newest.known_as(text))
    for matches in (newest.called(text), newest.with_subject(text)):
        found += matches.exclude(pk__in=[message.pk for message in found])[: MESSAGES_SHOWN + 1]
    addresses = message_urls(user, [message.pk for message in found])
    rows = [as_found(message, addresses[message.pk]) for message in found[:MESSAGES_SHOWN] if message.pk in addresses]
    return FoundMessages(rows, more=len(found) > MESSAGES_SHOWN)


def as_found(message: SentMessage, url: str) -> FoundMessage:
    statuses = SENT_MESSAGE_LOG_2_STATUSES if message.engine == Engine.V2 else MESSAGE_STATUSES
    return FoundMessage(message, message.display_subject, statuses[MessageStatus(message.status)], url)
