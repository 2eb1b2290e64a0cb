"""Reports of an engine or of the dispatcher about deliveries: in bulk, in any order, any number of times.

A report is evidence. An attempt keeps its best evidence, and a delivery has the result of its last attempt. A duplicate
follows the row that it duplicates. The kept totals change by the differences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from core.ids import LARGEST_ID
from core.text import is_storable
from messenger_logs.choices import NOT_TRIED, DeliveryStatus, Mode
from messenger_logs.models import Delivery, Recipient
from messenger_logs.services.addresses import read_address
from messenger_logs.services.evidence import Evidence, store_evidence
from messenger_logs.services.message_ids import bare_message_id
from messenger_logs.statuses import RANKS, STATUSES, Code, code_of, detail_of, outcome_of

_LARGEST_SMALLINT = 2**15 - 1
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_CLOCKS_MAY_DIFFER_BY = timedelta(days=1)
_NOT_REPORTABLE = frozenset({DeliveryStatus.WAITING, DeliveryStatus.NO_DEVICE})


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """One report about one attempt at one device. It names the device by the delivery's id, or by mode and address.

    It has a code of ``codes.csv``, a status, or both: code 5 is "confirmed" if somebody pressed 0.
    """

    delivery_id: int | None = None
    mode: str = ""
    address: str = ""
    person_id: str = ""
    attempt: int = 1
    code: int | None = None
    status: str = ""
    detail: str = ""
    at: datetime | None = None
    provider_id: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A report that was not stored: its place among the reports, and why."""

    index: int
    message: str


@dataclass(frozen=True, slots=True)
class Reported:
    """How many reports were stored, how many devices they changed, and the reports that were refused."""

    taken: int
    changed: int
    refused: list[Refused]


class _RefusedError(ValueError):
    """A report cannot be stored; the message says why."""


def report_statuses(*, message_id: int, reports: Iterable[StatusReport]) -> Reported:
    """Store reports about the deliveries of one message, in one transaction.

    Safe to repeat, in any order, and by many callers at once. A refused report stops no other.
    """
    refused: list[Refused] = []
    readable: dict[int, tuple[StatusReport, str]] = {}
    for index, report in enumerate(reports):
        try:
            readable[index] = report, _checked(report)
        except _RefusedError as error:
            refused.append(Refused(index, str(error)))
    evidence: list[Evidence] = []
    taken = 0
    devices = _devices(message_id, readable)
    for index, (report, _) in readable.items():
        try:
            read = _read(report, devices.get(index))
        except _RefusedError as error:
            refused.append(Refused(index, str(error)))
            continue
        taken += 1
        if read:
            evidence.append(read)
    changed = store_evidence(message_id=message_id, evidence=evidence) if evidence else 0
    return Reported(taken, changed, sorted(refused, key=lambda one: one.index))


def _checked(report: StatusReport) -> str:
    """The canonical form of the report's address. Raises _RefusedError for what cannot be stored."""
    for name in ("mode", "address", "person_id", "status", "detail", "provider_id", "raw"):
        if not is_storable(getattr(report, name)):
            raise _RefusedError(f"The {name} has characters that cannot be stored.")
    if len(report.provider_id) > 200 or len(report.detail) > 200:
        raise _RefusedError("The provider's id or the detail is longer than 200 characters.")
    if not 1 <= report.attempt <= _LARGEST_SMALLINT:
        raise _RefusedError("Attempts are numbered from 1.")
    if report.code is not None and abs(report.code) > _LARGEST_SMALLINT:
        raise _RefusedError(f"{report.code} is no code of the provider.")
    if report.at is not None:
        if report.at.tzinfo is None:
            raise _RefusedError("The time does not say its time zone.")
        if not _EARLIEST <= report.at <= timezone.now() + _CLOCKS_MAY_DIFFER_BY:
            raise _RefusedError("The time is in the future, or before the year 2000.")
    if report.delivery_id is not None:
        if not 1 <= report.delivery_id <= LARGEST_ID:
            raise _RefusedError("This message has no such delivery.")
        return ""
    if report.mode not in Mode.values or not report.address:
        raise _RefusedError("Neither a delivery nor a mode with an address is named.")
    return read_address(Mode(report.mode), report.address).canonical


@dataclass(frozen=True, slots=True)
class _Device:
    """The device of a report: the row that counts, and whether the report named a duplicate of it."""

    delivery_id: int
    mode: Mode
    duplicate: bool


