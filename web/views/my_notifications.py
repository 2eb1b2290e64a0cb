"""My Notifications: what the product sends a person by e-mail. Everybody chooses for themselves."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedInRequest
from core.mail import can_send_mail
from digests.models import DigestChoice, HowOften
from digests.services import choose_digest as keep_digest
from saved_views.models import ReportSchedule
from saved_views.services import schedules
from saved_views.services.views import list_title
from web.saved_view_forms import DigestForm


@login_required
@require_safe
def my_notifications(request: SignedInRequest) -> HttpResponse:
    """Show the digest that the person chose, and the scheduled reports that the person gets."""
    return page(request)


def page(request: SignedInRequest, form: DigestForm | None = None, *, status: int = 200) -> HttpResponse:
    choice = DigestChoice.objects.filter(user=request.user).first()
    names = ("every", "weekday", "hour", "only_news")
    initial = {name: getattr(choice, name) for name in names} if choice else {}
    own = ReportSchedule.objects.filter(view__owner=request.user).select_related("view").order_by("pk")
    declined = set(ReportSchedule.objects.filter(declined_by=request.user).values_list("pk", flat=True))
    others = [
        (each, list_title(each.view.listing), each.pk in declined)
        for each in ReportSchedule.objects.read_by(request.user)
    ]
    context = {
        "title": _("My Notifications"),
        "form": form or DigestForm(initial=initial),
        "choice": choice,
        "own": [(each, list_title(each.view.listing)) for each in own],
        "others": others,
        "sends_mail": can_send_mail(),
    }
    return render(request, "web/saved_views/my_notifications.html", context, status=status)


@require_POST
@login_required
def choose_digest(request: SignedInRequest) -> HttpResponse:
    form = DigestForm(request.POST)
    if not form.is_valid():
        return page(request, form, status=400)
    given = form.cleaned_data
    keep_digest(
        by=request.user,
        every=HowOften(given["every"]) if given["every"] else None,
        hour=given["hour"],
        weekday=given["weekday"] or 0,
        only_news=given["only_news"],
    )
    messages.success(request, _("Your digest is changed.") if given["every"] else _("You get no digest."))
    return redirect("web:my_notifications")


@require_POST
@login_required
def choose_report(request: SignedInRequest, pk: int) -> HttpResponse:
    """Get the scheduled reports of somebody else, or do not."""
    schedule = get_object_or_404(ReportSchedule.objects.read_by(request.user), pk=pk)
    wanted = request.POST.get("wanted") == "yes"
    schedules.choose_report(by=request.user, schedule=schedule, wanted=wanted)
    messages.success(request, _("You get this report.") if wanted else _("You do not get this report any more."))
    return redirect("web:my_notifications")
