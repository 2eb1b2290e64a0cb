"""Shows the choices of a report on a message page, so that the view of that page need not know reports."""

from typing import Any

from django import template

from accounts.tools import Tool
from messenger_logs.models import SentMessage
from reports.kinds import MESSAGE_REPORTS
from web.message_urls import message_url

register = template.Library()


@register.inclusion_tag("web/reports/_panel.html")
def report_options(message: SentMessage, tool: Tool) -> dict[str, Any]:
    """{% report_options message tool %} shows the choices; nothing if the tool offers no report."""
    report = next((report for report in MESSAGE_REPORTS if tool in report.tools), None)
    if report is None:
        return {}
    return {"form": report.form_class(message=message), "url": message_url(tool, message.pk, "report")}


@register.inclusion_tag("web/reports/_build_report.html")
def build_report(message: SentMessage, tool: Tool) -> dict[str, Any]:
    """{% build_report message tool %} shows a button that opens the choices in a side panel."""
    return report_options(message, tool)
