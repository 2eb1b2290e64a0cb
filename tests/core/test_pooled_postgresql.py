"""No cursor is left on the server for a session that a pooler may have given to somebody else."""

import pytest
from django.db import connection, transaction

from accounts.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def cursors() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '\\_django\\_curs%'")
        return int(cursor.fetchone()[0])


def test_rows_come_in_parts_within_a_transaction_and_at_once_outside() -> None:
    for number in range(3):
        User.objects.create_user(f"person{number}")
    rows = User.objects.order_by("pk").iterator(chunk_size=1)
    assert next(rows).username == "person0"
    assert cursors() == 0
    assert [user.username for user in rows] == ["person1", "person2"]
    with transaction.atomic():
        rows = User.objects.iterator(chunk_size=1)
        next(rows)
        assert cursors() == 1
        assert len(list(rows)) == 2
