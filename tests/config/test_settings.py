import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from config.celery import app
from devtools.run import WORKERS

SOURCE = "".join(file.read_text() for file in Path(settings.BASE_DIR, "config").glob("*settings.py"))
NAMES = set(re.findall(r'env\.\w+\(\s*"([A-Z][A-Z0-9_]+)"', SOURCE))
QUEUES = {"dispatch", "calls", "sync", "reports", "celery"}
TASK_LIMITS = (settings.STATEMENT_SECONDS, settings.LOCK_SECONDS, settings.IDLE_TRANSACTION_SECONDS)


def test_every_name_is_in_the_documentation() -> None:
    told = Path(settings.BASE_DIR, "docs/configuration.md").read_text()
    assert len(NAMES) > 40
    assert {name for name in NAMES if f"`{name}`" not in told} == set()


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("dispatch.tasks.hand_over_due", "dispatch"),
        ("messenger_logs.tasks.stop_the_rest", "dispatch"),
        ("dispatch.tasks.poll_calls", "calls"),
        ("dispatch.tasks.hang_up_calls", "calls"),
        ("alerts.tasks.look", "dispatch"),
        ("mailgun_sync.tasks.sync_one", "sync"),
        ("reports.tasks.make", "reports"),
        ("records.tasks.make", "reports"),
        ("imports.tasks.run", "reports"),
        ("reports.tasks.requeue_orphaned", "celery"),
        ("accounts.tasks.send_reset_link", "celery"),
        ("retention.tasks.retain", "celery"),
    ],
)
def test_messages_do_not_wait_behind_other_work(task: str, queue: str) -> None:
    assert app.amqp.router.route({}, task)["queue"].name == queue


def test_a_worker_that_is_told_nothing_serves_all_queues() -> None:
    assert set(app.amqp.queues.consume_from) == QUEUES


def test_each_queue_is_served_by_the_demo_and_in_production() -> None:
    compose = yaml.safe_load(Path(settings.BASE_DIR, "docker-compose.yml").read_text())["services"]
    commands = [str(service.get("command", "")) for service in compose.values()]
    assert sorted(",".join(re.findall(r"--queues=(\S+)", " ".join(commands))).split(",")) == sorted(QUEUES)
    assert sorted(",".join(queues for queues, _ in WORKERS.values()).split(",")) == sorted(QUEUES)


def test_one_person_cannot_have_all_workers_for_reports() -> None:
    compose = Path(settings.BASE_DIR, "docker-compose.yml").read_text()
    in_production = re.search(r"REPORTS_CONCURRENCY:-(\d+)", compose)
    assert in_production
    assert min(WORKERS["reports"][1], int(in_production[1])) > settings.REPORTS_AT_ONCE


@pytest.mark.slow
def test_a_page_gives_up_on_the_database_sooner_than_a_task() -> None:
    limits = "s.STATEMENT_SECONDS, s.LOCK_SECONDS, s.IDLE_TRANSACTION_SECONDS"
    show = f"import config.wsgi; from django.conf import settings as s; print({limits})"
    web = subprocess.run([sys.executable, "-c", show], env=os.environ, capture_output=True, text=True, check=True)

    for page, task in zip(map(float, web.stdout.strip("()\n").split(" ")), TASK_LIMITS, strict=True):
        assert 0 < page < task
