"""The queue only says "look now": what has to be done stands in PostgreSQL, and the schedule finds it, too."""

from __future__ import annotations

from typing import Any

import structlog
from celery import Task
from django.conf import settings
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


def call_worker(
    task: Task[Any, Any], *args: Any, countdown: float = 0, expires: float | None = None, **kwargs: Any
) -> bool:
    """Queue a task for a time in ``countdown`` seconds, and for ``expires`` seconds at most.

    Returns False if the queue does not answer; then a worker finds the work a little later.
    """
    given = {"countdown": countdown or None, "expires": expires}
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    try:
        task.apply_async(args, kwargs, **options)
    except OperationalError as error:
        log.warning("queue.away", task=task.name, error=type(error.__cause__ or error).__name__)
        return False
    return True


def queue_answers() -> bool:
    """Whether Valkey, which has the queue, answers within half a second."""
    try:
        ask_valkey(seconds=0.5)
    except RedisError:
        return False
    return True


def ask_valkey(*, seconds: float) -> None:
    """Wait so many seconds for an answer of Valkey. Raises RedisError."""
    with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=seconds, socket_timeout=seconds) as client:
        client.ping()
