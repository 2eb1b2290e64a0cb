"""One message: its page, the bodies in it, and the grid of its recipients.

A log gives its messages these pages by three subclasses that name its tool and its addresses::

    class OwnMessage:
        tool = Tool.SENT_MESSAGE_LOG
        url_name = "web:sent_message_log_message"       # and …_recipients, …_body
        log_url_name = "web:sent_message_log"

    class OwnMessagePage(OwnMessage, MessagePage): ...
    class OwnMessageBody(OwnMessage, MessageBody): ...
    class OwnMessageRecipients(OwnMessage, MessageRecipients): ...
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from django.views.generic import View

from accounts.access import MissingRight, SignedInRequest, ToolRightMixin
from accounts.listings import ToolListingView
from accounts.services import record_audit_event
from accounts.tools import Right, Tool
from listings.columns import ListingTable, PageRows
from listings.context import ListContext
from listings.paging import Sort
from listings.views import is_htmx
from messenger_logs.choices import CANCELABLE, Mode
from messenger_logs.delivery_summary import DeliverySummary
from messenger_logs.merge_fields import merged
from messenger_logs.message_history import history_of
from messenger_logs.models import Delivery, Recipient, SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.status_labels import DUPLICATE_MARK
from web.body_frame import FRAME_POLICY, FRAMED, frame_document
from web.filters.recipients import RecipientFilters
from web.tables.recipients import RecipientTable


@dataclass(frozen=True)
class Body:
    """One mode's text on the page: in a frame of its own (`url`), or as plain text."""

    mode: Mode
    text: str = ""
    url: str = ""


class MessageView(ToolRightMixin, View):
    """What belongs to one message, for those to whom its tool shows it. For all others there is no such message."""

    request: SignedInRequest
    url_name: str
    log_url_name: str

    @cached_property
    def message(self) -> SentMessage:
        message: SentMessage = get_object_or_404(self.get_messages(), pk=self.kwargs["pk"])
        return message

    def require_message(self) -> None:
        """404 where there is no such message for this user."""
        _ = self.message

    def get_messages(self) -> SentMessageQuerySet:
        return SentMessage.objects.visible_to(self.request.user, self.tool).with_school_name()

    def address(self, part: str = "", **kwargs: Any) -> str:
        """Where this message is shown, or one of its parts."""
        name = f"{self.url_name}_{part}" if part else self.url_name
        return reverse(name, kwargs={"pk": self.message.pk, **kwargs})

    @property
    def message_url(self) -> str:
        return self.address()

    @property
    def log_url(self) -> str:
        return reverse(self.log_url_name)

    def record_view(self, part: str) -> None:
        record_audit_event(
            by=self.request.user,
            action="message.viewed",
            target=self.message.display_subject,
            details={"message": self.message.pk, "shown": part},
        )

    @property
    def may_see_values(self) -> bool:
        """Whether bodies may be shown with what a recipient's merge fields stood for."""
        return Right.MERGE_FIELD_VALUES in self.tool.rights and self.request.user.may(
            self.tool, Right.MERGE_FIELD_VALUES
        )

    @cached_property
    def recipient(self) -> Recipient | None:
        """The recipient whose values are asked for."""
        asked = self.request.GET.get("recipient", "")
        if not asked:
            return None
        if not self.may_see_values:
            raise MissingRight(Tool.ADMIN_SENT_MESSAGE_LOG, Right.MERGE_FIELD_VALUES)
        if not (asked.isascii() and asked.isdigit()):
            raise Http404
        recipient: Recipient = get_object_or_404(Recipient, message=self.message, pk=int(asked))
        return recipient

    @property
    def merge_values(self) -> dict[str, str]:
        return self.recipient.merge_fields if self.recipient else {}

    @property
    def cancel_url(self) -> str:
        """Where this user cancels the message; empty where there is nothing to cancel, or not by this tool or user."""
        may_cancel = Right.WRITE in self.tool.rights and self.request.user.may(self.tool, Right.WRITE)
        return self.address("cancel") if may_cancel and self.message.status in CANCELABLE else ""


