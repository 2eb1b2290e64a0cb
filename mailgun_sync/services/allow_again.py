"""*Allow again*: take an address off Mailgun's lists of suppressions, so that mail to it is tried again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.services import record_audit_event
from core.languages import english
from mailgun_sync.choices import SuppressionList
from mailgun_sync.client import ProviderError
from mailgun_sync.models import Removal, Suppression
from mailgun_sync.services.suppressions import settle_mailboxes
from mailgun_sync.suppression_lists import Answer, SuppressionLists
from messenger_logs.choices import ContactState
from messenger_logs.services.contacts import set_contact_state


class ReasonMissingError(Exception):
    """The family complained, and the person did not say why their address may have mail again."""


def allow_again(*, mailbox: str, contact_id: int, by: User, why: str = "") -> list[Removal]:
    """Ask Mailgun to take an address (in its canonical form) off the lists of all our domains.

    Returns one row for each list that has it: what Mailgun answered. Each is in the audit trail, before and after the
    request. Raises ReasonMissingError; then nothing was asked.
    """
    entries = list(Suppression.objects.of_mailbox(mailbox).select_related("domain"))
    if not why.strip() and any(entry.list == SuppressionList.COMPLAINTS for entry in entries):
        raise ReasonMissingError
    asked = [(entry, _begin(entry, contact_id=contact_id, by=by, why=why.strip()[:500])) for entry in entries]
    answers = [(entry, removal, _ask(entry)) for entry, removal in asked]
    _record_answers(answers, mailbox=mailbox, contact_id=contact_id, by=by)
    return [removal for _, removal in asked]


@transaction.atomic
def _begin(entry: Suppression, *, contact_id: int, by: User, why: str) -> Removal:
    removal = Removal.objects.create(
        domain=entry.domain,
        list=entry.list,
        address=entry.address,
        mailbox=entry.mailbox,
        why=why,
        by=by,
        by_name=by.listed_name,
    )
    _record("contact.allowed_again", removal, contact_id, {"why": why})
    return removal


@transaction.atomic
def _record_answers(
    answers: list[tuple[Suppression, Removal, Answer]], *, mailbox: str, contact_id: int, by: User
) -> None:
    for entry, removal, answer in answers:
        Removal.objects.filter(pk=removal.pk).update(answered_at=Now(), done=answer.done, answer=answer.text)
        removal.refresh_from_db()
        _record("contact.provider_answered", removal, contact_id, {"done": answer.done, "answer": answer.text})
        if answer.done:
            # The next reading shows whether it is true.
            Suppression.objects.filter(pk=entry.pk).delete()
    settle_mailboxes([mailbox])
    if answers and all(answer.done for _, _, answer in answers):
        # It opens again when the next mail fails.
        set_contact_state(contact_id=contact_id, state=ContactState.FIXED, by=by)


def _ask(entry: Suppression) -> Answer:
    """Ask Mailgun, outside of any transaction."""
    try:
        answer = SuppressionLists(entry.domain.name).take_off(SuppressionList(entry.list), entry.address)
    except ProviderError as error:
        answer = Answer(done=False, text=str(error))
    # An answer may repeat the address, and the audit trail is kept longer than that.
    return replace(answer, text=answer.text.replace(entry.address, "the address")[:500])


def _record(action: str, removal: Removal, contact_id: int, details: dict[str, Any]) -> None:
    where = {"list": english(SuppressionList(removal.list).label), "domain": removal.domain.name}
    record_audit_event(by=removal.by, action=action, target=f"Contact {contact_id}", details=where | details)
