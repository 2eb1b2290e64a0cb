"""The chain of the audit trail: whatever the owner of the tables does to a row of it, the check names the row."""

import hashlib
import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from accounts import audit_chain
from accounts.audit_chain import Head, chain_events, verify
from accounts.models import AuditEvent, AuditLink, AuditWaiting
from accounts.services import record_audit_event
from accounts.tasks import chain_audit_events, verify_audit_trail

pytestmark = pytest.mark.django_db

OFF = "ALTER TABLE {0} DISABLE TRIGGER USER"


def as_forger(*statements: str) -> None:
    """Run statements as the owner of the tables, who can switch off all triggers."""
    with connection.cursor() as cursor:
        for table in ("accounts_auditevent", "accounts_auditlink", "accounts_auditwaiting"):
            cursor.execute(OFF.format(table))
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def ids(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seven chained events, which are read three at a time."""
    monkeypatch.setattr(audit_chain, "BATCH", 3)
    events = [record_audit_event(by=None, action="test.happened", details={"number": n, "é": [n]}) for n in range(7)]
    while chain_events(most=3):
        pass
    return [event.pk for event in events]


def test_a_chain_that_nobody_touched_is_whole(ids: list[int]) -> None:
    result = verify()
    assert (result.first, result.broken, result.waiting, result.head.number) == (None, 0, 0, 7)
    assert list(AuditLink.objects.order_by("number").values_list("event_id", flat=True)) == ids


def test_a_hash_is_sha_256_of_the_hash_before_and_the_content(ids: list[int]) -> None:
    first, second = AuditLink.objects.order_by("number")[:2]
    event = AuditEvent.objects.get(pk=ids[1])

    def microseconds(time: Any) -> int:
        return round(time.timestamp() * 1_000_000)

    # jsonb orders the names of an object by length, then by bytes.
    details = '{"é": [1], "number": 1}'
    content = (
        f'[2, {event.pk}, {microseconds(event.occurred_at)}, null, "", "test.happened", "", {details}, '
        f"{microseconds(second.stored_at)}]"
    )
    assert hashlib.sha256(bytes(first.hash) + content.encode()).digest() == bytes(second.hash)


# What is done to the row, the number at which the chain breaks, and a word of the reason. "{2}" is the id of the third.
FORGERIES = {
    "forged": ("UPDATE accounts_auditevent SET who = 'Somebody Else' WHERE id = {2}", 3, "changed"),
    "forged detail": (
        "UPDATE accounts_auditevent SET details = details || '{{\"number\": 9}}' WHERE id = {5}",
        6,
        "changed",
    ),
    "forged time": (
        "UPDATE accounts_auditevent SET occurred_at = now() - interval '1 second' WHERE id = {0}",
        1,
        "changed",
    ),
    "forged hash": ("UPDATE accounts_auditlink SET hash = sha256('x') WHERE number = 4", 4, "changed"),
    "deleted": ("DELETE FROM accounts_auditevent WHERE id = {3}", 4, "deleted"),
    "deleted with its link": (
        "DELETE FROM accounts_auditevent WHERE id = {3}; DELETE FROM accounts_auditlink WHERE event_id = {3}",
        5,
        "missing",
    ),
    "first ones deleted with their links": (
        "DELETE FROM accounts_auditevent WHERE id <= {1}; DELETE FROM accounts_auditlink WHERE event_id <= {1}",
        3,
        "missing",
    ),
    "inserted": (
        "INSERT INTO accounts_auditevent (occurred_at, who, action, target, details)"
        " VALUES (now(), '', 'test.happened', '', '{{}}')",
        0,
        "not in the chain",
    ),
    "inserted with a link in the middle": (
        "UPDATE accounts_auditlink SET number = number + 100 WHERE number > 3;"
        "UPDATE accounts_auditlink SET number = number - 99 WHERE number > 100;"
        "INSERT INTO accounts_auditevent (id, occurred_at, who, action, target, details)"
        " VALUES (-1, now(), '', 'test.happened', '', '{{}}');"
        "INSERT INTO accounts_auditlink (number, event_id, stored_at, hash) VALUES (4, -1, now(), sha256('x'))",
        4,
        "changed",
    ),
    "swapped events": (
        "UPDATE accounts_auditevent AS one SET details = other.details FROM accounts_auditevent AS other"
        " WHERE (one.id, other.id) IN (({1}, {4}), ({4}, {1}))",
        2,
        "changed",
    ),
    "swapped links": (
        "UPDATE accounts_auditlink SET event_id = -event_id WHERE event_id IN ({1}, {4});"
        "UPDATE accounts_auditlink SET event_id = CASE event_id WHEN -{1} THEN {4} ELSE {1} END WHERE event_id < 0",
        2,
        "changed",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_the_owner_does_to_a_row_is_found_and_named(ids: list[int], name: str) -> None:
    statement, number, word = FORGERIES[name]
    as_forger(statement.format(*ids))
    result = verify()
    assert result.first
    assert (result.first.number, word in result.first.reason) == (number, True), result.first
    assert result.broken <= (5 if "in the middle" in name else 2), "what only follows is not broken"


def test_the_end_of_the_chain_cut_off_is_found_by_a_noted_head(ids: list[int]) -> None:
    noted = verify().head
    as_forger("DELETE FROM accounts_auditevent; DELETE FROM accounts_auditlink")
    assert verify().first is None
    [found] = [verify(noted=noted).first]
    assert found
    assert found.number == 7


def test_a_chain_that_was_made_again_is_found_by_a_noted_head(ids: list[int]) -> None:
    noted = verify().head
    as_forger(
        f"UPDATE accounts_auditevent SET who = 'Somebody Else' WHERE id = {ids[2]}",
        "INSERT INTO accounts_auditwaiting SELECT event_id, stored_at FROM accounts_auditlink",
        "DELETE FROM accounts_auditlink",
    )
    while chain_events(most=3):
        pass
    assert verify().first is None
    found = verify(noted=noted).first
    assert found
    assert found.number == 7


def test_an_event_that_says_another_time_than_the_one_when_it_was_stored_is_found() -> None:
    event = AuditEvent.objects.create(action="test.happened", occurred_at="2020-01-01T00:00:00Z")
    chain_events()
    found = verify().first
    assert found
    assert (found.event_id, "another time" in found.reason) == (event.pk, True)


def test_an_event_waits_until_it_is_chained_and_cannot_vanish_meanwhile() -> None:
    event = record_audit_event(by=None, action="test.happened")
    assert (verify().waiting, verify().first) == (1, None)
    as_forger(f"DELETE FROM accounts_auditevent WHERE id = {event.pk}")
    found = verify().first
    assert found
    assert "before it was chained" in found.reason


def test_an_event_of_a_transaction_that_is_undone_does_not_wait() -> None:
    with transaction.atomic():
        record_audit_event(by=None, action="test.happened")
        transaction.set_rollback(True)
    assert not AuditWaiting.objects.exists()


def test_events_of_an_earlier_version_are_chained_without_a_time() -> None:
    record_audit_event(by=None, action="test.happened")
    as_forger("UPDATE accounts_auditwaiting SET stored_at = NULL")
    assert chain_events() == 1
    assert verify().first is None
    assert AuditLink.objects.get().stored_at is None


def test_old_events_may_go_in_the_order_of_the_chain_and_it_stays_whole(ids: list[int]) -> None:
    kept = AuditEvent.objects.get(pk=ids[4]).occurred_at
    assert audit_chain.forget_events(before=kept, most=3) == 3
    assert audit_chain.forget_events(before=kept, most=3) == 1
    assert audit_chain.forget_events(before=kept, most=3) == 0
    assert list(AuditEvent.objects.filter(action="test.happened").values_list("pk", flat=True)) == ids[4:]
    forgotten = AuditEvent.objects.filter(action="audit.forgotten").order_by("pk")
    assert [event.details for event in forgotten] == [{"events": 3, "through": 3}, {"events": 1, "through": 4}]
    assert verify().first is None
    as_forger(f"DELETE FROM accounts_auditevent WHERE id = {ids[5]}")
    found = verify().first
    assert found
    assert (found.number, "deleted" in found.reason) == (6, True)


def command(*arguments: str) -> Any:
    out = io.StringIO()
    try:
        call_command("verify_audit", "--json", *arguments, stdout=out)
    except CommandError as error:
        return json.loads(out.getvalue()), error.returncode
    return json.loads(out.getvalue()), 0


def test_the_command_says_whether_the_chain_is_whole_and_exits_so(ids: list[int]) -> None:
    said, code = command()
    assert (said["whole"], said["events"], said["first"], code) == (True, 7, None, 0)
    assert command("--noted", said["head"])[1] == 0
    as_forger(f"UPDATE accounts_auditevent SET target = 'x' WHERE id = {ids[4]}")
    said, code = command()
    assert (said["whole"], said["broken"], code) == (False, 1, 1)
    assert (said["first"]["number"], said["first"]["event_id"]) == (5, ids[4])


@pytest.mark.parametrize("text", ["", "7", "7:", "x:" + "0" * 64, "7:" + "0" * 63])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hex|int|64"):
        Head.read(text)


def test_each_night_the_result_becomes_an_event_itself(ids: list[int]) -> None:
    verify_audit_trail()
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.details) == ("audit.verified", {"head": str(verify().head), "waiting": 0})
    as_forger(f"DELETE FROM accounts_auditevent WHERE id = {ids[0]}")
    verify_audit_trail()
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.details["broken"]) == ("audit.broken", 1)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_who_adds_an_event_waits_neither_for_others_nor_for_the_chain() -> None:
    other = connection.copy()
    try:
        with transaction.atomic():
            first = record_audit_event(by=None, action="test.long_transaction")
            with other.cursor() as cursor:
                cursor.execute("SET lock_timeout = '1s'")
                cursor.execute(
                    "INSERT INTO accounts_auditevent (occurred_at, who, action, target, details)"
                    " VALUES (now(), '', 'test.short', '', '{}')"
                )
                cursor.execute("SELECT accounts_chain_audit(10)")
                assert cursor.fetchone() == (1,)
        chain_audit_events()
    finally:
        other.close()
    # The chain has the order in which events became visible; none is left out.
    assert AuditLink.objects.get(number=2).event_id == first.pk
    assert verify().first is None
