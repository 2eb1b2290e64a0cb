import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEvent
from accounts.services import record_audit_event

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditevent SET who = 'somebody else'",
        "DELETE FROM accounts_auditevent",
        "TRUNCATE accounts_auditevent",
    ],
)
def test_the_database_refuses_to_change_or_remove_events(statement):
    record_audit_event(by=None, action="test.happened")
    with connection.cursor() as cursor:
        # Undone with the test's transaction; see django_db_setup in tests/fixtures/accounts.py.
        cursor.execute("ALTER TABLE accounts_auditevent ENABLE TRIGGER accounts_auditevent_no_truncate")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(statement)
    assert AuditEvent.objects.get().action == "test.happened"


def test_an_event_keeps_the_name_and_number_of_a_person_who_is_gone(make_user):
    user = make_user(first_name="Dexter", last_name="Matthews")
    record_audit_event(by=user, action="test.happened")
    pk = user.pk
    user.delete()
    event = AuditEvent.objects.get()
    assert (event.who_id, event.who) == (pk, "Matthews, Dexter")


def test_text_the_database_cannot_hold_is_replaced_and_never_fails():
    record_audit_event(
        by=None, action="test.happened", target="a\0b\ud800", details={"k\0": ["\0", {"n": 1}], "when": object}
    )
    event = AuditEvent.objects.get()
    assert event.target == "a\N{REPLACEMENT CHARACTER}b?"
    assert event.details["k\N{REPLACEMENT CHARACTER}"] == ["\N{REPLACEMENT CHARACTER}", {"n": 1}]


def test_an_event_goes_with_the_transaction_of_what_it_records():
    with transaction.atomic():
        record_audit_event(by=None, action="test.happened")
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()
