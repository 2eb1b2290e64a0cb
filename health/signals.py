"""The processes of Celery leave heartbeats, and every process writes down what it counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celery.signals import beat_init, heartbeat_sent, task_postrun, worker_ready, worker_shutting_down
from django.contrib.auth.signals import user_login_failed
from django.core.signals import request_finished
from django.dispatch import receiver

from dispatch.announcements import answers_recorded
from health.services import figures
from health.services.heartbeats import BEAT, Pulse, queue_part
from messenger_logs.choices import Mode
from providers.http import request_failed

pulse = Pulse()


@worker_ready.connect
def worker_began(sender: Any, **_: Any) -> None:
    """Beat for the queues of this worker. Its main process does, so tasks that take long do not matter."""
    pulse.beat_for(queue_part(name) for name in sender.app.amqp.queues.consume_from)


@heartbeat_sent.connect
def worker_went_round(**_: Any) -> None:
    pulse.go_round()


@beat_init.connect
def beat_began(**_: Any) -> None:
    pulse.beat_for([BEAT])


@worker_shutting_down.connect
def worker_ends(**_: Any) -> None:
    pulse.end()


@receiver(answers_recorded)
def count_answers(mode: Mode, results: Mapping[str, int], **_: Any) -> None:
    for result, times in results.items():
        figures.count(figures.HAND_OVERS, mode.value, result, times=times)


@receiver(request_failed)
def count_failure(api: str, error: str, **_: Any) -> None:
    figures.count(figures.PROVIDER_ERRORS, api, error)


@receiver(user_login_failed)
def count_sign_in(**_: Any) -> None:
    figures.count(figures.SIGN_IN_FAILURES)


@receiver(request_finished)
def request_ended(**_: Any) -> None:
    figures.write_down()


@task_postrun.connect
def task_ended(**_: Any) -> None:
    figures.write_down()
