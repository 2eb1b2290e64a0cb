"""The events of one e-mail in their order: accepted, delivered, opened. `as_view(tool=…)` names the log it is below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.generic import View

from accounts.access import SignedInRequest, ToolRightMixin
from accounts.services import record_look
from accounts.tools import Tool
from core.durations import duration_text
from core.statuses import Status
from mailgun_sync.models import MailgunEvent
from mailgun_sync.querysets import MailgunEventQuerySet
from web.listings.mailgun_message_log import event_status
from web.menu import page_url
from web.message_urls import message_urls

# An e-mail may be opened any number of times.
SHOWN = 200


@dataclass(frozen=True)
class Step:
    """An event, and how long after the one before it occurred; "" for the first one."""

    event: MailgunEvent
    status: Status
    after: str
    chosen: bool


@method_decorator(require_safe, name="dispatch")
class EmailEvents(ToolRightMixin, View):
    """Show the events of the e-mail of an event, those that the log shows to the user. Raises Http404 if it is not."""

    request: SignedInRequest
    # An argument of as_view().
    tool = Tool.MAILGUN_MESSAGE_LOG

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        event: MailgunEvent = get_object_or_404(self.shown.select_related("domain"), pk=pk)
        response = render(request, "web/email_events.html", self.get_context(event))
        self.record(event)
        return response

    @property
    def shown(self) -> MailgunEventQuerySet:
        return MailgunEvent.objects.visible_to(self.request.user, self.tool).defer("raw")

    def get_context(self, event: MailgunEvent) -> dict[str, Any]:
        events = list(self.shown.of_same_email(event).select_related("domain")[: SHOWN + 1])
        steps = list(steps_of(events[:SHOWN], chosen=event.pk))
        return {
            "title": _("E-mail: %(subject)s") % {"subject": event.subject or _("(no subject)")},
            "menu_path": self.tool.menu.label,
            "tool": self.tool,
            "log_url": page_url(self.tool),
            "event": event,
            "message_url": self.message_url(events),
            "steps": steps,
            "last": steps[-1] if steps else None,
            "more": len(events) > SHOWN,
        }

    def message_url(self, events: Sequence[MailgunEvent]) -> str:
        """Return the address of the message, if a log shows it to the user; else ""."""
        ids = {event.sent_message_id for event in events if event.sent_message_id}
        return next(iter(message_urls(self.request.user, ids).values()), "")

    def record(self, event: MailgunEvent) -> None:
        """Record in the audit trail that the user saw the e-mail, and whose it is."""
        about = {"message": event.sent_message_id, "people": [event.person_id] if event.person_id else None}
        details = {"event": event.pk} | {name: value for name, value in about.items() if value}
        record_look(by=self.request.user, action="email.viewed", target=self.tool.path_in_english, details=details)


def steps_of(events: Sequence[MailgunEvent], *, chosen: int) -> Iterator[Step]:
    """Yield the events as steps; ``chosen`` is the id of the one that was opened."""
    for at, event in enumerate(events):
        length = event.occurred_at - events[at - 1].occurred_at if at else None
        yield Step(event, event_status(event.kind), _after(length), event.pk == chosen)


def _after(length: timedelta | None) -> str:
    if length is None:
        return ""
    if length < timedelta(seconds=1):
        return _("at once")
    return _("%(duration)s later") % {"duration": duration_text(length)}