# The limits make PostgreSQL look up each report in the indexes. Without them it reads the whole message.
_FIND = f"""
SELECT r.index, origin.id, origin.mode, coalesce(named.duplicate, false)
FROM unnest(%(index)s::int[], %(delivery)s::bigint[], %(mode)s::text[], %(address)s::text[], %(person)s::text[])
    AS r (index, delivery_id, mode, address, person_id)
LEFT JOIN LATERAL (
    SELECT d.mode, d.address, d.duplicate
    FROM {Delivery._meta.db_table} AS d
    WHERE d.id = r.delivery_id AND d.message_id = %(message)s
    UNION ALL
    SELECT d.mode, d.address, d.duplicate
    FROM {Recipient._meta.db_table} AS p JOIN {Delivery._meta.db_table} AS d ON d.recipient_id = p.id
    WHERE r.delivery_id IS NULL AND p.message_id = %(message)s AND p.person_id = r.person_id
        -- The form as given is that of a device that nothing can go to: its address has a mark of the person.
        AND d.mode = r.mode AND (d.address = r.address OR d.given_address = r.address)
    ORDER BY duplicate LIMIT 1
) AS named ON true
CROSS JOIN LATERAL (
    SELECT d.id, d.mode
    FROM {Delivery._meta.db_table} AS d
    WHERE d.message_id = %(message)s AND NOT d.duplicate AND d.address <> ''
        AND d.mode = coalesce(named.mode, r.mode) AND d.address = coalesce(named.address, r.address)
    LIMIT 1
) AS origin
WHERE named.mode IS NOT NULL OR r.delivery_id IS NULL AND r.person_id = ''
"""  # noqa: S608  (table names only)


def _devices(message_id: int, readable: dict[int, tuple[StatusReport, str]]) -> dict[int, _Device]:
    reports = [report for report, _ in readable.values()]
    stored = _stored_forms(message_id, readable.values())
    with connection.cursor() as cursor:
        cursor.execute(
            _FIND,
            {
                "message": message_id,
                "index": list(readable),
                "delivery": [report.delivery_id for report in reports],
                "mode": [report.mode for report in reports],
                "address": [stored.get((report.mode, address), address) for report, address in readable.values()],
                "person": [report.person_id for report in reports],
            },
        )
        return {index: _Device(pk, Mode(mode), duplicate) for index, pk, mode, duplicate in cursor.fetchall()}


def _stored_forms(message_id: int, reports: Iterable[tuple[StatusReport, str]]) -> dict[tuple[str, str], str]:
    """The stored form of each address that nothing can go to, and that a report gives without a person.

    It has the mark of its person. If several people have it, nobody knows whose is meant, and it is left out.
    """
    wanted = [
        (report.mode, address)
        for report, address in reports
        if report.delivery_id is None and not report.person_id and read_address(Mode(report.mode), address).error
    ]
    if not wanted:
        return {}
    modes, addresses = map(set, zip(*wanted, strict=True))
    found = Delivery.objects.filter(
        message=message_id, mode__in=modes, given_address__in=addresses, duplicate=False
    ).values_list("mode", "given_address", "address")
    times = Counter((mode, given) for mode, given, _ in found)
    return {(mode, given): address for mode, given, address in found if times[mode, given] == 1}


def _read(report: StatusReport, device: _Device | None) -> Evidence | None:
    """The evidence of a report; None where it only says that a duplicate is one."""
    if device is None:
        raise _RefusedError(_why_unknown(report))
    code = None if report.code is None else code_of(report.code, device.mode)
    status = _status(report, code, device.mode)
    if status is DeliveryStatus.DUPLICATE and device.duplicate:
        return None
    return Evidence(
        delivery_id=device.delivery_id,
        number=report.attempt,
        code=report.code,
        status=status.value,
        detail=report.detail or detail_of(report.code, device.mode, status),
        outcome=outcome_of(device.mode, status, report.detail, report.code).value,
        rank=RANKS[status],
        made=status not in NOT_TRIED,
        ended_at=report.at,
        provider_id=bare_message_id(report.provider_id) if device.mode is Mode.EMAIL else report.provider_id,
        raw=report.raw,
    )


def _why_unknown(report: StatusReport) -> str:
    error = read_address(Mode(report.mode), report.address).error if report.delivery_id is None else ""
    return f"The address {error}." if error else "This message has no such device."


def _status(report: StatusReport, code: Code | None, mode: Mode) -> DeliveryStatus:
    if not report.status:
        if code is None:
            raise _RefusedError("Neither a code nor a status is given.")
        return code.status
    if report.status not in DeliveryStatus.values:
        raise _RefusedError("There is no such status.")
    status = DeliveryStatus(report.status)
    if status not in STATUSES[mode] or status in _NOT_REPORTABLE:
        raise _RefusedError(f"“{status.label}” cannot be reported of {mode.label}.")
    return status
