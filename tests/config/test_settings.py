import re
from pathlib import Path

import pytest
from django.conf import settings

from config.celery import app

NAMES = set(re.findall(r'env\.\w+\(\s*"([A-Z][A-Z0-9_]+)"', Path(settings.BASE_DIR, "config/settings.py").read_text()))


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
        ("mailgun_sync.tasks.sync_one", "celery"),
    ],
)
def test_messages_do_not_wait_behind_other_work(task: str, queue: str) -> None:
    assert app.amqp.router.route({}, task)["queue"].name == queue


def test_a_worker_that_is_told_nothing_serves_all_queues() -> None:
    assert set(app.amqp.queues.consume_from) == {"dispatch", "calls", "celery"}
