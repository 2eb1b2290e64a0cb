"""The pages of the people who have an account."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import account_services as services
from accounts.access import SignedInRequest, tool_right
from accounts.account_services import Memberships
from accounts.invitations import send_invitation
from accounts.models import User
from accounts.passwords import may_use_password
from accounts.querysets import groups_with_scopes
from accounts.refusals import NO_VIEW, refusal_text
from accounts.services import Refused, record_look
from accounts.sessions import remove_second_factors
from accounts.tools import OWN_RIGHTS, SCOPED_RIGHTS, Right, Tool, ToolAndRight, every_right
from accounts.view_as import why_no_view
from core.ids import read_id
from messenger_logs.models import School
from web.attempts import attempt, understood
from web.people_forms import AddPersonForm, DetailsForm, MembershipsForm

CHANGE = Right.WRITE


class HeldRight(NamedTuple):
    """A right that a person has, and for which schools, in words; "" where schools do not matter."""

    cell: ToolAndRight
    schools: str


def menu_path() -> str:
    return f"{Tool.USER_GROUPS.path} > {gettext('People')}"


def may_send_mail() -> bool:
    return "dummy" not in settings.EMAIL_BACKEND


def may_invite(person: User) -> bool:
    """Whether an invitation makes sense: the person has never signed in, and mail reaches them."""
    gets_mail = may_send_mail() and person.is_active and bool(person.email)
    return gets_mail and person.last_login is None and may_use_password(person)


def rights_held(person: User) -> Iterator[HeldRight]:
    names = dict(School.objects.values_list("pk", "name"))
    for cell in every_right():
        if person.may(*cell):
            scope = person.scope_of(*cell)
            chosen = sorted(names[pk] for pk in scope.schools or () if pk in names)
            schools = gettext("all schools") if scope.everything else ", ".join(chosen) or gettext("no school")
            yield HeldRight(cell, schools if knows_schools(cell) else "")


def knows_schools(cell: ToolAndRight) -> bool:
    """Whether it matters for which schools the right is held: it is on everybody's messages."""
    changes = cell.right is Right.WRITE and cell.tool not in OWN_RIGHTS
    return cell.tool in SCOPED_RIGHTS and (changes or cell.right is SCOPED_RIGHTS[cell.tool])


