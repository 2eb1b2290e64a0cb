"""One look is one row of the audit trail, and what was searched stands there as a hash."""

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent
from accounts.querysets import LOOK
from accounts.services import hashed_search, record_look, record_search
from core.text import is_storable

pytestmark = pytest.mark.django_db

LIST = {"action": "list.viewed", "target": "Messenger > Mailgun Message Log"}


def test_the_same_look_is_recorded_once_until_some_time_has_passed(make_user, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    user = make_user()
    for _ in range(3):
        record_look(by=user, details={"days": "on 11/20/2026"}, **LIST)
    assert AuditEvent.objects.count() == 1
    time_machine.shift(LOOK)
    record_look(by=user, details={"days": "on 11/20/2026"}, **LIST)
    assert AuditEvent.objects.count() == 2


@pytest.mark.parametrize(
    "other",
    [
        {"action": "message.viewed"},
        {"target": "Messenger Administration > Mailgun Message Log"},
        {"details": {"days": "on 11/21/2026"}},
        {"details": {"days": "on 11/20/2026", "searched": ["x"]}},
        {"details": {}},
    ],
)
def test_a_look_at_something_else_is_another_row(make_user, other):
    usual = LIST | {"details": {"days": "on 11/20/2026"}}
    user = make_user()
    record_look(by=user, **usual)
    record_look(by=user, **usual | other)
    assert AuditEvent.objects.count() == 2


def test_the_look_of_another_person_is_another_row(make_user):
    for by in (make_user(), make_user(), None):
        record_look(by=by, **LIST)
        record_look(by=by, **LIST)
    assert AuditEvent.objects.count() == 3


def test_a_search_is_found_by_who_knows_it_and_read_by_nobody(make_user):
    record_search(by=make_user(), target="Search", text="Vang, Mai")
    [event] = AuditEvent.objects.all()
    assert "vang" not in str(vars(event)).lower()
    assert list(AuditEvent.objects.of_person("", hashed=hashed_search(" vang,  MAI"))) == [event]
    assert not AuditEvent.objects.of_person("", hashed=hashed_search("Vang, Lia")).exists()


@pytest.mark.slow
@given(st.text())
def test_a_hash_tells_texts_apart_but_for_case_and_spaces(text):
    hashed = hashed_search(text)
    assert len(hashed) == 32
    assert hashed == hashed_search(f"  {text} ")
    assert hashed != hashed_search(f"{text}x")
    assert is_storable(hashed)


def test_the_key_of_the_hash_is_a_secret(settings):
    before = hashed_search("Vang, Mai")
    settings.SECRET_KEY = "another"
    assert hashed_search("Vang, Mai") != before
