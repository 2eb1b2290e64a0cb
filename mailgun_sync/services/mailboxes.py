"""Give stored addresses the canonical form that searches compare. Addresses of new events have it already.

Few addresses have one of their own: those that are not ASCII, or whose domain begins with xn--.
"""

from __future__ import annotations

from django.db.models import Q

from core.timeouts import retry_when_busy
from mailgun_sync.models import RecipientAddress
from messenger_logs.services.addresses import is_plain, mailbox

BATCH = 10_000

_PERHAPS_ODD = Q(address__regex="[^!-~]|[.>]$") | Q(address__icontains="xn--")


def fill_mailboxes() -> int:
    """Fill the column ``mailbox`` where an address has a canonical form and no such. Returns in how many rows.

    It works in batches, each in a transaction of its own. So it may run at any time, be stopped, and run again.
    """
    total, last = 0, 0
    while ids := list(RecipientAddress.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        total += retry_when_busy(_fill_between, ids[0], ids[-1])
        last = ids[-1]
    return total


def _fill_between(first: int, last: int) -> int:
    perhaps = RecipientAddress.objects.filter(_PERHAPS_ODD, pk__range=(first, last), mailbox="").order_by("pk")
    odd = [row for row in perhaps.only("address") if not is_plain(row.address)]
    for row in odd:
        row.mailbox = mailbox(row.address)[:512]
    return RecipientAddress.objects.bulk_update(odd, ["mailbox"])
