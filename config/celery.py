import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, worker_process_init
from django.conf import settings

from config.telemetry import start_tracing
from core.request_ids import pass_to_tasks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("messenger_logs")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
pass_to_tasks()


@celeryd_init.connect
def wait_for_the_broker(conf: Any, **_: Any) -> None:
    """Let a worker wait for the answers of its broker; all others give up soon, because the queue only says "look now".

    A worker that gave up on a frozen broker would not read from it again when it is back (seen with kombu 5.6).
    """
    conf.broker_transport_options.pop("socket_timeout", None)


@worker_process_init.connect
def trace_tasks(**_: Any) -> None:
    """Let each process of a worker send its traces: the thread that sends them does not survive a fork."""
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        start_tracing(settings.OTEL_EXPORTER_OTLP_ENDPOINT)