@require_safe
@tool_right(Tool.USER_GROUPS)
def person(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show a person's groups, schools and rights, and what an administrator may do with the account."""
    found = get_object_or_404(User.objects.people(), pk=pk)
    record_look(by=request.user, action="account.viewed", target=found.username)
    may_change = request.user.may(Tool.USER_GROUPS, CHANGE)
    no_view = why_no_view(request.user, found) if may_change else None
    context = {
        "title": found.listed_name,
        "menu_path": menu_path(),
        "person": found,
        "groups": groups_with_scopes().filter(user=found),
        "rights": list(rights_held(found)),
        "form": MembershipsForm.of(Memberships.of(found)),
        "details_form": DetailsForm.of(found),
        "password_form": SetPasswordForm(found) if sets_password(request.user, found) else None,
        "may_change": may_change,
        "read_only": not may_change,
        "no_view": NO_VIEW[no_view] if no_view else "",
        "may_invite": may_invite(found),
    }
    return render(request, "web/person.html", context)


@require_POST
@tool_right(Tool.USER_GROUPS, CHANGE)
def change_person(request: SignedInRequest, pk: int) -> HttpResponse:
    found, form = get_object_or_404(User.objects.people(), pk=pk), MembershipsForm(request.POST)
    if understood(request, form):
        change = partial(
            services.set_memberships, by=request.user, user_id=found.pk, seen=form.seen, wanted=form.wanted
        )
        done = gettext("The groups and schools are saved. They hold from the next page that the person opens.")
        attempt(request, change, done)
    return redirect("web:person", pk=pk)


@require_POST
@tool_right(Tool.USER_GROUPS, CHANGE)
def change_details(request: SignedInRequest, pk: int) -> HttpResponse:
    found, form = get_object_or_404(User.objects.people(), pk=pk), DetailsForm(request.POST)
    if understood(request, form):
        change = partial(services.set_details, by=request.user, user_id=found.pk, **form.cleaned_data)
        attempt(request, change, gettext("The name and the e-mail address are saved."))
    return redirect("web:person", pk=pk)


@require_POST
@tool_right(Tool.USER_GROUPS, CHANGE)
def set_password(request: SignedInRequest, pk: int) -> HttpResponse:
    """Set the password of another person, where no mail can be sent to choose one."""
    found = person_for_superuser(request, pk)
    if not sets_password(request.user, found):
        raise Http404
    form: SetPasswordForm[User] = SetPasswordForm(found, request.POST)
    if understood(request, form):
        services.set_password(by=request.user, user=found, password=form.cleaned_data["new_password1"])
        messages.success(request, gettext("The password is set. Tell it to the person, and let them change it."))
    return redirect("web:person", pk=pk)


def sets_password(user: User, person: User) -> bool:
    """Whether a user sets the password of this person. The own one has a page of its own."""
    return user.is_superuser and person.pk != user.pk and may_use_password(person)


@require_POST
@tool_right(Tool.USER_GROUPS, CHANGE)
def remove_factors(request: SignedInRequest, pk: int) -> HttpResponse:
    """Help somebody who has lost the phone, the passkey and the recovery codes."""
    removed = remove_second_factors(user=person_for_superuser(request, pk), by=request.user)
    messages.success(request, FACTORS_REMOVED if removed else gettext("This person had no second factor."))
    return redirect("web:person", pk=pk)


def person_for_superuser(request: SignedInRequest, pk: int) -> User:
    """Return a person of whose way to sign in only superusers decide. Raises PermissionDenied, or Http404."""
    if not request.user.is_superuser:
        raise PermissionDenied(FOR_SUPERUSERS)
    return get_object_or_404(User.objects.people(), pk=pk)


FOR_SUPERUSERS = _("Only a superuser sets the password of another person, or removes their second factors.")
FACTORS_REMOVED = _("The second factors are removed. This person signs in with the password alone now.")


@require_POST
@tool_right(Tool.USER_GROUPS, CHANGE)
def close_account(request: SignedInRequest, pk: int) -> HttpResponse:
    closed = gettext("The account is closed: %(name)s may not sign in any more.")
    return set_open(request, pk, services.close_account, closed)


@require_POST
@tool_right(Tool.USER_GROUPS, CHANGE)
def open_account(request: SignedInRequest, pk: int) -> HttpResponse:
    opened = gettext("The account is open: %(name)s may sign in again.")
    return set_open(request, pk, services.open_account, opened)


def set_open(request: SignedInRequest, pk: int, service: Callable[..., None], done: str) -> HttpResponse:
    found = get_object_or_404(User.objects.people(), pk=pk)
    attempt(request, partial(service, by=request.user, user_id=pk), done % {"name": found.listed_name})
    return redirect("web:person", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@tool_right(Tool.USER_GROUPS, CHANGE)
def add_person(request: SignedInRequest) -> HttpResponse:
    """GET shows the form (?group= ticks one); POST makes the account, and invites the person where mail can be sent."""
    group = read_id(request.GET.get("group", ""))
    form = AddPersonForm(request.POST if request.method == "POST" else None, initial={"groups": [group]})
    if form.is_valid() and (added := make_account(request, form)):
        return redirect("web:person", pk=added.pk)
    context: dict[str, Any] = {"title": gettext("Add a person"), "menu_path": menu_path(), "form": form}
    return render(request, "web/add_person.html", context)


def make_account(request: SignedInRequest, form: AddPersonForm) -> User | None:
    """Make the account. Returns None, and adds the reason to the form, if it is refused."""
    given = {name: form.cleaned_data[name] for name in ("email", "first_name", "last_name")}
    try:
        added = services.add_account(by=request.user, memberships=form.wanted, **given)
    except Refused as refused:
        form.add_error(None, refusal_text(refused))
        return None
    if may_invite(added):
        send_invitation(request, to=added)
        done = gettext("%(name)s has an account now, and an invitation is on its way.")
        messages.success(request, done % {"name": added.listed_name})
    else:
        done = gettext("%(name)s has an account now.") % {"name": added.listed_name}
        why = NO_MAIL if may_use_password(added) else ""
        messages.success(request, f"{done} {why}")
    return added


NO_MAIL = _("No mail is sent from here (EMAIL_URL is not set), so a superuser has to set the password on this page.")


@require_POST
@tool_right(Tool.USER_GROUPS, CHANGE)
def invite(request: SignedInRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(User.objects.people(), pk=pk)
    if may_invite(found):
        send_invitation(request, to=found)
        messages.success(request, gettext("The invitation is on its way."))
    else:
        refused = gettext("No invitation was sent: this person has signed in, is closed, or gets no mail from here.")
        messages.error(request, refused)
    return redirect("web:person", pk=pk)
