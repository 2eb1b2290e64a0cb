"""The pages of user groups and their tool rights."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import account_services, services
from accounts.access import SignedInRequest, tool_right
from accounts.forms import FindPeopleForm, GroupNameForm, GroupRightsForm, PersonForm
from accounts.models import GroupPolicy, User
from accounts.querysets import factor_figures, groups_with_people, reach_and_schools, rights_of
from accounts.scopes import ScopeReach
from accounts.tools import Right, Tool, right_names
from web.attempts import attempt, understood
from web.people_forms import GroupScopeForm

FOUND_AT_ONCE = 20


@require_safe
@tool_right(Tool.USER_GROUPS)
def user_groups(request: SignedInRequest) -> HttpResponse:
    """Show the whole matrix: rights by group."""
    context = {
        "title": Tool.USER_GROUPS.label,
        "menu_path": Tool.USER_GROUPS.menu.label,
        "tools": list(Tool),
        "groups": [(group, rights_of(group)) for group in groups_with_people()],
        "name_form": GroupNameForm(),
        "may_change": request.user.may(Tool.USER_GROUPS, Right.WRITE),
    }
    return render(request, "web/user_groups.html", context)


@require_safe
@tool_right(Tool.USER_GROUPS)
def user_group(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show the rights of one group: its column of the matrix, for which schools, and what it needs to sign in."""
    group = get_object_or_404(Group, pk=pk)
    context = group_context(request, group) | {
        "tools": list(Tool),
        "rights": rights_of(group),
        "scope_form": GroupScopeForm.of(*reach_and_schools(group)),
        "policy": GroupPolicy.objects.filter(group=group).first(),
        "factors": factor_figures(group),
        "name_form": GroupNameForm(initial={"name": group.name}),
    }
    return render(request, "web/user_group.html", context)


@require_safe
@tool_right(Tool.USER_GROUPS)
def group_people(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show the people of one group."""
    return people_page(request, get_object_or_404(Group, pk=pk), find_form=FindPeopleForm())


def people_page(request: SignedInRequest, group: Group, **found: Any) -> HttpResponse:
    people = group.user_set.order_by("last_name", "first_name", "username")
    context = group_context(request, group) | {"people": people, "current": "people"}
    return render(request, "web/user_group_people.html", context | found)


def group_context(request: SignedInRequest, group: Group) -> dict[str, Any]:
    """Return what both pages of a group show."""
    may_change = request.user.may(Tool.USER_GROUPS, Right.WRITE)
    return {
        "title": group.name,
        "menu_path": Tool.USER_GROUPS.path,
        "group": group,
        "may_change": may_change,
        "read_only": not may_change,
    }


@require_POST
@tool_right(Tool.USER_GROUPS, Right.WRITE)
def new_group(request: SignedInRequest) -> HttpResponse:
    form = GroupNameForm(request.POST)
    if understood(request, form):
        name = form.cleaned_data["name"]
        done = _("The group %(name)s is made. Tick its rights and add its people.") % {"name": name}
        group = attempt(request, partial(services.create_group, by=request.user, name=name), done)
        if group:
            return redirect("web:user_group", pk=group.pk)
    return redirect("web:user_groups")


@require_POST
@tool_right(Tool.USER_GROUPS, Right.WRITE)
def change_rights(request: SignedInRequest, pk: int) -> HttpResponse:
    form = GroupRightsForm(request.POST)
    if understood(request, form):
        change = partial(
            services.set_group_rights,
            by=request.user,
            group_id=pk,
            seen=form.cleaned_data["seen"],
            wanted=form.cleaned_data["rights"],
        )
        attempt(request, change, _("The rights are saved. They hold from the next page that somebody opens."))
    return redirect("web:user_group", pk=pk)


@require_POST
@tool_right(Tool.USER_GROUPS, Right.WRITE)
def change_schools(request: SignedInRequest, pk: int) -> HttpResponse:
    form = GroupScopeForm(request.POST)
    if understood(request, form):
        change = partial(
            account_services.set_group_scope,
            by=request.user,
            group_id=pk,
            seen=form.seen,
            reach=ScopeReach(form.cleaned_data["reach"]),
            schools=form.cleaned_data["schools"],
        )
        attempt(request, change, _("The schools are saved. They hold from the next page that somebody opens."))
    return redirect("web:user_group", pk=pk)


@require_POST
@tool_right(Tool.USER_GROUPS, Right.WRITE)
def rename_group(request: SignedInRequest, pk: int) -> HttpResponse:
    form = GroupNameForm(request.POST)
    if understood(request, form):
        name = form.cleaned_data["name"]
        change = partial(services.rename_group, by=request.user, group_id=pk, name=name)
        attempt(request, change, _("The group is now named %(name)s.") % {"name": name})
    return redirect("web:user_group", pk=pk)


@require_POST
@tool_right(Tool.USER_GROUPS, Right.WRITE)
def find_people(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show the group's people, and those who were found. It is a POST, so that names stay out of addresses."""
    group = get_object_or_404(Group, pk=pk)
    form = FindPeopleForm(request.POST)
    if not form.is_valid():
        return people_page(request, group, find_form=form)
    who = form.cleaned_data["who"]
    services.record_search(by=request.user, target=Tool.USER_GROUPS.path_in_english, text=who)
    found = list(User.objects.to_add_to(group, who)[: FOUND_AT_ONCE + 1])
    return people_page(
        request,
        group,
        find_form=form,
        found=found[:FOUND_AT_ONCE],
        found_more=len(found) > FOUND_AT_ONCE,
        searched=True,
    )


@require_POST
@tool_right(Tool.USER_GROUPS, Right.WRITE)
def add_member(request: SignedInRequest, pk: int) -> HttpResponse:
    return change_member(request, pk, services.add_member, _("%(name)s is now in this group."))


@require_POST
@tool_right(Tool.USER_GROUPS, Right.WRITE)
def remove_member(request: SignedInRequest, pk: int) -> HttpResponse:
    return change_member(request, pk, services.remove_member, _("%(name)s is no longer in this group."))


def change_member(request: SignedInRequest, pk: int, service: Callable[..., None], done: str) -> HttpResponse:
    form = PersonForm(request.POST)
    if understood(request, form):
        user = form.cleaned_data["user"]
        change = partial(service, by=request.user, group_id=pk, user=user)
        attempt(request, change, done % {"name": user.listed_name})
    return redirect("web:group_people", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@tool_right(Tool.USER_GROUPS, Right.WRITE)
def delete_group(request: SignedInRequest, pk: int) -> HttpResponse:
    """GET says what the deletion would take from whom; POST deletes."""
    group = get_object_or_404(Group, pk=pk)
    if request.method == "POST":
        change = partial(services.delete_group, by=request.user, group_id=pk)
        attempt(request, change, _("The group %(name)s is deleted.") % {"name": group.name})
        return redirect("web:user_groups")
    context = {
        "title": _("Delete the group %(name)s?") % {"name": group.name},
        "menu_path": f"{Tool.USER_GROUPS.path} > {group.name}",
        "group": group,
        "people": group.user_set.count(),
        "rights": right_names(rights_of(group)),
    }
    return render(request, "web/delete_group.html", context)
