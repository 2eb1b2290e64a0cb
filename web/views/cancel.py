"""Cancels a message, from its page or from Upcoming Messages. A warning with numbers comes first.

The warning is a page; htmx gets only its contents, for a dialog.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.fragments import is_htmx, page_or_fragment
from listings.context import list_address
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.choices import MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.services.cancel import CancelAnswer, Result, cancel_message, check_cancel
from web.cancel_text import cancel_text
from web.message_access import CANCEL_SHOWN, record_late_cancel
from web.message_urls import message_urls
from web.views.message import ChangeMessageView

LEVELS = {Result.CANCELED: messages.SUCCESS, Result.ALREADY_CANCELED: messages.INFO, Result.FINISHED: messages.WARNING}


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class CancelMessage(ChangeMessageView):
    """GET warns, POST cancels and leads back to the message."""

    def part_shown(self) -> str:
        # A redirect shows the result; see post.
        return CANCEL_SHOWN

    def get_messages(self) -> SentMessageQuerySet:
        return SentMessage.objects.in_reach_of_cancel(self.request.user, self.tool)

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        context = self.get_context() | {"fragment": is_htmx(request)}
        return page_or_fragment(request, page="web/cancel.html", fragment="web/_cancel_in_dialog.html", context=context)

    def get_context(self) -> dict[str, Any]:
        answer = check_cancel(message_id=self.message.pk, by=self.request.user)
        subject = self.message.display_subject
        return {
            "title": subject if answer else _("Cancel “%(subject)s”?") % {"subject": subject},
            "menu_path": self.tool.menu.label,
            "tool": self.tool,
            "log_url": self.log_url,
            "message": self.message,
            "cancel_url": self.url("cancel"),
            "back_url": self.back_url(),
            "answer": answer,
            "figures": cancel_figures(self.message.pk),
        }

    def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        answer = cancel_message(message_id=self.message.pk, by=self.request.user)
        record_late_cancel(answer)
        messages.add_message(request, LEVELS[answer.result], self.result_text(answer))
        return HttpResponseRedirect(self.back_url())

    def back_url(self) -> str:
        return self.url()

    def result_text(self, answer: CancelAnswer) -> str:
        return cancel_text(answer)


class CancelUpcomingMessage(CancelMessage):
    """Leads to the message, which has the proof of its cancel.

    If another person canceled it, or it has ended, its page may be in a log alone; if no log shows it to this user, the
    way leads back to the list.
    """

    def back_url(self) -> str:
        if SentMessage.objects.visible_to(self.request.user, self.tool).filter(pk=self.message.pk).exists():
            return self.url()
        in_a_log = message_urls(self.request.user, [self.message.pk]).get(self.message.pk)
        return in_a_log or self.list_url()

    def list_url(self) -> str:
        begun = self.message.status in {MessageStatus.IN_PROGRESS, MessageStatus.CANCELED_IN_PROGRESS}
        own = self.message.sender_id == self.request.user.pk
        values = {"tab": "in_progress" if begun else "", "whose": "" if own else "all"}
        return list_address(self.log_url, values, default_sort="")

    def result_text(self, answer: CancelAnswer) -> str:
        return f"{answer.message.display_subject}: {cancel_text(answer)}"
