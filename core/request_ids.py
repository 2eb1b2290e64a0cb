"""A request has an id: it is in the header of its answer, in its logs, and in those of the tasks that it queues."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from celery.signals import before_task_publish, task_prerun
from django.http import HttpRequest, HttpResponse
from django_structlog.celery.receivers import CeleryReceiver
from django_structlog.middlewares import RequestMiddleware
from structlog.contextvars import get_contextvars

# What a proxy in front of the site made. Anything else could be a text that somebody wants to see in the logs.
_PLAIN = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_receiver = CeleryReceiver()


class RequestIdMiddleware(RequestMiddleware):
    """Takes the id of X-Request-ID if it is a short plain token, or makes one."""

    def prepare(self, request: HttpRequest) -> None:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request.META["HTTP_X_REQUEST_ID"] = given if _PLAIN.fullmatch(given) else uuid4().hex
        super().prepare(request)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        response["X-Request-ID"] = request.META["HTTP_X_REQUEST_ID"]
        super().handle_response(request, response)

    def process_got_request_exception(self, sender: type[Any], request: HttpRequest, **kwargs: Any) -> None:
        """Do nothing: Django logs what nothing has caught, and that line has the id."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return the address without its values, which may be secrets."""
        match = request.resolver_match
        return f"{request.method} /{match.route if match else ''}"


def request_id() -> str:
    """Return the id of the request or task that this code runs for; "" outside of one."""
    return str(get_contextvars().get("request_id", ""))


def pass_to_tasks() -> None:
    """Let tasks carry the id of the request that queues them."""
    before_task_publish.connect(_receiver.receiver_before_task_publish)
    task_prerun.connect(_receiver.receiver_task_prerun)
