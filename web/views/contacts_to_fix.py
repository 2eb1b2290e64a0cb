"""The page of one contact to fix, and what can be done there. `as_view(tool=…)` names the tool that shows it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import View

from accounts.access import SignedInRequest, ToolRightMixin
from accounts.second_factor import ask_factor_again
from accounts.tools import Right, Tool
from mailgun_sync.choices import SuppressionList
from mailgun_sync.models import Removal, Suppression
from mailgun_sync.services.allow_again import ReasonMissingError, allow_again
from messenger_logs.choices import ContactProblem, ContactState, Mode
from messenger_logs.contact_problems import what_to_do
from messenger_logs.models import ContactToFix
from messenger_logs.services.contacts import set_contact_state
from web.contact_access import contact_url, contacts_shown, record_contact_view
from web.contact_texts import removal_text
from web.listings.contacts_to_fix import (
    contact_device,
    contact_reason,
    people_in_order,
    people_once,
    problem_status,
    state_status,
    state_text,
)
from web.menu import page_url

REASON_MISSING = _("The family complained about our e-mail. Say why their address may get e-mail again.")
NOT_LISTED = _("This address is on no list of Mailgun that we know. We did not ask Mailgun.")


class ContactView(ToolRightMixin, View):
    """The base of views of one contact. Raises Http404 if the tool does not show it to the user."""

    request: SignedInRequest
    tool = Tool.CONTACTS_TO_FIX

    @cached_property
    def contact(self) -> Any:
        return get_object_or_404(contacts_shown(self.request.user, self.tool, self.right), pk=self.kwargs["pk"])

    def to_contact(self) -> HttpResponseBase:
        return redirect(contact_url(self.tool, self.contact.pk))


@method_decorator(require_safe, name="dispatch")
class ContactPage(ContactView):
    """What is known about a contact: why, since when, whose it is, and what the provider's lists say."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        contact = self.contact
        people = people_in_order(contact)
        response = render(request, "web/contact.html", self.get_context(contact) | {"people": people_once(people)})
        record_contact_view(contact, by=self.request.user, tool=self.tool, people=people)
        return response

    def get_context(self, contact: ContactToFix) -> dict[str, Any]:
        return {
            "title": contact_device(contact),
            "menu_path": self.tool.menu.label,
            "tool": self.tool,
            "log_url": page_url(self.tool),
            "contact": contact,
            "mode": Mode(contact.mode).label,
            "problem": problem_status(contact),
            "reason": contact_reason(contact),
            "state": state_status(contact),
            "state_text": state_text(contact),
            "todo": what_to_do(contact.problem, contact.mode),
            "opted_out": contact.problem == ContactProblem.OPTED_OUT and contact.mode == Mode.TEXT,
            "states": self.states(contact),
            **self.provider_context(contact),
        }

    @cached_property
    def may_change(self) -> bool:
        changeable = ContactToFix.objects.changeable_by(self.request.user, self.tool)
        return changeable.filter(pk=self.contact.pk).exists()

    def states(self, contact: ContactToFix) -> list[tuple[str, str]]:
        """Return the states that this user may give the contact: value and label."""
        if not self.may_change:
            return []
        labels = {
            ContactState.TOLD: gettext("The family was told"),
            ContactState.FIXED: gettext("It is fixed"),
            ContactState.OPEN: gettext("Open it again"),
        }
        by_itself = contact.state == ContactState.FIXED and not contact.handled
        return [] if by_itself else [(state, label) for state, label in labels.items() if state != contact.state]

    def provider_context(self, contact: ContactToFix) -> dict[str, Any]:
        """Return what the lists of the e-mail provider say, and what it answered when somebody asked."""
        if contact.mode != Mode.EMAIL:
            return {}
        entries = list(Suppression.objects.of_mailbox(contact.address).select_related("domain"))
        removals = Removal.objects.filter(mailbox=contact.address).select_related("domain")
        return {
            "entries": entries,
            "removals": [(removal, removal_text(removal)) for removal in removals],
            "may_allow": bool(entries) and self.may_change,
            "complained": any(entry.list == SuppressionList.COMPLAINTS for entry in entries),
        }


@method_decorator(require_POST, name="dispatch")
class SetContactState(ContactView):
    right = Right.WRITE

    def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        wanted = request.POST.get("state", "")
        if wanted not in ContactState.values:
            return HttpResponseBadRequest(gettext("There is no such state."))
        changed = set_contact_state(contact_id=self.contact.pk, state=ContactState(wanted), by=self.request.user)
        if changed.state == wanted:
            done = gettext("The contact is “%(state)s” now.")
            messages.success(request, done % {"state": changed.state_label})
        else:
            stays = gettext("The contact stays “%(state)s”: a message arrived there.")
            messages.warning(request, stays % {"state": changed.state_label})
        return self.to_contact()


@method_decorator(require_POST, name="dispatch")
class AllowAgain(ContactView):
    right = Right.WRITE

    def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        ask_factor_again(request)
        contact, why = self.contact, request.POST.get("why", "")
        try:
            removals = self.allow(contact, why)
        except ReasonMissingError:
            messages.error(request, REASON_MISSING)
            return self.to_contact()
        for removal in removals:
            tell = messages.success if removal.done else messages.error
            tell(request, removal_text(removal))
        if not removals:
            messages.warning(request, NOT_LISTED)
        return self.to_contact()

    def allow(self, contact: ContactToFix, why: str) -> list[Removal]:
        if contact.mode != Mode.EMAIL:
            return []
        return allow_again(mailbox=contact.address, contact_id=contact.pk, by=self.request.user, why=why)
