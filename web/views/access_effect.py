"""Says what a change of rights would open, before it is saved. The pages ask while boxes are ticked."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.forms import Form
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.access import SignedInRequest, tool_right
from accounts.forms import GroupRightsForm
from accounts.holder import Holder, reached_schools, scope_of_group
from accounts.models import User
from accounts.querysets import rights_of
from accounts.tools import Tool
from web.access_effect import effect_text
from web.people_forms import GroupScopeForm, MembershipsForm

SUPERUSER = _("This is a superuser, who may see everything.")
seen = tool_right(Tool.USER_GROUPS)


@require_POST
@seen
def of_rights(request: SignedInRequest, pk: int) -> HttpResponse:
    """Answer for other rights of a group."""
    group, form = get_object_or_404(Group, pk=pk), GroupRightsForm(request.POST)
    if not form.is_valid():
        return _not_understood(form)
    scope = scope_of_group(group)
    before, after = (Holder.of(rights, scope) for rights in (rights_of(group), form.cleaned_data["rights"]))
    return HttpResponse(effect_text(before, after, people=_active(group)))


@require_POST
@seen
def of_schools(request: SignedInRequest, pk: int) -> HttpResponse:
    """Answer for other schools of a group."""
    group, form = get_object_or_404(Group, pk=pk), GroupScopeForm(request.POST)
    if not form.is_valid():
        return _not_understood(form)
    rights, wanted = rights_of(group), reached_schools(group, form.cleaned_data["reach"], form.cleaned_data["schools"])
    before, after = (Holder.of(rights, scope) for scope in (scope_of_group(group), wanted))
    return HttpResponse(effect_text(before, after, people=_active(group)))


@require_POST
@seen
def of_memberships(request: SignedInRequest, pk: int | None = None) -> HttpResponse:
    """Answer for other groups and schools of a person; of a new one without `pk`."""
    person = get_object_or_404(User.objects.people(), pk=pk) if pk else None
    if person and person.is_superuser:
        return HttpResponse(SUPERUSER)
    form = MembershipsForm(request.POST)
    if not form.is_valid():
        return _not_understood(form)
    after = Holder.in_groups(form.wanted.groups, form.wanted.schools)
    return HttpResponse(effect_text(Holder.like(person) if person else Holder({}), after, people=1))


def _active(group: Group) -> int:
    return group.user_set.filter(is_active=True).count()


def _not_understood(form: Form) -> HttpResponse:
    """Saving says what is wrong."""
    told = gettext("%(values)s values were not understood.") % {"values": len(form.errors)}
    return HttpResponseBadRequest(told, content_type="text/plain")
