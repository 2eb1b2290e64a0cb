"""Which contacts to fix a user sees, with whom behind them, and their addresses. Pages, lists and API use it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import Prefetch
from django.urls import reverse

from accounts.models import User
from accounts.services import record_look
from accounts.tools import CONTACT_TOOLS, Right, Tool
from messenger_logs.models import ContactPerson, ContactToFix, Delivery
from messenger_logs.querysets import ContactToFixQuerySet

Devices = dict[tuple[str, str], ContactToFix]


def contacts_shown(user: User, tool: Tool, right: Right = Right.READ) -> ContactToFixQuerySet:
    """Return the contacts that a tool shows to a user; with the right W, those of them that the user may change.

    Each has as ``shown_people`` those whom the tool shows.
    """
    people = ContactPerson.objects.visible_to(user, tool).select_related("school")
    in_order = people.order_by("plain_name", "plain_student_name", "pk")
    contacts = ContactToFix.objects
    shown = contacts.changeable_by(user, tool) if right is Right.WRITE else contacts.visible_to(user, tool)
    return shown.prefetch_related(Prefetch("people", queryset=in_order, to_attr="shown_people"))


def contact_url(tool: Tool, contact_id: int, part: str = "") -> str:
    """Return the address of a contact in a tool, or of an action on it: state, allow."""
    name = f"web:{tool.name.lower()}_contact" + (f"_{part}" if part else "")
    return reverse(name, kwargs={"pk": contact_id})


def contact_urls(user: User, contacts: Collection[ContactToFix]) -> dict[int, str]:
    """Return the addresses, by id, of the contacts that a tool shows to this user, each in the first such tool."""
    urls: dict[int, str] = {}
    for tool in CONTACT_TOOLS:
        left = {contact.pk for contact in contacts} - urls.keys()
        shown = ContactToFix.objects.visible_to(user, tool).filter(pk__in=left).values_list("pk", flat=True)
        urls |= {pk: contact_url(tool, pk) for pk in shown}
    return urls


def unfixed_contacts(deliveries: Iterable[Delivery]) -> Devices:
    """Return the contacts that have to be fixed among these devices, by mode and address, with one query."""
    wanted = {(delivery.mode, delivery.address) for delivery in deliveries if delivery.address}
    found = ContactToFix.objects.not_fixed().filter(address__in={address for _, address in wanted})
    return {(contact.mode, contact.address): contact for contact in found}


def record_contact_view(contact: ContactToFix, *, by: User, tool: Tool, people: Iterable[ContactPerson]) -> None:
    """Record in the audit trail that a user saw a contact, and the people behind it."""
    seen = sorted({person.person_id for person in people})
    record_look(
        by=by,
        action="contact.viewed",
        target=f"Contact {contact.pk}",
        details={"log": tool.path_in_english, "people": seen},
    )