@method_decorator(require_safe, name="dispatch")
class MessagePage(MessageView):
    """The message page; to htmx its Delivery Summary alone, which refreshes itself while the message runs."""

    template_name = "web/message.html"
    summary_template_name = "web/_delivery_summary.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        if is_htmx(request):
            # Part of the view that was recorded when the page was opened.
            response = render(request, self.summary_template_name, self.summary_context() | {"fragment": True})
        else:
            context = self.get_context()
            self.record_view("message" if self.recipient is None else "message, with a recipient's values")
            response = render(request, self.template_name, context)
        patch_vary_headers(response, ["HX-Request"])
        response["Cache-Control"] = "private, no-store"
        return response

    def summary_context(self) -> dict[str, Any]:
        summary = DeliverySummary.of(self.message)
        return {
            "summary": summary,
            "message_url": self.address(),
            "recipients_url": self.address("recipients"),
            "recipient": self.recipient,
            "cancel_url": self.cancel_url,
        }

    def get_context(self) -> dict[str, Any]:
        """Everything the page shows; a log with a page of its own adds to it."""
        return self.summary_context() | {
            "title": self.message.display_subject,
            "menu_path": self.tool.menu,
            "tool": self.tool,
            "log_url": self.log_url,
            "message": self.message,
            "bodies": self.bodies(),
            "may_see_values": self.may_see_values,
            "history": history_of(self.message),
        }

    def bodies(self) -> list[Body]:
        query = f"?recipient={self.recipient.pk}" if self.recipient else ""
        return [
            Body(mode, url=self.address("body", mode=mode.value) + query)
            if mode in FRAMED
            else Body(mode, text=merged(self.message.bodies[mode], self.merge_values))
            for mode in Mode
            if mode in self.message.bodies
        ]


@method_decorator(require_safe, name="dispatch")
class MessageBody(MessageView):
    """A body that may be HTML, for the sandboxed frame of the message page."""

    def get(self, request: HttpRequest, pk: int, mode: str) -> HttpResponse:
        if mode not in FRAMED or mode not in self.message.bodies:
            raise Http404
        document = frame_document(self.message.bodies[mode], self.merge_values)
        self.record_view(f"{Mode(mode).label} body")
        response = HttpResponse(document)
        response["Content-Security-Policy"] = FRAME_POLICY
        response["X-Frame-Options"] = "SAMEORIGIN"
        response["X-DNS-Prefetch-Control"] = "off"
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "private, no-store"
        return response


class MessageRecipients(MessageView, ToolListingView):
    """Every device of every recipient of a message, and what it came to."""

    table_class = RecipientTable
    filterset_class = RecipientFilters
    default_sort = "recipient"
    export_name = "recipients"
    row_name = "recipients"
    template_name = "web/message_recipients.html"
    exact_up_to = 100_000

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # A search that is only kept and answered with an address: for those, too, who may see the message alone.
        self.require_message()
        return super().post(request, *args, **kwargs)

    def begin(self, asked: dict[str, str], *, find: str) -> None:
        self.title = f"Recipients of {self.message.display_subject}"
        self.export_target = f"Recipients of message {self.message.pk}"
        self.export_details = {"message": self.message.pk}
        super().begin(asked, find=find)

    def get_queryset(self) -> Any:
        return Delivery.objects.filter(message=self.message).select_related("recipient")

    def read_sort(self, asked: str) -> Sort:
        sort = super().read_sort(asked)
        by_recipient = sort.path.startswith("recipient__")
        return replace(sort, restated=Q(recipient__message=self.message)) if by_recipient else sort

    def get_table(self, rows: PageRows) -> ListingTable:
        table = RecipientTable(rows, exclude=() if self.may_see_values else ("as_sent",))
        table.message_url = self.address()
        return table

    def notes(self) -> list[str]:
        notes = ["A recipient has a row for each device, and for each student the message was about."]
        if any(row.duplicate for row in self.page.rows):
            notes.append(
                f"{DUPLICATE_MARK} This address or number is in the message more than once; it got the message once"
                " and counts once."
            )
        return notes

    def render(self, screen: ListContext) -> HttpResponseBase:
        if not is_htmx(self.request):
            self.record_view("recipients")
        return super().render(screen)


class OwnMessage:
    tool = Tool.SENT_MESSAGE_LOG
    url_name = "web:sent_message_log_message"
    log_url_name = "web:sent_message_log"


class AllMessage:
    tool = Tool.ADMIN_SENT_MESSAGE_LOG
    url_name = "web:admin_sent_message_log_message"
    log_url_name = "web:admin_sent_message_log"


class OwnMessagePage(OwnMessage, MessagePage):
    pass


class OwnMessageBody(OwnMessage, MessageBody):
    pass


class OwnMessageRecipients(OwnMessage, MessageRecipients):
    pass


class AnybodysMessagePage(AllMessage, MessagePage):
    pass


class AnybodysMessageBody(AllMessage, MessageBody):
    pass


class AnybodysMessageRecipients(AllMessage, MessageRecipients):
    pass
