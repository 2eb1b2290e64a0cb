"""My Views: the views of lists that a person keeps, and the reports that are made of them at fixed times."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedInRequest
from core.mail import can_send_mail
from listings import saved_searches
from listings.listing import Listing
from listings.registry import UnknownListing, registry
from reports.writers import Format
from saved_views.models import ReportSchedule, SavedView
from saved_views.services import columns, schedules
from saved_views.services import views as services
from saved_views.services.views import Refused, groups_to_share_with, list_title
from web.attempts import understood
from web.kept_views import read_days
from web.saved_view_forms import SaveViewForm, ScheduleForm, ViewForm

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

T = TypeVar("T")

WHY: dict[type[Refused], StrOrPromise] = {
    services.TooManyViews: format_lazy(
        _("One person may keep {most} views. Delete some under My Views."), most=services.MOST_VIEWS
    ),
    services.NameTaken: _("Another of your views of this list has that name."),
    services.NotYourGroup: _("You may share a view only with the groups that you belong to."),
    schedules.TooManySchedules: format_lazy(
        _("One person may have {most} scheduled reports. Remove some."), most=schedules.MOST_SCHEDULES
    ),
    schedules.NotShared: _("The view is shared with nobody. Share it with a group first."),
    schedules.AttachmentsOff: _("This installation sends no reports as attachments: REPORT_ATTACHMENTS is off."),
}


def tried(request: HttpRequest, change: Callable[[], T], done: str) -> T | None:
    """Make the change. The next page says that it is done, or why it was refused. Returns None if it was refused."""
    try:
        result = change()
    except Refused as refused:
        messages.error(request, WHY[type(refused)])
        return None
    messages.success(request, done)
    return result


@login_required
@require_safe
def saved_views(request: SignedInRequest) -> HttpResponse:
    """Show the person's own views, and those that others share with the person's groups."""
    own = list(SavedView.objects.of(request.user).prefetch_related("schedules"))
    shared = SavedView.objects.offered_to(request.user).exclude(owner=request.user)
    context = {
        "title": gettext("My Views"),
        "own": [(view, list_title(view.listing), open_url(view, request)) for view in own],
        "shared": [(view, list_title(view.listing), open_url(view, request)) for view in shared],
    }
    return render(request, "web/saved_views/saved_views.html", context)


def open_url(view: SavedView, request: SignedInRequest) -> str:
    """Return the address that opens a view; "" if its list is part of a message, not there any more, or not allowed."""
    try:
        entry = registry[view.listing]
    except UnknownListing:
        return ""
    return f"{entry.url()}?view={view.pk}" if entry.stands_alone and request.user.may(entry.tool) else ""


@require_POST
@login_required
def save(request: SignedInRequest) -> HttpResponse:
    """Keep what a list shows. The answer leads back to the list, as the view has it."""
    form = SaveViewForm(request.POST)
    if not understood(request, form):
        return redirect("web:saved_views")
    given = form.cleaned_data
    listing, days = listing_at(request, given["address"]), read_days(given["days"])
    keep = partial(services.save_view, by=request.user, listing=listing, name=given["name"], days=days)
    saved = tried(request, keep, gettext("The view is saved."))
    return redirect(f"{urlsplit(given['address']).path}?view={saved[0].pk}" if saved else "web:saved_views")


@require_POST
@login_required
def choose_columns(request: SignedInRequest) -> HttpResponse:
    """Choose which columns of a list its page has. The answer leads back to the list as it was shown."""
    address = request.POST.get("address", "")
    listing = listing_at(request, address)
    columns.choose_columns(by=request.user, listing=listing, shown=request.POST.getlist("shown"))
    parts = urlsplit(address)
    return redirect(f"{parts.path}?{parts.query}" if parts.query else parts.path)


def listing_at(request: SignedInRequest, address: str) -> Listing:
    """Open the list at an address of this site; its searches are in the session. Raises Http404 if there is none."""
    parts = urlsplit(address)
    try:
        match = resolve(parts.path)
        entry = registry[match.url_name or ""]
    except (Resolver404, UnknownListing):
        raise Http404(gettext("There is no such list.")) from None
    if match.view_name != entry.url_name:
        raise Http404(gettext("There is no such list."))
    values: dict[str, Any] = QueryDict(parts.query).dict()
    personal = entry.listing_class.filterset_class.personal
    public = {name: text for name, text in values.items() if name not in personal}
    searched = saved_searches.load(request.session, values.get("find", "")) or {}
    return entry.open(
        request.user, public | {name: searched[name] for name in searched if name in personal}, match.kwargs
    )


@login_required
@require_safe
def saved_view(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show an own view: its name, who shares it, and its scheduled reports."""
    view = own_view(request, pk)
    return page(request, view)


