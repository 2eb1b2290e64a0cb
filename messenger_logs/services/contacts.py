"""Contacts to fix: what is heard of addresses and numbers, and what people do about them.

Who changes deliveries notes their addresses, in the same transaction and with one statement. A worker then derives the
contacts: see derive_contacts.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models.functions import Greatest, Now

from accounts.models import User
from accounts.services import record_audit_event
from core.languages import english
from core.queue import call_worker
from messenger_logs.choices import ContactProblem, ContactState, Mode
from messenger_logs.models import ContactNews, ContactToFix, Delivery
from messenger_logs.services.derive_contacts import IS_NEWS, LOCK
from messenger_logs.tasks import derive_contacts

_CONTACT, _NEWS = ContactToFix._meta.db_table, ContactNews._meta.db_table

_NOTE = f"""
INSERT INTO {_NEWS} (mode, address)
SELECT DISTINCT d.mode, d.address FROM {Delivery._meta.db_table} AS d WHERE d.id = ANY(%s) AND {IS_NEWS}
"""  # noqa: S608  (table names only)
_NOTE_ADDRESSES = f"INSERT INTO {_NEWS} (mode, address) SELECT %s, * FROM unnest(%s::text[])"  # noqa: S608

_LIST = f"""
INSERT INTO {_CONTACT} AS kept (mode, address, problem, reason, since, listed_as, listed_at, listed_reason)
SELECT '{Mode.EMAIL}', address, problem, reason, since, problem, since, reason
FROM unnest(%(addresses)s::text[], %(problems)s::text[], %(since)s::timestamptz[], %(reasons)s::text[])
    AS listed (address, problem, since, reason)
ORDER BY address
ON CONFLICT (address, mode) DO UPDATE SET
    listed_as = excluded.listed_as, listed_at = excluded.listed_at, listed_reason = excluded.listed_reason
"""  # noqa: S608  (table names only)
_UNLIST = f"""
UPDATE {_CONTACT} SET listed_as = '', listed_at = NULL, listed_reason = ''
WHERE mode = '{Mode.EMAIL}' AND address = ANY(%s) AND listed_as <> ''
"""  # noqa: S608  (table names only)


@dataclass(frozen=True, slots=True)
class ListedAddress:
    """An e-mail address, in its canonical form, that a provider does not try, why, and since when."""

    address: str
    problem: ContactProblem
    since: datetime
    reason: str


def note_contacts(*, deliveries: Collection[int]) -> None:
    """Note that these deliveries changed, or are new. A worker derives their contacts after the commit."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [list(deliveries)])
        if cursor.rowcount:
            transaction.on_commit(_derive)


def _derive() -> None:
    # Without a queue, beat starts the same task within a minute.
    call_worker(derive_contacts)


@transaction.atomic
def settle_listed(*, listed: Sequence[ListedAddress], unlisted: Collection[str]) -> None:
    """Record which e-mail addresses a provider does not try, and which it tries again. Their contacts follow.

    Safe to repeat. An address comes once in ``listed``, and not in both.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
        cursor.execute(
            _LIST,
            {
                "addresses": [one.address for one in listed],
                "problems": [one.problem.value for one in listed],
                "since": [one.since for one in listed],
                "reasons": [one.reason for one in listed],
            },
        )
        cursor.execute(_UNLIST, [list(unlisted)])
        cursor.execute(_NOTE_ADDRESSES, [Mode.EMAIL, [*(one.address for one in listed), *unlisted]])
    transaction.on_commit(_derive)


@transaction.atomic
def set_contact_state(*, contact_id: int, state: ContactState, by: User) -> ContactToFix:
    """Record what a person did about a contact, and return it. What is so already changes nothing.

    The state of a contact whose messages arrive stays *Fixed*, whatever a person says.
    """
    said = "" if state is ContactState.OPEN else state.value
    handled = {
        "handled_as": said,
        # A provider's clock may be ahead of ours, and the person saw that failure.
        "handled_at": Greatest(Now(), "failed_at", "listed_at"),
        "handled_by": by,
        "handled_by_name": by.listed_name,
    }
    if ContactToFix.objects.filter(pk=contact_id).exclude(state=state, handled_as=said).update(**handled):
        record_audit_event(
            by=by,
            action="contact.state_changed",
            target=f"Contact {contact_id}",
            details={"state": english(state.label)},
        )
    return ContactToFix.objects.get(pk=contact_id)
