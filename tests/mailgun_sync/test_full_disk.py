"""The disk of the database is full while a real sync reads: it says so, moves nothing, and the next one catches up."""

from datetime import datetime

import pytest

from mailgun_sync.models import MailgunEvent, SendingDomain
from tests.full_disk import small_disk
from tests.mailgun_sync.test_crash import Start, assert_whole, cursor_of, finish
from tests.mailgun_sync.test_crash import ids as ids
from tests.mailgun_sync.test_crash import start as start

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.mark.thorough
def test_a_sync_without_room_says_so_and_the_next_one_catches_up(
    start: Start, domain: SendingDomain, ids: list[str], now: datetime
) -> None:
    before = cursor_of(domain)
    with small_disk("mailgun_sync_mailgunevent") as disk:
        disk.fill()
        process = start()
        out, err = process.communicate(timeout=60)
        assert process.returncode != 0
        assert "The disk of the database is full." in out + err
        assert cursor_of(domain) == before
        assert MailgunEvent.objects.count() == 0

        disk.make_room()
        finish(start())
        assert_whole(ids)
        MailgunEvent.objects.all().delete()
