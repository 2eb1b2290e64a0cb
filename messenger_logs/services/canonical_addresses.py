"""Give the e-mail addresses of stored deliveries their canonical form, in batches.

It repairs deliveries that came in before there was one, and may be run at any time and any number of times. What makes
two deliveries of a message one device now makes the second one a duplicate, and the totals follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Max, Min

from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.services.addresses import AddressError, email_address
from messenger_logs.services.bulk_copy import RESULT
from messenger_logs.services.complete_cancel import repair_figures
from messenger_logs.services.message_status import settle_status
from messenger_logs.services.reach import settle_reach
from messenger_logs.services.totals import lock_totals, recount
from messenger_logs.signals import deliveries_stored

BATCH = 10_000

# Of a plain address in lower case the canonical form is the same text. See addresses.is_plain.
_OTHERS = f"""
SELECT message_id, array_agg(id)
FROM {Delivery._meta.db_table}
WHERE id > %(after)s AND id <= %(last)s AND mode = '{Mode.EMAIL}'
    AND (address <> lower(address) OR address ~ '[^!-~]|[.>]$' OR strpos(address, 'xn--') > 0)
GROUP BY message_id
"""  # noqa: S608  (table names only)

# As they are now: somebody may have changed them since the batch was read. A claim has the address in its hands.
_LOCKED = f"""
SELECT id, recipient_id, address, duplicate
FROM {Delivery._meta.db_table}
WHERE id = ANY(%(ids)s) AND claim IS NULL
ORDER BY id
FOR NO KEY UPDATE
"""  # noqa: S608  (table names only)

_CHANGE = f"""
UPDATE {Delivery._meta.db_table} AS d
SET address = new.address, duplicate = new.duplicate,
    given_address = CASE WHEN new.address = d.address OR d.given_address <> '' THEN d.given_address ELSE d.address END
FROM unnest(%(ids)s::bigint[], %(addresses)s::text[], %(duplicates)s::bool[]) AS new (id, address, duplicate)
WHERE d.id = new.id
"""  # noqa: S608  (table names only)


# A duplicate gets nothing of its own. One that waits has the result of the row that counts, or it would wait for ever.
_FOLLOW = f"""
UPDATE {Delivery._meta.db_table} AS d
SET {", ".join(f"{name} = counts.{name}" for name in RESULT)}
FROM unnest(%(ids)s::bigint[], %(addresses)s::text[]) AS new (id, address)
JOIN {Delivery._meta.db_table} AS counts
    ON counts.message_id = %(message)s AND counts.mode = '{Mode.EMAIL}' AND counts.address = new.address
        AND NOT counts.duplicate
WHERE d.id = new.id AND d.duplicate AND d.status = '{DeliveryStatus.WAITING}'
"""  # noqa: S608  (names only)


@dataclass(slots=True)
class _Row:
    id: int
    recipient_id: int
    address: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Repaired:
    """How many addresses got another form, and how many deliveries became duplicates by that."""

    addresses: int = 0
    duplicates: int = 0

    def __add__(self, other: Repaired) -> Repaired:
        return Repaired(self.addresses + other.addresses, self.duplicates + other.duplicates)


def repair_addresses(*, batch: int = BATCH) -> Iterator[Repaired]:
    """Repair all deliveries, ``batch`` ids at a time. Yields what each batch did.

    A message of a batch is a transaction, which holds the message's lock.
    """
    ids = Delivery.objects.aggregate(first=Min("pk", default=1), last=Max("pk", default=0))
    for after in range(ids["first"] - 1, ids["last"], batch):
        found = _others(after, after + batch)
        yield sum((_repair(message_id, ids) for message_id, ids in found), Repaired())


def _others(after: int, last: int) -> list[tuple[int, list[int]]]:
    """Return the ids of each message's deliveries that may have another canonical form."""
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS, {"after": after, "last": last})
        return list(cursor.fetchall())


def _locked(ids: list[int]) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCKED, {"ids": ids})
        return [_Row(*row) for row in cursor.fetchall()]


@transaction.atomic
def _repair(message_id: int, ids: list[int]) -> Repaired:
    counted = lock_totals(message_id=message_id)
    rows = _locked(ids)
    wanted = {row.id: canonical for row in rows if (canonical := _canonical(row.address)) != row.address}
    if not wanted:
        return Repaired()
    new, changed = _changed(message_id, rows, wanted)
    with connection.cursor() as cursor:
        cursor.execute(
            _CHANGE,
            {
                "ids": [row.id for row in new],
                "addresses": [row.address for row in new],
                "duplicates": [row.duplicate for row in new],
            },
        )
        cursor.execute(_FOLLOW, {"message": message_id, "ids": list(wanted), "addresses": list(wanted.values())})
    settle_reach(message_id=message_id, deliveries=list(wanted))
    deliveries_stored.send(SentMessage, message_id=message_id, deliveries=[row.id for row in new])
    if changed.duplicates or not counted:
        recount(message_id=message_id)
        settle_status(message_id=message_id)
        repair_figures(message_id=message_id)
    return changed


def _canonical(address: str) -> str:
    """Return the canonical form; of an address that is of no use, the address."""
    try:
        return email_address(address)
    except AddressError:
        return address


def _changed(message_id: int, rows: list[_Row], wanted: dict[int, str]) -> tuple[list[_Row], Repaired]:
    """Return the rows to change, as they become.

    A recipient has an address once, so a second spelling of it stays as it is and becomes a duplicate.
    """
    same = Delivery.objects.filter(message=message_id, mode=Mode.EMAIL, address__in=set(wanted.values()))
    known = list(same.values_list("recipient_id", "address", "duplicate"))
    held = {(recipient, address) for recipient, address, _ in known}
    counted = {address for _, address, duplicate in known if not duplicate}
    new, addresses, duplicates = [], 0, 0
    for row in rows:
        if (address := wanted.get(row.id)) is None:
            continue
        duplicate = row.duplicate or address in counted
        if (row.recipient_id, address) not in held:
            held.add((row.recipient_id, address))
            counted |= set() if duplicate else {address}
            row.address = address
            addresses += 1
        elif row.duplicate:
            continue
        duplicates += duplicate and not row.duplicate
        row.duplicate = duplicate
        new.append(row)
    return new, Repaired(addresses, duplicates)
