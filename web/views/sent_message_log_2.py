"""The message pages of Sent Message Log 2.0 and Upcoming Messages."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext
from django_htmx.http import HttpResponseClientRedirect

from core.fragments import is_htmx
from core.statuses import Status
from messenger_logs.choices import MessageStatus
from messenger_logs.criteria import RECIPIENT_COUNT, WITHOUT_DEVICE, general_criteria, tool_criteria
from messenger_logs.delivery_summary import DeliverySummary
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.status_labels import SENT_MESSAGE_LOG_2_STATUSES
from web.message_urls import message_urls
from web.views.message import MessagePage

# The criteria that count people, and the figures that list them.
_PEOPLE = {RECIPIENT_COUNT: "recipients", WITHOUT_DEVICE: "no_device"}


class SentMessageLog2Summary(DeliverySummary):
    """The Delivery Summary with the status names of the 2.0 log."""

    @property
    def status(self) -> Status:
        return SENT_MESSAGE_LOG_2_STATUSES[MessageStatus(self.message.status)]


class SentMessageLog2Page(MessagePage):
    """The page of a 2.0 message."""

    template_name = "web/sent_message_log_2_message.html"
    summary_class = SentMessageLog2Summary
    summary_template_name = "web/_delivery_information.html"

    def get_messages(self) -> SentMessageQuerySet:
        return super().get_messages().prefetch_related("calendars")

    def get_context(self) -> dict[str, Any]:
        context = super().get_context()
        totals = context["summary"].totals
        figures = {gettext(criterion): figure for criterion, figure in _PEOPLE.items()}
        return context | {
            "general_criteria": [
                (label, value, figures.get(label, "")) for label, value in general_criteria(self.message, totals)
            ],
            "tool_criteria": tool_criteria(self.message),
        }


class UpcomingMessagePage(SentMessageLog2Page):
    """View Details. If the message has gone out meanwhile, lead to its page in a log that shows it to this user."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        try:
            return super().get(request, pk)
        except Http404:
            url = message_urls(self.request.user, [pk]).get(pk)
            if url is None:
                raise
            return HttpResponseClientRedirect(url) if is_htmx(request) else HttpResponseRedirect(url)
