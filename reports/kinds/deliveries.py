"""The rows of message reports. The database writes the cells as text, which is fast and needs little memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from accounts.scopes import ALL_SCHOOLS, Scope
from core.replica import read_connection
from messenger_logs.choices import EMAIL_FAILURES, PHONE, DeliveryStatus, Mode, Outcome
from messenger_logs.models import Delivery, Recipient, SentMessage
from messenger_logs.removed import REMOVED
from messenger_logs.services.conditions import contacted_sql
from messenger_logs.status_labels import BESIDE_A_NOTE, CODE_NAMES, DELIVERY_STATUSES, EMAIL_OUTCOMES
from reports.document import CROSS, DUPLICATE
from reports.snapshot import plan_for_many_rows, stream

Parameters = dict[str, Any]

_STUDENT = """
    CASE WHEN r.student_name <> '' THEN r.student_name
         WHEN r.student_number <> '' THEN '(' || r.student_number || ')' ELSE '' END
"""
# The same format as core.dates.time_text and messenger_logs.status_labels.device_text.
_TIME = "coalesce(to_char(d.last_attempt_at AT TIME ZONE %(zone)s, 'MM/DD/YYYY FMHH12:MI AM'), '')"
# Length and beginning show a North American number; a regular expression would take ten times as long.
_NUMBER = f"""
    CASE WHEN d.given_address = '{REMOVED}' THEN d.given_address
         WHEN starts_with(d.address, '+1') AND length(split_part(d.address, ';', 1)) = 12
         THEN '(' || substr(d.address, 3, 3) || ') ' || substr(d.address, 6, 3) || '-' || substr(d.address, 9, 4)
         ELSE split_part(d.address, ';', 1) END
    || CASE WHEN strpos(d.address, ';ext=') > 0 THEN ' ext. ' || split_part(d.address, ';ext=', 2) ELSE '' END
    || CASE WHEN d.given_address NOT IN ('', '{REMOVED}')
            THEN coalesce(' ' || nullif(trim(regexp_replace(d.given_address, %(number)s, '')), ''), '') ELSE '' END
"""
_DEVICE = f"""
    CASE d.mode WHEN '{Mode.INBOX}' THEN %(inbox)s
         WHEN '{Mode.EMAIL}' THEN coalesce(nullif(d.given_address, ''), d.address)
         WHEN '{Mode.VOICE}' THEN %(voice)s || ' ' || {_NUMBER} ELSE %(text)s || ' ' || {_NUMBER} END
    || CASE WHEN d.duplicate THEN %(duplicate)s ELSE '' END
"""
# Statuses, and what a provider said, are in English in every language: they are what others are asked about.
# Sent is our own status. The provider's final result stands beside it, with "but" if it contradicts ours.
_PROVIDER = f"""
    CASE WHEN d.email_outcome = '' THEN '' ELSE
        CASE WHEN d.status = '{DeliveryStatus.SENT}' AND d.email_outcome = ANY(%(failures)s) THEN ', but provider: '
             ELSE ', provider: ' END || coalesce(provider.word, d.email_outcome) END
"""
# The same text as messenger_logs.status_labels.detail_text.
_DETAIL = """
    concat_ws(', ', nullif(nullif(d.detail, ''), 'code ' || d.code), coalesce(code.word, 'code ' || d.code))
"""
_WITH_DETAIL = f"status.word || coalesce(' (' || nullif({_DETAIL}, '') || ')', '')"
_WORDS = """
    JOIN unnest(%(statuses)s::text[], %(status_words)s::text[]) AS status (name, word) ON status.name = d.status
    LEFT JOIN unnest(%(outcomes)s::text[], %(outcome_words)s::text[]) AS provider (name, word)
        ON provider.name = d.email_outcome
    LEFT JOIN unnest(%(code_modes)s::text[], %(codes)s::int[], %(code_words)s::text[]) AS code (mode, number, word)
        ON code.number = d.code AND code.mode = d.mode
"""
_MODE_WORDS = " ".join(f"WHEN '{mode}' THEN %({mode})s" for mode in Mode)
_ORDER = "ORDER BY name, person_id, recipient, array_position(%(all_modes)s::text[], mode::text), delivery"

# A device failed if its last attempt failed, or if its e-mail was sent and did not arrive.
_FAILED = f"""
    (d.outcome = '{Outcome.ERROR}' OR d.status = '{DeliveryStatus.SENT}' AND d.email_outcome = ANY(%(failures)s))
"""

# The rows of the schools of a scope; all rows where it is NULL.
_SEEN = "(%(schools)s::bigint[] IS NULL OR r.school_id = ANY(%(schools)s::bigint[]))"

_RECIPIENT, _DELIVERY = Recipient._meta.db_table, Delivery._meta.db_table
_PEOPLE = f"""
    SELECT r.person_id,
        bool_or(d.status <> '{DeliveryStatus.NO_DEVICE}') IS TRUE AS has_device,
        bool_or({contacted_sql("d")}) IS TRUE AS contacted,
        bool_or(d.mode = ANY(%(modes)s) AND {_FAILED}) IS TRUE AS failed
    FROM {_RECIPIENT} AS r
    LEFT JOIN {_DELIVERY} AS d ON d.recipient_id = r.id AND d.message_id = %(message)s
    WHERE r.message_id = %(message)s AND {_SEEN}
    GROUP BY r.person_id
"""  # noqa: S608  (table names only)


def failed_mark() -> str:
    """Return what begins each row of a failed device, where the rows are those of people with one."""
    word = pgettext("device", "Failed")
    return f"{CROSS} {word}"


def _classic(cells: str) -> str:
    return f"""
