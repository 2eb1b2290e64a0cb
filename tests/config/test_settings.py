import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from config.celery import app

SOURCE = "".join(file.read_text() for file in Path(settings.BASE_DIR, "config").glob("*settings.py"))
NAMES = set(re.findall(r'env\.\w+\(\s*"([A-Z][A-Z0-9_]+)"', SOURCE))
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
        ("mailgun_sync.tasks.sync_one", "celery"),
    ],
)
def test_messages_do_not_wait_behind_other_work(task: str, queue: str) -> None:
    assert app.amqp.router.route({}, task)["queue"].name == queue


def test_a_worker_that_is_told_nothing_serves_all_queues() -> None:
    assert set(app.amqp.queues.consume_from) == {"dispatch", "calls", "celery"}


@pytest.mark.slow
def test_a_page_gives_up_on_the_database_sooner_than_a_task() -> None:
    limits = "s.STATEMENT_SECONDS, s.LOCK_SECONDS, s.IDLE_TRANSACTION_SECONDS"
    show = f"import config.wsgi; from django.conf import settings as s; print({limits})"
    web = subprocess.run([sys.executable, "-c", show], env=os.environ, capture_output=True, text=True, check=True)

    for page, task in zip(map(float, web.stdout.strip("()\n").split(" ")), TASK_LIMITS, strict=True):
        assert 0 < page < task
