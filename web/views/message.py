"""The page of one message, and its bodies. `as_view(tool=…)` names the tool that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from django.views.generic import View

from accounts.access import SignedInRequest, ToolRightMixin
from accounts.models import AuditEvent
from accounts.scopes import Scope
from accounts.tools import MissingRight, Right, Tool
from core.fragments import is_htmx, page_or_fragment
from core.ids import read_id
from core.languages import english
from messenger_logs.choices import CANCELABLE, MessageStatus, Mode
from messenger_logs.delivery_summary import DeliverySummary
from messenger_logs.merge_fields import merged
from messenger_logs.message_history import history_of
from messenger_logs.models import Recipient, SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.scope_texts import scope_note
from messenger_logs.sight import Sight
from messenger_logs.totals import Totals
from web.body_frame import FRAME_POLICY, FRAMED, frame_document
from web.menu import page_url
from web.message_access import find_changeable, may_see_values, record_message_view, values_scope
from web.message_urls import message_url, who_saw_url
from web.outcome_bars import mode_bars
from web.people_reached import people_reached
from web.removed_notes import removed_notes
from web.views.drill import compare_url, mark_url
from web.what_happened import Addresses, what_happened


@dataclass(frozen=True)
class Body:
    """The text of one mode on the page: in a frame (`url`), or as plain text (`text`)."""

    mode: Mode
    text: str = ""
    url: str = ""


class MessageView(ToolRightMixin, View):
    """The base of views of one message. Raises Http404 if the tool does not show the message to the user."""

    request: SignedInRequest
    tool = Tool.SENT_MESSAGE_LOG

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and record in the audit trail what of the message the answer shows."""
        response = super().dispatch(request, *args, **kwargs)
        # For htmx a redirect is a 200, too.
        answered = response.status_code == HTTPStatus.OK and "HX-Redirect" not in response
        if answered and (part := self.part_shown()):
            details = {"person": self.recipient.person_id} if self.recipient else {}
            record_message_view(self.message, by=self.request.user, part=part, **details)
        return response

    def part_shown(self) -> str:
        """Return what of the message the answer shows, for the audit trail; "" if it is no view of the message."""
        return ""

    @cached_property
    def message(self) -> SentMessage:
        message: SentMessage = get_object_or_404(self.get_messages(), pk=self.kwargs["pk"])
        return message

    def get_messages(self) -> SentMessageQuerySet:
        return SentMessage.objects.visible_to(self.request.user, self.tool).with_school_name()

    def url(self, part: str = "", **arguments: Any) -> str:
        """Return the address of this message, or of one of its parts."""
        return message_url(self.tool, self.message.pk, part, **arguments)

    @property
    def log_url(self) -> str:
        return page_url(self.tool)

    @property
    def may_see_values(self) -> bool:
        return may_see_values(self.request.user, self.tool)

    @cached_property
    def recipient(self) -> Recipient | None:
        """The recipient whose merge-field values are shown; None to show the names of the fields.

        Raises MissingRight without the right to see values, and Http404 if the message has no such recipient
        of the schools for which the user has that right.
        """
        wanted = self.request.GET.get("recipient", "")
        if not wanted:
            return None
        if not self.may_see_values:
            raise MissingRight(Tool.ADMIN_SENT_MESSAGE_LOG, Right.MERGE_FIELD_VALUES)
        shown = Recipient.objects.in_scope(values_scope(self.request.user, self.tool))
        recipient: Recipient = get_object_or_404(shown, message=self.message, pk=read_id(wanted))
        return recipient

    @property
    def merge_values(self) -> dict[str, str]:
        return self.recipient.merge_fields if self.recipient else {}

    @property
    def cancel_url(self) -> str:
        """The address to cancel the message; "" if it cannot be canceled, or not by this user or tool."""
        may_cancel = Right.WRITE in self.tool.rights and self.request.user.may(self.tool, Right.WRITE)
        return self.url("cancel") if may_cancel and self.message.status in CANCELABLE and self.may_change else ""

    @cached_property
    def may_change(self) -> bool:
        """Whether the message is the user's own, or of schools for which the user may change it."""
        return Sight.to_change(self.request.user, self.tool).holds_wholly(self.message)

    @cached_property
    def scope(self) -> Scope:
        """The schools whose people the tool shows of this message."""
        return Sight.of(self.request.user, self.tool).scope_in(self.message)


class ChangeMessageView(MessageView):
    """The base of views that change a message: `get_messages` has those that the user may change."""

    right = Right.WRITE

    @cached_property
    def message(self) -> SentMessage:
        return find_changeable(self.get_messages(), pk=self.kwargs["pk"], user=self.request.user, tool=self.tool)


