"""Ask for a person to be erased. A worker does it."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from accounts.models import User
from core.queue import call_worker
from messenger_logs.services.erased import digest_of
from retention.models import Erasure
from retention.services.erasing import NobodyFound, identity_of, record
from retention.tasks import erase


class AlreadyAsked(Exception):
    """The person is being erased."""


@transaction.atomic
def ask(*, person_id: str, by: User | None, reason: str = "") -> Erasure:
    """Ask for a person to be erased; a worker begins after the commit. Raises NobodyFound or AlreadyAsked.

    `by` is None for somebody at the command line.
    """
    identity = identity_of(person_id)
    if not identity.messages:
        raise NobodyFound
    erasure, new = Erasure.objects.get_or_create(
        person_id=person_id,
        finished_at=None,
        defaults={
            "digest": digest_of(person_id),
            "identity": identity.as_json(),
            "asked_by_name": by.listed_name if by else "Command line",
            "reason": reason,
        },
    )
    if not new:
        raise AlreadyAsked
    record("person.erase_asked", erasure, by=by)
    transaction.on_commit(partial(call_worker, erase, erasure.pk))
    return erasure
