"""The Message-Id of an e-mail in one form, however a system writes it.

Source: section 3.6.4 of RFC 5322. The part behind the @ is a domain, where upper and lower case are the same; before it
they are not.
"""

from __future__ import annotations

import re

from django.db.models import Max

from core.timeouts import retry_when_busy
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery

# Signs around an id, and what folding a header puts into it. No id that means something else differs only by these.
_AROUND = '<>" \t\r\n'
_HEADER = re.compile(r"^\s*message-id\s*:", re.IGNORECASE)
_TO_NOTHING = str.maketrans("", "", _AROUND)


def bare_message_id(text: str) -> str:
    """Return the bare form of a Message-Id: ``abc@mail.example`` for ``Message-ID: <abc@Mail.Example>``.

    A text that is no Message-Id, such as a number that another system gives its mails, loses the same signs.
    """
    left, at, domain = _HEADER.sub("", text).translate(_TO_NOTHING).rpartition("@")
    return f"{left}{at}{domain.lower()}" if at else domain


def without_signs_sql(value: str) -> str:
    """The SQL of a value without the signs around an id: the first of two steps to the bare form."""
    return f"translate({value}, E'<>\" \\t\\r\\n', '')"


def bare_message_id_sql(value: str) -> str:
    """The SQL of the bare form of a value without signs around it: the second step."""
    domain = f"split_part({value}, '@', -1)"
    return (
        f"CASE WHEN strpos({value}, '@') = 0 THEN {value}"
        f" ELSE left({value}, length({value}) - length({domain})) || lower({domain}) END"
    )


BATCH = 10_000
# What may not be bare: signs around it, a blank, the name of the header, or a capital in the domain.
_NOT_BARE = r'[<>"[:space:]]|^[Mm]essage-[Ii][Dd]:|@[^@]*[A-Z][^@]*$'


def make_ids_bare() -> int:
    """Give the Message-Ids of stored e-mails their bare form. Returns how many deliveries changed.

    It works in batches, each in a transaction of its own. So it may run at any time, be stopped, and run again.
    """
    last = Delivery.objects.aggregate(last=Max("pk", default=0))["last"]
    return sum(retry_when_busy(_make_bare, after, after + BATCH) for after in range(0, last, BATCH))


def _make_bare(after: int, last: int) -> int:
    rows = Delivery.objects.filter(pk__gt=after, pk__lte=last, mode=Mode.EMAIL, provider_id__regex=_NOT_BARE)
    found = list(rows.only("provider_id").order_by("pk"))
    for row in found:
        row.provider_id = bare_message_id(row.provider_id)
    return Delivery.objects.bulk_update(found, ["provider_id"])
