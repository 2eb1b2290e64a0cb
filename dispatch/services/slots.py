"""Slots for work that a slow provider can hold up: only a few processes do the same work at a time.

A slot is an advisory lock of the database session. It is free as soon as its process is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

from django.db import connection


@contextmanager
def slot(work: str, slots: int = 1) -> Iterator[bool]:
    """Take one of the slots of a work during the context. The value is False when all are taken; nobody waits."""
    key = crc32(f"dispatch {work}".encode()) - 2**31  # the lock takes signed integers
    number = next((number for number in range(slots) if _ask("pg_try_advisory_lock", key, number)), None)
    try:
        yield number is not None
    finally:
        if number is not None:
            _ask("pg_advisory_unlock", key, number)


def _ask(function: str, key: int, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [key, number])
        return bool(cursor.fetchone()[0])