WITH person AS ({_PEOPLE})
SELECT {cells} FROM (
    SELECT r.name, r.person_id, r.id AS recipient, d.mode, d.id AS delivery,
        CASE WHEN %(phone)s AND NOT person.contacted THEN ' *' ELSE '' END AS mark,
        CASE WHEN %(only_failed)s AND {_FAILED} THEN %(failed_mark)s ELSE '' END AS result,
        {_STUDENT} AS student, {_DEVICE} AS device, {_WITH_DETAIL} || {_PROVIDER} AS status, {_TIME} AS time
    FROM {_DELIVERY} AS d
    JOIN {_RECIPIENT} AS r ON r.id = d.recipient_id
    JOIN person USING (person_id)
    {_WORDS}
    WHERE d.message_id = %(message)s AND r.message_id = %(message)s AND d.mode = ANY(%(modes)s)
        AND {_SEEN} AND d.status <> '{DeliveryStatus.NO_DEVICE}' AND (person.failed OR NOT %(only_failed)s)
    UNION ALL
    SELECT r.name, r.person_id, r.id, '', NULL, CASE WHEN %(phone)s THEN ' *' ELSE '' END, '', {_STUDENT}, 'No Device',
        'No Device', ''
    FROM {_RECIPIENT} AS r
    JOIN person USING (person_id)
    WHERE %(no_device)s AND r.message_id = %(message)s AND {_SEEN} AND NOT person.has_device AND NOT %(only_failed)s
) AS line
{_ORDER}
"""  # noqa: S608  (table names only)


_CLASSIC = _classic("name || mark, student, device, status, time")
_ONLY_FAILED = _classic("result, name || mark, student, device, status, time")

_V2 = f"""
SELECT name, student, mode_word, status, detail, time FROM (
    SELECT r.name, r.person_id, r.id AS recipient, d.mode, d.id AS delivery, {_STUDENT} AS student,
        CASE d.mode {_MODE_WORDS} END AS mode_word, status.word || {_PROVIDER} AS status, {_DETAIL} AS detail,
        {_TIME} AS time
    FROM {_DELIVERY} AS d
    JOIN {_RECIPIENT} AS r ON r.id = d.recipient_id
    {_WORDS}
    WHERE d.message_id = %(message)s AND r.message_id = %(message)s AND d.mode = ANY(%(modes)s)
        AND {_SEEN} AND d.status = ANY(%(wanted)s)
) AS line
{_ORDER}
"""  # noqa: S608  (table names only)


def _parameters(message: SentMessage, scope: Scope, **more: object) -> Parameters:
    return {
        "message": message.pk,
        "schools": scope.stored,
        "zone": timezone.get_current_timezone_name(),
        "duplicate": f" {DUPLICATE}",
        "number": BESIDE_A_NOTE,
        "failures": sorted(EMAIL_FAILURES),
        "statuses": [status.value for status in DELIVERY_STATUSES],
        "status_words": [status.in_english for status in DELIVERY_STATUSES.values()],
        "outcomes": list(EMAIL_OUTCOMES),
        "outcome_words": [status.in_english for status in EMAIL_OUTCOMES.values()],
        "code_modes": [mode.value for mode, number in CODE_NAMES],
        "codes": [number for mode, number in CODE_NAMES],
        "code_words": list(CODE_NAMES.values()),
        "all_modes": Mode.values,
        **{mode.value: str(mode.label) for mode in Mode},
        "failed_mark": failed_mark(),
    } | more


class ClassicRows:
    """Rows of Recipient, Student, Delivery Device, Status, Time, ordered by recipient.

    The devices of `modes` are rows. With `no_device`, a recipient without any device is a row, too. With
    `only_failed`, the rows are those of people with at least one failed device among these, and a column before the
    others marks the devices that failed. They are of the schools of `scope`, and say nothing of others.
    """

    def __init__(
        self,
        message: SentMessage,
        *,
        modes: Collection[Mode],
        no_device: bool = False,
        only_failed: bool = False,
        scope: Scope = ALL_SCHOOLS,
    ) -> None:
        self.sql = _ONLY_FAILED if only_failed else _CLASSIC
        self.parameters = _parameters(
            message,
            scope,
            modes=[mode.value for mode in modes],
            no_device=no_device,
            only_failed=only_failed,
            phone=any(mode in message.modes for mode in PHONE),
        )

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return stream(self.sql, self.parameters)

    def count(self, limit: int | None = None) -> int:
        return _count(self.sql, self.parameters, limit)


class V2Rows:
    """Rows of Recipient, Student, Delivery Mode, Status, Status Detail, Time, ordered by recipient."""

    def __init__(
        self,
        message: SentMessage,
        *,
        modes: Collection[str],
        statuses: Collection[str],
        scope: Scope = ALL_SCHOOLS,
    ) -> None:
        self.parameters = _parameters(message, scope, modes=list(modes), wanted=list(statuses))

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return stream(_V2, self.parameters)

    def count(self, limit: int | None = None) -> int:
        return _count(_V2, self.parameters, limit)


def _count(sql: str, parameters: Parameters, limit: int | None) -> int:
    unsorted = sql.removesuffix(f"{_ORDER}\n")
    with transaction.atomic(using=read_connection().alias), read_connection().cursor() as cursor:
        plan_for_many_rows()
        counted = f"SELECT count(*) FROM ({unsorted} LIMIT %(limit)s) AS line"  # noqa: S608  (constants)
        cursor.execute(counted, parameters | {"limit": limit})
        found: int = cursor.fetchone()[0]
        return found
