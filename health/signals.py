"""The processes of Celery leave heartbeats."""

from __future__ import annotations

from typing import Any

from celery.signals import beat_init, heartbeat_sent, worker_ready, worker_shutting_down

from health.services.heartbeats import BEAT, Pulse, queue_part

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
