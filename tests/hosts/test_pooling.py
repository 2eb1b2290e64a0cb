"""The product needs no session of the database: it works behind a pooler that gives each transaction another one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections

from mailgun_sync.models import SendingDomain
from mailgun_sync.services.sync import sync_domain
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from reports.snapshot import snapshot, stream
from sandbox.server import Sandbox
from tests.dispatch.conftest import dispatch_all, statuses
from tests.dispatch.conftest import due_message as due_message
from tests.dispatch.conftest import provider as provider
from tests.dispatch.stub import Provider
from tests.hosts.pooler import Pooler
from tests.mailgun_sync.conftest import domain as domain
from tests.mailgun_sync.conftest import mailgun as mailgun
from tests.mailgun_sync.conftest import now as now
from tests.mailgun_sync.conftest import stored_ids
from tests.messenger_logs.factories import make_copies, make_message
from tests.valkey import short_folder
from tests.wait import PATIENCE

# What outlives its transaction: locks and settings of the session, its temporary tables, its channels and notices.
_SESSION_STATE = re.compile(
    r"pg_(?:try_)?advisory_lock(?:_shared)?\(|advisory_unlock|\"SET (?!LOCAL|TRANSACTION|CONSTRAINTS)"
    r"|connection\.notices|CREATE TEMP\w* TABLE (?!.*ON COMMIT DROP)|set_config\([^)]*false\)"
)
_ROOMS = ("accounts", "core", "dispatch", "imports", "listings", "mailgun_sync", "messenger_logs", "providers")
_ROOMS += ("records", "reports", "retention", "roster", "web")


def test_no_statement_of_the_product_leaves_something_in_its_session() -> None:
    files = [path for room in _ROOMS for path in Path(settings.BASE_DIR, room).rglob("*.py")]
    assert len(files) > 200
    assert not [
        f"{path.name}: {line.strip()}"
        for path in files
        for line in path.read_text().splitlines()
        if _SESSION_STATE.search(line)
    ]


@pytest.mark.parametrize(
    "statement",
    ["SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_lock_shared(1, 2)", 'execute("SET lock_timeout = 0")',
     "CREATE TEMP TABLE t (id int)", "SELECT set_config('jit', 'off', false)"],
)  # fmt: skip
def test_the_search_for_such_statements_finds_them(statement: str) -> None:
    assert _SESSION_STATE.search(statement)


@pytest.fixture
def pooler() -> Iterator[Pooler]:
    """Let this test reach its database through the pooler alone."""
    usual = connections["default"]
    known = usual.settings_dict
    with short_folder() as folder:
        pooler = Pooler(Path(known["HOST"]), folder, user=known["USER"], database=known["NAME"])
        usual.close()
        connections["default"] = usual.copy()
        connections["default"].settings_dict["HOST"] = str(folder)
        yield pooler
        connections["default"].close()
        connections["default"] = usual
        pooler.close()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestBehindAPooler:
    def test_a_message_goes_out(
        self, provider: Provider, due_message: Callable[..., SentMessage], pooler: Pooler
    ) -> None:
        messages = [due_message(mode, 7) for mode in (Mode.TEXT, Mode.EMAIL, Mode.INBOX)]
        dispatch_all()
        assert [sum(statuses(message).values()) for message in messages] == [7, 7, 7]
        assert {status for message in messages for status in statuses(message)} == {"sent"}
        assert pooler.transactions > 20

    def test_a_sync_reads_all_events(
        self, mailgun: Sandbox, domain: SendingDomain, now: datetime, pooler: Pooler
    ) -> None:
        ids = mailgun.add_many(700, now - timedelta(minutes=20), now)
        assert sync_domain(domain_id=domain.pk).outcome == "succeeded"
        assert stored_ids() == sorted(ids)

    def test_a_report_streams_its_rows_from_one_snapshot(self, pooler: Pooler) -> None:
        make_copies(make_message(subject="Snow day"), 4_999)
        with snapshot(seconds=30):
            subjects = stream("SELECT subject FROM messenger_logs_sentmessage", {})
            assert next(subjects) == ("Snow day",)
            _elsewhere(SentMessage.objects.all().delete)
            assert sum(1 for _ in subjects) == 4_999
            assert SentMessage.objects.count() == 5_000
        assert not SentMessage.objects.exists()


def _elsewhere(work: Callable[[], object]) -> None:
    def run() -> None:
        work()
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result(PATIENCE)
