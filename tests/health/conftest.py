import pytest
from django.conf import settings

from health.services.heartbeats import BEAT, queue_part, record_heartbeats


@pytest.fixture
def all_run(db: None) -> None:
    """Beat and the workers of all queues have just said that they run."""
    record_heartbeats([BEAT, *(queue_part(queue.name) for queue in settings.CELERY_TASK_QUEUES)])
