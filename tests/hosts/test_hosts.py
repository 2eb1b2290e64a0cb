"""Two web servers and three workers that share nothing but the stores, with the death of one of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery import Celery as CeleryApp
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.db import connections
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from accounts.models import AuditEvent, User
from devtools.processes import tail
from devtools.servers import NAME
from mailgun_sync.models import MailgunEvent, SyncRun
from mailgun_sync.services.domains import configured_domains
from messenger_logs.choices import CANCELED, MessageStatus, Mode
from messenger_logs.models import Delivery, Recipient, SentMessage
from messenger_logs.services.totals import recount
from reports.models import ReportJob
from sandbox.server import Sandbox
from tests.dispatch.processes import Celery
from tests.dispatch.processes import broker as broker
from tests.dispatch.processes import folder as folder
from tests.fixtures.accounts import PASSWORD
from tests.hosts.stores import Primary, Replica, ask, pooled, primary_server, replica_of
from tests.messenger_logs.factories import make_message
from tests.s3 import Bucket, bucket_of
from tests.valkey import Valkey, kill
from tests.wait import wait_until
from tests.web.test_stores_away import Site

pytestmark = pytest.mark.slow

AT_ONCE = 32  # requests that a process may have on the way
LOG = "/messenger-administration/sent-message-log"
SESSIONS = """
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


class Hosts:
    """The stores, and the processes of hosts that have no folder in common."""

    def __init__(self, folder: Path, common: dict[str, str], broker: Valkey) -> None:
        self.folder, self.common, self.broker = folder, common, broker
        self.sites: list[Site] = []
        self.workers: list[Celery] = []

    def environment(self, name: str) -> dict[str, str]:
        (self.folder / name).mkdir()
        return self.common | {"REPORT_FOLDER": str(self.folder / name / "reports")}

    def start(self) -> None:
        for name in ("web-1", "web-2"):
            environment = self.environment(name)
            self.sites.append(Site(self.folder / name, self.broker, **environment))
        for name in ("worker-1", "worker-2", "worker-3"):
            worker = Celery(self.folder / name, self.broker, self.environment(name))
            worker.run("worker", "--concurrency=2", f"--hostname={name}@%h")
            self.workers.append(worker)
        self.workers[2].start_beat()

    def stop(self) -> None:
        for process in [site.process for site in self.sites] + [one for each in self.workers for one in each.processes]:
            kill(process)
        for log in sorted(self.folder.glob("*/*.log")):
            print(log, tail(log, 15), sep="\n")  # where the test failed, pytest shows it

    def kept_files(self) -> list[Path]:
        return [path for path in self.folder.glob("*/reports/**/*") if path.is_file()]


@pytest.fixture
def primary(django_db_blocker: DjangoDbBlocker, settings: Settings) -> Iterator[Primary]:
    """A primary with our tables, which is the database of this test."""
    usual = connections["default"]
    with primary_server() as primary, django_db_blocker.unblock():
        ours = connections["default"] = usual.copy()
        ours.settings_dict |= {"NAME": NAME, "USER": NAME, "HOST": str(primary.sockets), "PORT": "5432"}
        settings.MIGRATION_DATABASE = dict(ours.settings_dict)
        try:
            call_command("migrate", verbosity=0, interactive=False)
            yield primary
        finally:
            ours.close()
            connections["default"] = usual


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with bucket_of("files") as bucket:
        yield bucket


@pytest.fixture
def replica(primary: Primary) -> Iterator[Replica]:
    with replica_of(primary) as replica:
        yield replica


@pytest.fixture
def hosts(
    tmp_path: Path, primary: Primary, replica: Replica, bucket: Bucket, broker: Valkey, sandbox: Sandbox
) -> Iterator[Hosts]:
    with ExitStack() as ends:
        common = bucket.environment | {
            "DATABASE_URL": ends.enter_context(pooled(primary)),
            "DATABASE_URL_READ": replica.url,
            "MAILGUN_API_BASE": sandbox.url,
            "MAILGUN_API_KEY": sandbox.api_key,
            "MAILGUN_DOMAINS": sandbox.domain,
            "VOXOLOGY_API_BASE": f"{sandbox.url}/v1",
            "VOXOLOGY_API_KEY": sandbox.api_key,
            "VOXOLOGY_CALLER_ID": "+17635550100",
            "VOXOLOGY_WEBHOOK_SECRET": "w" * 32,
            "REPORT_AT_ONCE_ROWS": "0",
            "STALE_CLAIM_SECONDS": "5",
            "LEASE_SECONDS": "3",
            "SECRET_KEY": os.environ["SECRET_KEY"],
        }
        hosts = Hosts(tmp_path, common, broker)
        ends.callback(hosts.stop)
        hosts.start()
        yield hosts


@pytest.fixture
def person(primary: Primary) -> User:
    person = User.objects.create_superuser("dexter", password=PASSWORD)
    person.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt")
    person.save()
    return person