@method_decorator(require_safe, name="dispatch")
class MessagePage(MessageView):
    """The message page. htmx gets only the Delivery Summary, which is refreshed while the message runs."""

    template_name = "web/message.html"
    summary_class = DeliverySummary
    summary_template_name = "web/_delivery_summary.html"

    def part_shown(self) -> str:
        return "message" if self.recipient is None else "message, with a recipient's values"

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        context = self.summary_context() | {"fragment": True} if is_htmx(request) else self.get_context()
        return page_or_fragment(request, page=self.template_name, fragment=self.summary_template_name, context=context)

    def summary_context(self) -> dict[str, Any]:
        summary = self.summary_class.of(self.message)
        return {
            "summary": summary,
            "message_url": self.url(),
            "recipients_url": self.url("recipients"),
            "reached": people_reached(summary, self.url("recipients"), self.scope),
            "happened": what_happened(summary, self.addresses()),
            "certificate_url": self.url("certificate") if summary.canceled and summary.canceled.final else "",
            "scope_note": scope_note(self.message, self.scope),
            "bars": mode_bars(summary, self.url("recipients")),
            "unreached_url": self.url("unreached"),
            "call_sheet_url": self.url("call_sheet"),
            "recipient": self.recipient,
            "cancel_url": self.cancel_url,
        }

    def get_context(self) -> dict[str, Any]:
        """Return everything that the page shows. The pages of other logs add to it."""
        context = self.summary_context()
        return context | {
            "title": self.message.display_subject,
            "menu_path": self.tool.menu.label,
            "tool": self.tool,
            "log_url": self.log_url,
            "message": self.message,
            "bodies": self.bodies(),
            "retry_url": self.retry_url(context["summary"].totals),
            "may_see_values": self.may_see_values,
            "history": history_of(self.message),
            "who_saw_url": who_saw_url(self.request.user, self.message.pk),
            "seen_by": self.seen_by(),
            # Then how the recipients were chosen is what to look at.
            "open_criteria": self.message.status == MessageStatus.NO_RECIPIENTS,
            "removed_notes": removed_notes(self.message),
            "mark_drill_url": mark_url(self.request.user, self.message),
            "drill_url": compare_url(self.request.user, self.message),
        }

    def addresses(self) -> Addresses:
        health = reverse("web:system_health") if self.request.user.may(Tool.MAILGUN_SYNC) else ""
        return Addresses(self.url("recipients"), self.url("call_sheet"), "#criteria", health, self.scope)

    def seen_by(self) -> int:
        """Return how many people looked at the message, as the Audit Trail shows it to the user."""
        looks = AuditEvent.objects.visible_to(self.request.user).of_message(self.message.pk)
        return looks.filter(action="message.viewed").values("who_id").distinct().count()

    def retry_url(self, totals: Totals) -> str:
        """Return the address of the calls and texts in doubt; "" if there are none, or not for this user."""
        if not (totals.received and self.message.dispatched_here):
            return ""
        tool = self.tool if Right.WRITE in self.tool.rights else Tool.UPCOMING_MESSAGES
        in_reach = SentMessage.objects.in_reach_of_retry(self.request.user, tool).contains(self.message)
        return message_url(tool, self.message.pk, "retry") if in_reach else ""

    def bodies(self) -> list[Body]:
        query = f"?recipient={self.recipient.pk}" if self.recipient else ""
        return [
            Body(mode, url=self.url("body", mode=mode.value) + query)
            if mode in FRAMED
            else Body(mode, text=merged(self.message.bodies[mode], self.merge_values))
            for mode in Mode
            if mode in self.message.bodies
        ]


@method_decorator(require_safe, name="dispatch")
class MessageBody(MessageView):
    """A body that may be HTML, for the sandboxed frame on the message page."""

    def part_shown(self) -> str:
        return f"{english(Mode(self.kwargs['mode']).label)} body"

    def get(self, request: HttpRequest, pk: int, mode: str) -> HttpResponse:
        if mode not in FRAMED or mode not in self.message.bodies:
            raise Http404
        document = frame_document(self.message.bodies[mode], self.merge_values)
        response = HttpResponse(document)
        response["Content-Security-Policy"] = FRAME_POLICY
        response["X-Frame-Options"] = "SAMEORIGIN"
        response["X-DNS-Prefetch-Control"] = "off"
        response["Referrer-Policy"] = "no-referrer"
        return response
