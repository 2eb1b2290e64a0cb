"""The calls and texts in doubt of a message: nobody knows whether they arrived. A person can send them again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from accounts.tools import Right
from dispatch.services.retry import in_doubt, retry_deliveries
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from web.views.message import MessageView

# At most this many are shown. After they are sent, the page shows the next ones.
SHOWN = 200


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class RetryDeliveries(MessageView):
    right = Right.WRITE

    def part_shown(self) -> str:
        return "calls and texts in doubt"

    def get_messages(self) -> SentMessageQuerySet:
        return SentMessage.objects.in_reach_of_retry(self.request.user, self.tool)

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        subject = self.message.display_subject
        doubtful = in_doubt(self.message).select_related("recipient").order_by("pk")
        context = {
            "title": f"Calls and texts in doubt of {subject}",
            "menu_path": self.tool.menu,
            "tool": self.tool,
            "log_url": self.log_url,
            "deliveries": doubtful[:SHOWN],
            "count": doubtful.count(),
        }
        return render(request, "web/retry.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        shown = in_doubt(self.message).order_by("pk").values_list("pk", flat=True)[:SHOWN]
        wanted = set(request.POST.getlist("delivery"))
        chosen = [pk for pk in shown if str(pk) in wanted]
        count = retry_deliveries(message_id=self.message.pk, deliveries=chosen, by=self.request.user)
        if count:
            messages.success(request, f"{count:,} of them go out again.")
        else:
            messages.warning(request, "Nothing is sent again: none was chosen, or they are not in doubt any more.")
        return HttpResponseRedirect(request.path)
