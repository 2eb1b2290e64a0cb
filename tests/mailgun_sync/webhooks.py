"""Calls as Mailgun makes them, for tests without a provider."""

from typing import Any

from django.http import HttpResponse
from django.test import Client

from sandbox.agenda import Agenda
from sandbox.clock import Clock
from sandbox.webhooks import Webhooks, form_post, json_call

ADDRESS = "/mailgun/webhook/"
KEY = "key-for-signatures"

clock = Clock()
mailgun = Webhooks(clock, Agenda(clock))
mailgun.signing_key = KEY


def event(**fields: Any) -> dict[str, Any]:
    given = {name.replace("_", "-"): value for name, value in fields.items()}
    headers = {"to": "mai@example.com", "message-id": "20261120.1@mg.harrison.example", "subject": "Snow day"}
    usual = {
        "event": "delivered",
        "id": "one",
        "timestamp": round(clock.now(), 6),
        "recipient": "mai@example.com",
        "message": {"headers": headers},
        "user-variables": {},
    }
    return usual | given


def call(*events: dict[str, Any], **signature: Any) -> bytes:
    return json_call(list(events), mailgun.signature(**signature))


def post(client: Client, body: bytes, **options: Any) -> HttpResponse:
    answer: HttpResponse = client.post(ADDRESS, body, **{"content_type": "application/json", **options})
    return answer


def post_form(client: Client, told: dict[str, Any], *, multipart: bool = False, **signature: Any) -> HttpResponse:
    content_type, body = form_post(told, mailgun.signature(stamp=told["timestamp"], **signature), multipart=multipart)
    return post(client, body, content_type=content_type)
