"""The calls and texts in doubt of a message: nobody knows whether they arrived. A person can send them again."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dispatch.services.retry import in_doubt, retry_deliveries
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.sight import Sight
from web.views.message import ChangeMessageView

# At most this many are shown. After they are sent, the page shows the next ones.
SHOWN = 200


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class RetryDeliveries(ChangeMessageView):
    def part_shown(self) -> str:
        return "calls and texts in doubt"

    def get_messages(self) -> SentMessageQuerySet:
        return SentMessage.objects.in_reach_of_retry(self.request.user, self.tool)

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        subject = self.message.display_subject
        doubtful = self.doubtful().select_related("recipient")
        context = {
            "title": _("Calls and texts in doubt of %(subject)s") % {"subject": subject},
            "menu_path": self.tool.menu.label,
            "tool": self.tool,
            "log_url": self.log_url,
            "deliveries": doubtful[:SHOWN],
            "count": doubtful.count(),
        }
        return render(request, "web/retry.html", context)

    def doubtful(self) -> QuerySet[Delivery]:
        """Return the devices in doubt of the people whom the user sees: all of them to the sender."""
        seen = Sight.to_change(self.request.user, self.tool).scope_in(self.message)
        return in_doubt(self.message).in_scope(seen).order_by("pk")

    def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        shown = self.doubtful().values_list("pk", flat=True)[:SHOWN]
        wanted = set(request.POST.getlist("delivery"))
        chosen = [pk for pk in shown if str(pk) in wanted]
        count = retry_deliveries(message_id=self.message.pk, deliveries=chosen, by=self.request.user)
        if count:
            again = _("%(count)s of these calls and texts go out again.")
            messages.success(request, again % {"count": f"{count:,}"})
        else:
            nothing = _("Nothing is sent again: none was chosen, or they are not in doubt any more.")
            messages.warning(request, nothing)
        return HttpResponseRedirect(request.path)
