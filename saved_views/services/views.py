"""Saved views are kept, changed, shared, opened and deleted."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.services import record_audit_event, record_look
from accounts.tools import Right, Tool
from core.languages import ENGLISH, in_language
from listings.dates import Days
from listings.listing import Listing
from listings.registry import registry
from saved_views.models import SavedView
from saved_views.opening import KEPT

MOST_VIEWS = 200


class Refused(Exception):
    """The view is not kept like that; the subclass says why."""


class TooManyViews(Refused):
    """The person keeps as many views as one person may have."""


class NameTaken(Refused):
    """Another view of this person and list has the name; upper and lower case count as the same."""


class NotYourGroup(Refused):
    """The person may share views only with the groups that they belong to, or whose members they choose."""


def save_view(*, by: User, listing: Listing, name: str, days: Days | None = None) -> tuple[SavedView, bool]:
    """Keep what a list shows under a name. A view of this name is replaced. Returns the view, and whether it is new.

    With `days`, the days of the list are not kept: the view shows those. Raises TooManyViews.
    """
    now, values = timezone.now(), _values(listing, fixed=days is None)
    with transaction.atomic():
        # Two savings of one person come one after the other.
        User.objects.select_for_update(no_key=True).get(pk=by.pk)
        own = SavedView.objects.filter(owner=by)
        view = own.filter(listing=listing.entry.name, name__iexact=name).first()
        is_new = view is None
        if view is None:
            if own.count() >= MOST_VIEWS:
                raise TooManyViews
            view = SavedView(owner=by, listing=listing.entry.name, created_at=now)
        view.name, view.values, view.days, view.changed_at = name, values, days or "", now
        view.save()
        _record(by, "saved_view.saved" if is_new else "saved_view.replaced", view)
    return view, is_new


def _values(listing: Listing, *, fixed: bool) -> dict[str, str]:
    """Return the values that a view keeps: not which page of the list is shown."""
    date_filter = listing.filterset.date_filter
    days = date_filter.parameters if date_filter else ()
    names = {*listing.filterset_class.parameters(), *KEPT} - {*days}
    values = {name: text for name, text in listing.values.items() if name in names}
    if fixed:
        shown = listing.filterset.shareable()
        values |= {name: shown[name] for name in days if name in shown}
    return values


def change_view(*, by: User, view: SavedView, name: str, days: Days | None, group: Group | None) -> None:
    """Rename an own view, set its days (None leaves them as they are), and share it with a group or with nobody.

    Raises NameTaken or NotYourGroup.
    """
    if group and group.pk != view.group_id and not groups_to_share_with(by).filter(pk=group.pk).exists():
        raise NotYourGroup
    same = SavedView.objects.filter(owner=by, listing=view.listing, name__iexact=name)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=by.pk)
        if same.exclude(pk=view.pk).exists():
            raise NameTaken
        changes = {"days": days, "values": without_days(view)} if days else {}
        own = SavedView.objects.filter(pk=view.pk, owner=by)
        own.update(name=name, group=group, changed_at=timezone.now(), **changes)
        if group != view.group:
            _record(by, "saved_view.shared" if group else "saved_view.unshared", view, group=group or view.group)
        if name != view.name or changes:
            _record(by, "saved_view.changed", view)


def without_days(view: SavedView) -> dict[str, str]:
    """Return the values of a view without fixed days."""
    date_filter = registry[view.listing].listing_class.filterset_class.date_range()
    days = date_filter.parameters if date_filter else ()
    return {name: text for name, text in view.values.items() if name not in days}


def groups_to_share_with(user: User) -> QuerySet[Group]:
    """Return the groups that a person may share a view with: their own; all for who chooses the members of groups."""
    everything = user.may(Tool.USER_GROUPS, Right.WRITE)
    return (Group.objects.all() if everything else user.groups.all()).order_by("name")


def delete_view(*, by: User, view: SavedView) -> bool:
    """Delete an own view with its schedules. Returns False if it was deleted before."""
    with transaction.atomic():
        deleted, _ = SavedView.objects.filter(pk=view.pk, owner=by).delete()
        if deleted:
            _record(by, "saved_view.deleted", view)
    return bool(deleted)


def record_opening(*, by: User, view: SavedView) -> None:
    """Record that a person opened a view: the same look within half an hour is one row."""
    record_look(by=by, action="saved_view.opened", target=recorded_title(view.listing), details={"view": view.pk})


def list_title(name: str) -> str:
    """Return the title of a list by its name: that of its tool, with the menu. "" if the list is not there any more."""
    entry = next((entry for entry in registry if entry.name == name), None)
    return f"{entry.tool.menu.label} > {entry.title or entry.tool.label}" if entry else ""


def recorded_title(name: str) -> str:
    """Return the title of a list for the audit trail, which is in English."""
    with in_language(ENGLISH):
        return list_title(name)


def _record(by: User, action: str, view: SavedView, group: Group | None = None) -> None:
    # The audit trail outlasts a view, and its name or values may be about people: neither is recorded.
    shared = {"group": group.name} if group else {}
    record_audit_event(by=by, action=action, target=recorded_title(view.listing), details={"view": view.pk, **shared})
