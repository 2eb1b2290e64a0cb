"""Reading from a replica: only if it shows enough, and the primary whenever it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import AuditEvent, User
from accounts.tools import Tool
from core import replica
from core.replica import (
    REPLICA,
    ReplicaState,
    Router,
    from_replica,
    note_change,
    note_search,
    replica_state,
    shows_changes_of,
)
from messenger_logs.models import SentMessage
from reports.snapshot import snapshot
from tests.messenger_logs.factories import make_message, make_recipient
from web.middleware import remember_change

pytestmark = pytest.mark.django_db(transaction=True)

SHOWS = replica._SHOWS
CAUGHT_UP, LATE = "SELECT %s::text IS NOT NULL AND %s::timestamptz IS NOT NULL", "SELECT %s::text = '' OR %s IS NULL"


@pytest.fixture
def used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A second connection to the database of the test, in the place of a replica that has caught up.

    Returns the statements that it was asked, without those about its own state.
    """
    asked: list[str] = []
    settings.DATABASE_ROUTERS = ["core.replica.Router"]
    monkeypatch.setattr(replica, "_SHOWS", CAUGHT_UP)
    monkeypatch.setattr(replica, "_rests_until", 0.0)
    monkeypatch.setitem(connections.databases, REPLICA, dict(connections["default"].settings_dict))

    ours = connections[REPLICA]

    def connect() -> None:
        if ours.connection is None:
            with ours.wrap_database_errors:
                ours.connect()

    # Django's test case lets nobody connect to what is not in the settings.
    monkeypatch.setattr(ours, "ensure_connection", connect)
    connect()

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql not in (CAUGHT_UP, LATE, SHOWS):
            asked.append(sql)
        return execute(sql, params, many, context)

    with ours.execute_wrapper(note):
        yield asked
    ours.close()
    del connections[REPLICA]


def count() -> int:
    return SentMessage.objects.count()


@pytest.mark.slow
def test_what_reads_the_ledger_reads_from_the_replica(used: list[str]) -> None:
    make_message()
    assert count() == 1
    assert not used
    assert from_replica(count) == 1
    assert len(used) == 1
    assert count() == 1
    assert len(used) == 1, "only within from_replica"


@pytest.mark.slow
def test_rights_and_the_audit_trail_stay_with_the_primary(used: list[str]) -> None:
    from_replica(User.objects.count)
    from_replica(AuditEvent.objects.count)
    from_replica(lambda: make_message().save())
    assert not [sql for sql in used if not sql.startswith("SELECT") or "accounts_" in sql]


@pytest.mark.slow
def test_a_snapshot_is_of_the_replica_and_of_one_moment(used: list[str]) -> None:
    def read() -> tuple[int, int]:
        with snapshot(seconds=10):
            before = count()
            make_message()
            return before, count()

    assert from_replica(read) == (0, 0)
    assert count() == 1
    assert any("REPEATABLE READ" in sql for sql in used)


def test_a_replica_that_is_too_far_behind_is_not_used(used: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "_SHOWS", LATE)
    assert from_replica(count) == 0
    assert not used


@pytest.mark.slow
def test_the_state_of_the_replica(used: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert replica_state() is ReplicaState.USED
    monkeypatch.setattr(replica, "_SHOWS", LATE)
    assert replica_state() is ReplicaState.BEHIND
    monkeypatch.setattr(replica, "_SHOWS", "SELECT %s, %s, no_such_column")
    assert replica_state() is ReplicaState.AWAY
    monkeypatch.delitem(connections.databases, REPLICA)
    assert replica_state() is ReplicaState.NONE


@pytest.mark.slow
def test_a_database_that_is_no_replica_is_not_used(used: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "_SHOWS", SHOWS)
    assert not replica._usable(datetime(2000, 1, 1, tzinfo=UTC))


@pytest.mark.slow
@pytest.mark.parametrize("when", ["at once", "in the middle"])
def test_a_replica_that_fails_is_left_alone_and_the_primary_answers(
    used: list[str], monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    if when == "at once":
        connections[REPLICA].close()
        monkeypatch.setitem(connections[REPLICA].settings_dict, "HOST", "/nowhere")
    make_message()
    tries = []

    def work() -> int:
        tries.append(replica.read_connection().alias)
        if tries == [REPLICA]:
            raise OperationalError("server closed the connection")
        return count()

    assert from_replica(work) == 1
    assert tries == ([REPLICA, "default"] if when == "in the middle" else ["default"])
    assert from_replica(work) == 1
    assert tries[-1] == "default", "it rests for a while"
    assert not used


@pytest.mark.slow
def test_a_statement_that_is_too_slow_is_not_done_twice(used: list[str]) -> None:
    tries = []

    def slow() -> None:
        tries.append(1)
        with replica.read_connection().cursor() as cursor:
            cursor.execute("SET statement_timeout = 50; SELECT pg_sleep(60)")

    with pytest.raises(OperationalError):
        from_replica(slow)
    assert len(tries) == 1


class TestOwnChanges:
    @pytest.mark.slow
    @pytest.mark.parametrize(("cookie", "seconds"), [("", None), ("now", 2), ("odd", 2), ("1e400", 2), ("-7", -30)])
    def test_the_replica_has_to_show_what_the_person_changed(
        self, settings: Settings, cookie: str, seconds: int | None
    ) -> None:
        now = datetime.now(UTC)
        request = RequestFactory().get("/")
        if cookie:
            request.COOKIES["wrote"] = f"{now.timestamp():.0f}" if cookie == "now" else cookie
        shows = shows_changes_of(request)
        if seconds is None:
            assert shows is None
        else:
            assert shows
            assert abs(shows - now - timedelta(seconds=seconds)) < timedelta(seconds=2)

    def test_a_change_is_remembered_for_as_long_as_the_replica_may_be_behind(self, settings: Settings) -> None:
        settings.REPLICA_LAG_SECONDS = 9
        response = HttpResponse()
        note_change(response)
        cookie = response.cookies["wrote"]
        assert (cookie["max-age"], bool(cookie["httponly"]), cookie["samesite"]) == (11, True, "Lax")

    @pytest.mark.parametrize(
        ("method", "searched", "kept"), [("GET", False, False), ("POST", False, True), ("POST", True, False)]
    )
    def test_a_request_that_may_have_changed_something_is_remembered(
        self, used: list[str], method: str, searched: bool, kept: bool
    ) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            if searched:
                note_search(request)
            return HttpResponse()

        response = remember_change(view)(RequestFactory().generic(method, "/"))
        assert ("wrote" in response.cookies) == kept

    @pytest.mark.slow
    def test_a_search_reads_from_the_replica_and_is_in_the_audit_trail(
        self, used: list[str], make_user: Callable[..., User], signed_in: Callable[[User], Client]
    ) -> None:
        make_recipient(make_message(), name="Vang, Mai", person_id="4711")
        client = signed_in(make_user(Tool.ADMIN_RECIPIENT_LOG))
        found = client.post("/search/", {"person": "4711"})
        page = client.get(found.headers["Location"], follow=True)
        assert "Vang, Mai" in page.content.decode()
        assert any("messenger_logs_recipient" in sql for sql in used)
        assert AuditEvent.objects.filter(action="person.viewed").exists()


def test_migrations_leave_a_replica_alone() -> None:
    assert not Router().allow_migrate(REPLICA, "core")
    assert Router().allow_migrate("default", "core")