def page(request: SignedInRequest, view: SavedView, *, status: int = 200, **forms: Any) -> HttpResponse:
    groups = groups_to_share_with(request.user)
    initial = {"name": view.name, "days": view.days, "group": view.group_id}
    entry = next((entry for entry in registry if entry.name == view.listing), None)
    context = {
        "title": view.name,
        "view": view,
        "list": list_title(view.listing),
        "open_url": open_url(view, request),
        "form": ViewForm(initial=initial, groups=groups),
        "schedule_form": ScheduleForm(),
        "schedules": view.schedules.order_by("pk"),
        "may_schedule": bool(entry and entry.stands_alone),
        "sends_mail": can_send_mail() and bool(request.user.email),
    }
    return render(request, "web/saved_views/saved_view.html", context | forms, status=status)


@require_POST
@login_required
def change(request: SignedInRequest, pk: int) -> HttpResponse:
    """Rename a view, set its days, and share it with a group or with nobody."""
    view, user = own_view(request, pk), request.user
    form = ViewForm(request.POST, groups=groups_to_share_with(user))
    if not form.is_valid():
        return page(request, view, status=400, form=form)
    given = form.cleaned_data
    days = read_days(given["days"]) if given["days"] != view.days else None
    keep = partial(services.change_view, by=user, view=view, name=given["name"], days=days, group=given["group"])
    tried(request, keep, gettext("The view is changed."))
    return redirect("web:saved_view", pk=pk)


@require_POST
@login_required
def delete(request: SignedInRequest, pk: int) -> HttpResponse:
    services.delete_view(by=request.user, view=own_view(request, pk))
    done = gettext("The view is deleted, with its scheduled reports. Reports that were made stay.")
    messages.success(request, done)
    return redirect("web:saved_views")


@require_POST
@login_required
def schedule(request: SignedInRequest, pk: int) -> HttpResponse:
    """Make reports of an own view at fixed times."""
    view, form = own_view(request, pk), ScheduleForm(request.POST)
    if not form.is_valid():
        return page(request, view, status=400, schedule_form=form)
    if not open_url(view, request):
        raise PermissionDenied(gettext("You may not open the list of this view, or it is part of a message."))
    format, for_group = Format(form.cleaned_data["format"]), form.cleaned_data["for_group"]
    add = partial(schedules.add_schedule, by=request.user, view=view, format=format, for_group=for_group)
    done = gettext("The report will be made %(recurrence)s.") % {"recurrence": form.recurrence}
    tried(request, partial(add, recurrence=form.recurrence), done)
    return redirect("web:saved_view", pk=pk)


@require_POST
@login_required
def remove_schedule(request: SignedInRequest, pk: int) -> HttpResponse:
    own = ReportSchedule.objects.filter(view__owner=request.user).select_related("view__owner")
    schedule = get_object_or_404(own, pk=pk)
    schedules.remove_schedule(by=request.user, schedule=schedule)
    done = gettext("The scheduled report is removed. Reports that were made stay under My Reports.")
    messages.success(request, done)
    return redirect("web:saved_view", pk=schedule.view_id)


def own_view(request: SignedInRequest, pk: int) -> SavedView:
    return get_object_or_404(SavedView.objects.of(request.user).select_related("owner"), pk=pk)
