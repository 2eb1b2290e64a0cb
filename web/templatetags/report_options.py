"""The choices of a report on the page of its message, which knows nothing of reports itself."""

from typing import Any

from django import template
from django.urls import reverse

from accounts.tools import Tool
from messenger_logs.models import SentMessage
from reports.kinds.sent_message import SentMessageForm
from reports.kinds.sent_message_log_2 import BuildReportForm

register = template.Library()

_ADDRESSES = {
    Tool.SENT_MESSAGE_LOG: ("web:sent_message_log_message_report", SentMessageForm),
    Tool.ADMIN_SENT_MESSAGE_LOG: ("web:admin_sent_message_log_message_report", SentMessageForm),
    Tool.SENT_MESSAGE_LOG_2: ("web:sent_message_log_2_message_report", BuildReportForm),
}


@register.inclusion_tag("web/reports/_panel.html")
def report_options(message: SentMessage, tool: Tool) -> dict[str, Any]:
    """{% report_options message tool %}: nothing, where the tool offers no reports."""
    if tool not in _ADDRESSES:
        return {}
    name, form_class = _ADDRESSES[tool]
    return {"form": form_class(message=message), "url": reverse(name, kwargs={"pk": message.pk})}


@register.inclusion_tag("web/reports/_build_report.html")
def build_report(message: SentMessage, tool: Tool) -> dict[str, Any]:
    """{% build_report message tool %}: a button that opens the choices in a side panel."""
    return report_options(message, tool)
