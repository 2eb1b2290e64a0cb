"""Make the rows of a message's recipients, deliveries and attempts, and COPY them into their tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from itertools import islice
from typing import Any

from django.db import connection, models

from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.message_inputs import DeviceInput, RecipientInput

ROWS_A_COPY = 10_000

RECIPIENT = (
    "id",
    "message_id",
    "person_id",
    "name",
    "student_number",
    "student_name",
    "merge_fields",
    "counted",
    "language",
    "student_school_id",
)
RESULT = (
    "status",
    "detail",
    "outcome",
    "code",
    "attempt_count",
    "reached_earlier",
    "first_attempt_at",
    "last_attempt_at",
    "provider_id",
    "email_outcome",
    "email_reason",
    "email_outcome_at",
    "email_linked_by",
)
DELIVERY = (
    "id",
    "message_id",
    "recipient_id",
    "mode",
    "address",
    "given_address",
    "duplicate",
    *RESULT,
)
ATTEMPT = (
    "delivery_id",
    "number",
    "started_at",
    "ended_at",
    "code",
    "status",
    "detail",
    "outcome",
    "made",
    "rank",
    "provider_id",
    "raw",
)
Row = tuple[Any, ...]
# The devices of a message that count, each by its mode and address.
Counting = dict[tuple[Mode, str], DeviceInput]


def recipient_rows(
    message: SentMessage, ids: list[int], new: list[RecipientInput], people: set[str], schools: Mapping[str, int]
) -> Iterator[Row]:
    """The rows of new recipients, with these ids. One row of each person counts.

    `people` holds the person ids that have a row already; the function adds the new ones. `schools` are ids by name.
    """
    for pk, recipient in zip(ids, new, strict=True):
        counted = recipient.person_id not in people
        people.add(recipient.person_id)
        merge_fields = json.dumps(recipient.merge_fields)
        person, number, student = recipient.key
        school = schools.get(recipient.student_school)
        yield pk, message.pk, person, recipient.name, number, student, merge_fields, counted, recipient.language, school


def delivery_rows(
    message: SentMessage,
    ids: list[int],
    missing: list[tuple[int, DeviceInput]],
    counting: Counting,
) -> Iterator[Row]:
    """The rows of missing devices, each with the id of its recipient. A device that is in `counting` is a duplicate."""
    for pk, (recipient_id, device) in zip(ids, missing, strict=True):
        duplicate = device.duplicate or device.status == DeliveryStatus.DUPLICATE or device.key in counting
        if device.address and not duplicate:
            counting[device.key] = device
        # Nobody is called twice. A duplicate without a status of its own has the status of the device.
        follows = device.key in counting and duplicate and device.status == DeliveryStatus.WAITING
        source = counting[device.key] if follows else device
        told = counting.get(device.key, device) if duplicate else device
        yield (
            pk,
            message.pk,
            recipient_id,
            device.mode.value,
            device.address,
            device.given_address,
            duplicate,
            source.status.value,
            source.detail,
            source.outcome.value,
            source.code,
            source.attempt_count,
            source.reached_earlier,
            source.first_attempt_at,
            source.last_attempt_at,
            source.provider_id,
            told.email_outcome,
            told.email_reason,
            told.email_outcome_at,
            told.email_linked_by,
        )


def attempt_rows(ids: list[int], missing: list[tuple[int, DeviceInput]]) -> Iterator[Row]:
    for pk, (_, device) in zip(ids, missing, strict=True):
        for attempt in device.attempts:
            result = device.result_of(attempt)
            yield (
                pk,
                attempt.number,
                attempt.started_at,
                attempt.ended_at,
                attempt.code,
                result.status.value,
                result.detail,
                result.outcome.value,
                result.made,
                result.rank,
                attempt.provider_id,
                "",
            )


def reserve(model: type[models.Model], count: int) -> list[int]:
    """Reserve ids for new rows, so that rows of other tables can refer to them before they are stored."""
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return [row[0] for row in cursor.fetchall()]


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterator[Row]) -> None:
    """COPY rows into a table. CSV writes None and "" in the same way: a text column reads "", another column NULL."""
    texts = [
        column.column
        for column in model._meta.concrete_fields
        if column.column and column.column in columns and isinstance(column, models.CharField | models.TextField)
    ]
    table = model._meta.db_table
    sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv, FORCE_NOT_NULL ({', '.join(texts)}))"
    with connection.cursor() as cursor:
        while batch := list(islice(rows, ROWS_A_COPY)):
            text = StringIO()
            csv.writer(text).writerows(batch)
            text.seek(0)
            cursor.copy_expert(sql, text)
        # At the commit PostgreSQL checks each foreign key with a plan that the connection keeps. A plan from the time
        # when the tables were almost empty reads a whole table for each row.
        cursor.execute("DISCARD PLANS")
