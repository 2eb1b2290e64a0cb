"""One alert, and the channels that alerts go to."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SAFE_METHODS, SignedInRequest, tool_right
from accounts.second_factor import ask_factor_again
from accounts.tools import Right, Tool
from alerts import tasks
from alerts.choices import ChannelKind, DeliveryState, NoticeKind
from alerts.content import explaining_url
from alerts.models import Alert, AlertChannel, AlertDelivery
from alerts.senders import mail_is_set_up
from alerts.services.acknowledging import acknowledge
from alerts.services.channels import NameTaken, remove_channel, save_channel, send_test
from core.fragments import page_or_fragment
from core.queue import call_worker, queue_answers
from core.statuses import Shape, Status, Tone
from web.alert_forms import NAME_TAKEN, ChannelForm
from web.listings.alerts import ALERT_LOOKS

TOOL = Tool.ALERTS
NOTICE_STATES = {
    DeliveryState.WAITING: Status(
        _("Waiting"), Shape.RING, Tone.NEUTRAL, _("It goes out soon, or after the quiet hours.")
    ),
    DeliveryState.SENDING: Status(_("Being sent"), Shape.HALF, Tone.RUNNING, _("It is on its way.")),
    DeliveryState.SENT: Status(_("Sent"), Shape.CHECK, Tone.GOOD, _("The mail server or the webhook took it.")),
    DeliveryState.IN_DOUBT: Status(
        _("May have been sent"),
        Shape.DIAMOND,
        Tone.WARNING,
        _("No answer came. It is not sent again: it comes once at most."),
    ),
    DeliveryState.GIVEN_UP: Status(_("Not sent"), Shape.CROSS, Tone.BAD, _("It is not tried any more.")),
    DeliveryState.SKIPPED: Status(
        _("Not needed any more"), Shape.SQUARE, Tone.NEUTRAL, _("The reason stands beside it.")
    ),
}


def _look_of(notice: AlertDelivery) -> Status:
    return NOTICE_STATES[DeliveryState(notice.state)]


@require_safe
@tool_right(TOOL)
def alert(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show an alert, and what was sent about it."""
    found: Any = get_object_or_404(Alert.objects.with_looks(), pk=pk)
    notices = found.deliveries.order_by("-queued_at", "-pk")[:200]
    context = {
        "title": found.part,
        "menu_path": TOOL.path,
        "alert": found,
        "status": ALERT_LOOKS[found.look],
        "explained_at": explaining_url(found),
        "notices": [(notice, _look_of(notice)) for notice in notices],
        "statuses": NOTICE_STATES.values(),
        "may_acknowledge": request.user.may(TOOL, Right.WRITE) and not (found.cleared_at or found.acknowledged_at),
    }
    return render(request, "web/alerts/alert.html", context)


@require_POST
@tool_right(TOOL, Right.WRITE)
def acknowledge_alert(request: SignedInRequest, pk: int) -> HttpResponse:
    get_object_or_404(Alert, pk=pk)
    if acknowledge(alert_id=pk, by=request.user):
        messages.success(request, gettext("The alert is acknowledged. There are no reminders of it any more."))
    else:
        messages.info(request, gettext("The alert cleared before, or somebody acknowledged it before."))
    return redirect("web:alert", pk=pk)


@require_safe
@tool_right(TOOL, Right.WRITE)
def channels(request: SignedInRequest) -> HttpResponse:
    """Show who gets alerts, and what came of the last notice to each. htmx gets only the channels."""
    last = {notice.channel_id: notice for notice in AlertDelivery.objects.newest_of_each_channel()}
    shown = [(each, (notice := last.get(each.pk)), notice and _look_of(notice)) for each in AlertChannel.objects.all()]
    context = {
        "title": gettext("Channels of alerts"),
        "menu_path": TOOL.path,
        "channels": shown,
        "live": any(notice.kind == NoticeKind.TEST and notice.unfinished for notice in last.values()),
        "mail_is_set_up": mail_is_set_up(),
        "site_url": settings.SITE_URL,
        "queue_answers": queue_answers(),
    }
    return page_or_fragment(
        request, page="web/alerts/channels.html", fragment="web/alerts/_channels.html", context=context
    )


@require_http_methods(["GET", "HEAD", "POST"])
@tool_right(TOOL, Right.WRITE)
def new_channel(request: SignedInRequest, kind: str) -> HttpResponse:
    if kind not in ChannelKind.values:
        raise Http404
    return _edit(request, AlertChannel(kind=kind))


@require_http_methods(["GET", "HEAD", "POST"])
@tool_right(TOOL, Right.WRITE)
def channel(request: SignedInRequest, pk: int) -> HttpResponse:
    return _edit(request, get_object_or_404(AlertChannel, pk=pk))


def _edit(request: SignedInRequest, found: AlertChannel) -> HttpResponse:
    """Show the form of a channel; save what was posted."""
    if request.method in SAFE_METHODS:
        return _form(request, ChannelForm(channel=found))
    ask_factor_again(request)
    form = ChannelForm(request.POST, channel=found)
    if not form.is_valid():
        return _form(request, form, status=400)
    try:
        if save_channel(channel=found, values=form.cleaned_data, by=request.user):
            messages.success(request, gettext("The channel is saved. Send a test to see whether it works."))
    except NameTaken:
        form.add_error("name", NAME_TAKEN)
        return _form(request, form, status=400)
    return redirect("web:alert_channels")


def _form(request: SignedInRequest, form: ChannelForm, *, status: int = 200) -> HttpResponse:
    found = form.channel
    context = {
        "title": found.name or gettext("New channel: %(kind)s") % {"kind": ChannelKind(found.kind).label},
        "menu_path": TOOL.path,
        "form": form,
        "channel": found,
        "boxes": [form["active"], form["urgent_only"], form["tells_cleared"]],
        "zone": timezone.get_current_timezone_name(),
    }
    return render(request, "web/alerts/channel.html", context, status=status)


@require_POST
@tool_right(TOOL, Right.WRITE)
def test_channel(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let a worker send a test; the page shows what comes of it."""
    ask_factor_again(request)
    found = get_object_or_404(AlertChannel, pk=pk)
    send_test(channel=found, by=request.user)
    if call_worker(tasks.send, found.pk, expires=settings.ALERT_LOOK_SECONDS):
        messages.success(request, gettext("The test is on its way. This page shows the result in a moment."))
    else:
        messages.error(request, gettext("The task queue does not answer. The test goes out when it is back."))
    return redirect("web:alert_channels")


@require_POST
@tool_right(TOOL, Right.WRITE)
def remove(request: SignedInRequest, pk: int) -> HttpResponse:
    ask_factor_again(request)
    found = get_object_or_404(AlertChannel, pk=pk)
    remove_channel(channel=found, by=request.user)
    messages.success(request, gettext("The channel is removed. Nothing goes there any more."))
    return redirect("web:alert_channels")
