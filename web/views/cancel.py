"""Canceling a message from its page or from Upcoming Messages: a warning in numbers first, then the answer in words.

The warning is a page of its own, and to htmx what stands in a dialog.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from accounts.tools import Right
from listings.context import address
from listings.views import is_htmx
from messenger_logs.choices import MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.services.cancel import CancelAnswer, Result, cancel_message, refused
from messenger_logs.services.complete_cancel import stopped_and_left
from web.listings.upcoming_messages import UpcomingMessage
from web.message_urls import message_addresses
from web.views.message import AllMessage, MessageView, OwnMessage

LEVELS = {Result.CANCELED: messages.SUCCESS, Result.ALREADY_CANCELED: messages.INFO, Result.FINISHED: messages.WARNING}


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class CancelMessage(MessageView):
    right = Right.WRITE

    def get_messages(self) -> SentMessageQuerySet:
        return SentMessage.objects.in_reach_of_cancel(self.request.user, self.tool)

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        fragment = is_htmx(request)
        template = "web/_cancel_in_dialog.html" if fragment else "web/cancel.html"
        response = render(request, template, self.get_context() | {"fragment": fragment})
        patch_vary_headers(response, ["HX-Request"])
        response["Cache-Control"] = "private, no-store"
        return response

    def get_context(self) -> dict[str, Any]:
        answer = refused(message_id=self.message.pk, by=self.request.user)
        subject = self.message.display_subject
        return {
            "title": subject if answer else f"Cancel “{subject}”?",
            "menu_path": self.tool.menu,
            "tool": self.tool,
            "log_url": self.log_url,
            "message": self.message,
            "cancel_url": self.address("cancel"),
            "back_url": self.back_url(),
            "answer": answer,
            "figures": stopped_and_left(self.message.pk),
        }

    def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        answer = cancel_message(message_id=self.message.pk, by=self.request.user)
        messages.add_message(request, LEVELS[answer.result], self.said(answer))
        return HttpResponseRedirect(self.back_url())

    def back_url(self) -> str:
        return self.address()

    def said(self, answer: CancelAnswer) -> str:
        return answer.words


class CancelOwnMessage(OwnMessage, CancelMessage):
    pass


class CancelAnybodysMessage(AllMessage, CancelMessage):
    pass


class CancelUpcomingMessage(UpcomingMessage, CancelMessage):
    """Back on the list, which does not have the message any more: so the answer names it, and leads to it."""

    def back_url(self) -> str:
        begun = self.message.status in {MessageStatus.IN_PROGRESS, MessageStatus.CANCELED_IN_PROGRESS}
        own = self.message.sender_id == self.request.user.pk
        asked = {"tab": "in_progress" if begun else "", "whose": "" if own else "all"}
        return address(self.log_url, asked, default_sort="")

    def said(self, answer: CancelAnswer) -> str:
        subject = answer.message.display_subject
        page = message_addresses(self.request.user, [answer.message.pk]).get(answer.message.pk)
        if page is None:
            return f"{subject}: {answer.words}"
        return format_html('<a href="{}">{}</a>: {}', page, subject, answer.words)
