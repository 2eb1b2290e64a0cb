"""What does not happen without beat or a worker, in words for an office."""

import pytest
from django.conf import settings
from django.utils import timezone

from health.models import Heartbeat
from health.troubles import own_troubles


@pytest.mark.django_db
def test_each_queue_without_a_worker_says_first_what_stands_still() -> None:
    Heartbeat.objects.all().delete()
    words = {trouble.key: trouble.words for trouble in own_troubles(timezone.now())}
    queues = [queue.name for queue in settings.CELERY_TASK_QUEUES]

    said = {words[f"health.worker.{queue}"].partition(". ")[0] for queue in queues}

    assert len(said) == len(queues)
    assert not any("queue" in sentence or "worker" in sentence for sentence in said)
    assert words["health.beat"].startswith("No message goes out")