@pytest.fixture
def send(primary: Primary) -> Callable[[int], SentMessage]:
    """Store a message with so many texts, which is due now."""

    def send(texts: int) -> SentMessage:
        due = timezone.now() - timedelta(minutes=1)
        message = make_message(
            status=MessageStatus.WAITING, modes=[Mode.TEXT], dispatched_here=True, scheduled_at=due, school=None
        )
        people = Recipient.objects.bulk_create(
            Recipient(message=message, person_id=f"{message.pk}-{n}", name=f"Vang, Mai {n}", counted=True)
            for n in range(texts)
        )
        Delivery.objects.bulk_create(
            Delivery(message=message, recipient=one, mode=Mode.TEXT, address=f"+1763555{n:04}")
            for n, one in enumerate(people)
        )
        recount(message_id=message.pk)
        return message

    return send


def texts(sandbox: Sandbox) -> int:
    return sandbox.accepted.counts()["text"]


def status_of(message: SentMessage) -> str:
    return str(SentMessage.objects.values_list("status", flat=True).get(pk=message.pk))


def results(message: SentMessage) -> dict[str, int]:
    found = list(message.deliveries.values_list("status", flat=True))
    return {status: found.count(status) for status in set(found)}


def test_hosts_share_nothing_but_the_stores(
    hosts: Hosts,
    person: User,
    send: Callable[[int], SentMessage],
    sandbox: Sandbox,
    bucket: Bucket,
    broker: Valkey,
    replica: Replica,
    primary: Primary,
    settings: Settings,
) -> None:
    first, second = hosts.sites
    for site in hosts.sites:
        site.sign_in(person)

    # A worker dies while a message goes out: nothing is lost or doubled, and what is in doubt says so.
    sandbox.latency = 0.1
    message = send(60)
    wait_until(lambda: texts(sandbox) >= 5)
    kill(hosts.workers[0].processes[0])
    wait_until(lambda: SentMessage.objects.get(pk=message.pk).dispatch_finished_at)
    found = results(message)
    assert set(found) <= {"sent", "vendor_received"}
    assert sum(found.values()) == 60
    numbers = [text["to"] for text in sandbox.accepted.list("text")]
    assert len(set(numbers)) == len(numbers), "nothing went out twice"
    assert len(numbers) >= 60 - AT_ONCE, "nothing is in doubt but what was on its way"

    # A cancel on the other host: what had left and what was stopped are all.
    before = texts(sandbox)
    message = send(300)
    wait_until(lambda: texts(sandbox) > before)
    assert second.post(f"{LOG}/{message.pk}/cancel/").status_code == 302
    wait_until(lambda: SentMessage.objects.get(pk=message.pk).cancel_completed_at)
    left = texts(sandbox)
    assert status_of(message) in CANCELED
    assert set(results(message)) <= {"sent", "vendor_received", "canceled"}
    assert results(message)["canceled"] > 0
    assert texts(sandbox) == left

    # A sync, by one of the workers that are left.
    settings.MAILGUN_DOMAINS = [sandbox.domain]
    domain = configured_domains().get()
    ids = sandbox.add_many(300, datetime.now(UTC) - timedelta(minutes=20), datetime.now(UTC))
    CeleryApp(broker=broker.url.replace("unix://", "redis+socket://")).send_task(
        "mailgun_sync.tasks.sync_one", [domain.pk], queue="celery"
    )
    wait_until(lambda: MailgunEvent.objects.filter(domain=domain).count() == len(ids))
    wait_until(lambda: not SyncRun.objects.filter(domain=domain, outcome="running").exists())
    assert set(SyncRun.objects.values_list("outcome", flat=True)) == {"succeeded"}

    # A report is asked for on one host, made on another, and fetched from the third. No host keeps a file.
    answer = first.get(f"{LOG}/{message.pk}/report/?devices=phone&format=csv&rows_only=on")
    assert answer.status_code == 302, answer.text[:500]
    job = wait_until(lambda: ReportJob.objects.exclude(status__in=ReportJob.UNFINISHED).first())
    assert job.status == "done", job.error
    kill(first.process)
    file = second.get(f"/my-reports/{job.pk}/file/")
    assert (file.status_code, len(file.content)) == (200, job.size)
    assert "Vang" in file.text
    assert bucket.names() == [job.stored_name]
    assert not hosts.kept_files()

    # A search reads from the replica; without it, from the primary, and the page says nothing of that.
    def search() -> str:
        found = second.post("/search/", person="Vang, Mai 7")
        page = second.get(found.headers["Location"])
        return page.text if page.status_code == 200 else second.get(page.headers["Location"]).text

    wait_until(lambda: replica.has(primary))
    wait_until(lambda: "Vang, Mai 7" in search() and ask(replica, SESSIONS))
    replica.stop()
    assert "Vang, Mai 7" in search()
    assert AuditEvent.objects.filter(action="person.searched").exists()
