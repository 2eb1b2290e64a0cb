"""The API answers what its OpenAPI schema says, whatever is sent: schemathesis tries all operations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle, product
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.db.models import CharField
from django.db.models.functions import Cast
from django.utils import timezone
from hypothesis import Phase, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.openapi import from_wsgi
from schemathesis.schemas import BaseSchema

from accounts.models import User
from accounts.services import issue_token
from config.wsgi import application
from demo.district import Size, make_district
from demo.staff import make_staff
from messenger_logs.choices import MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from tests.examples import often
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db

# What a schema cannot say is refused with 400: days that there are not, the key of a page, the rules of an import.
ACCEPTED = ["2xx", "400", "401", "403", "404", "409", "429"]
# A line that is wrong is refused in an answer that is 200, as the other lines are taken.
LINE_BY_LINE = ["/api/v1/messages/bulk/", "/api/v1/messages/{id}/statuses/"]


def config() -> SchemathesisConfig:
    checks = {"positive_data_acceptance": {"expected-statuses": ACCEPTED}}
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "generation": {"max-examples": often(50, of=15)},
            "checks": checks,
            "operations": [
                {
                    "include-path": LINE_BY_LINE,
                    "checks": checks | {"negative_data_rejection": {"expected-statuses": ["200", "4xx"]}},
                }
            ],
        }
    )


def from_here(environ: dict[str, Any], start_response: Any) -> Any:
    """Answer as a server does, which knows the address of the caller."""
    return application(environ | {"REMOTE_ADDR": "127.0.0.1"}, start_response)


@schemathesis.serializer("application/x-ndjson")
def as_lines(context: Any, value: Any) -> bytes:
    return b"\n".join(json.dumps(line).encode() for line in (value if isinstance(value, list) else [value]))


def authorization(user: User) -> dict[str, str]:
    return {"Authorization": f"Token {issue_token(user=user)[0]}"}


@pytest.fixture
def admin(db: None) -> User:
    """The administrator of a small demo district."""
    make_staff()
    make_district(Size(messages=90, recipients=900, events=60))
    SentMessage.objects.update(external_id=Cast("pk", CharField()))  # so that more can be added to them
    return User.objects.get(username="admin")


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Let requests use the connection of the test, as the test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def schema_for(user: User) -> BaseSchema:
    return from_wsgi("/api/v1/openapi.json", from_here, config=config(), headers=authorization(user))


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody counts the calls."""
    monkeypatch.setattr("rest_framework.throttling.UserRateThrottle.THROTTLE_RATES", {"user": None})


@pytest.fixture
def described(request: pytest.FixtureRequest, admin: User, one_connection: None, unlimited: None) -> BaseSchema:
    request.node._nodeid = request.node.nodeid  # schemathesis looks for the name that this had in pytest before 9.2
    return schema_for(admin)


@pytest.fixture
def messages(admin: User) -> Iterator[int]:
    """The ids of messages of all statuses, over and over."""
    return cycle(SentMessage.objects.values_list("pk", flat=True))


schema = schemathesis.pytest.from_fixture("described")


@pytest.fixture
def turns() -> Iterator[bool]:
    """Which cases to try: all in CI, and one of some from day to day."""
    return cycle([True, *[False] * (100 // often(100) - 1)])


@pytest.mark.slow
@schema.parametrize()
def test_the_api_does_as_its_schema_says(
    case: schemathesis.Case[Any], admin: User, messages: Iterator[int], turns: Iterator[bool]
) -> None:
    if not next(turns):
        return
    number = case.path_parameters.get("id")
    if isinstance(number, int) and 0 <= number < 2**40:
        case.path_parameters["id"] = next(messages)
    # A token for each call: one of the operations ends them all.
    case.call_and_validate(headers=authorization(admin))


def test_an_example_of_each_operation_is_answered_as_the_schema_says(
    make_user, one_connection: None, unlimited: None
) -> None:
    """So few that it is tried at every save: one case of each operation, with an administrator and one message."""
    user = make_user(is_superuser=True)
    message = make_message(external_id="1")
    make_delivery(make_recipient(message))
    recount(message_id=message.pk)
    for found in schema_for(user).get_all_operations():
        operation = found.ok()

        @settings(max_examples=1, phases=[Phase.generate], derandomize=True, database=None)
        @given(case=operation.as_strategy())
        def answers_as_it_says(case: schemathesis.Case[Any]) -> None:
            if "id" in case.path_parameters:
                case.path_parameters["id"] = message.pk
            case.call_and_validate(headers=authorization(user))  # one of the operations ends all tokens

        answers_as_it_says()


@pytest.mark.slow
def test_a_message_of_each_status_is_answered_as_the_schema_says(make_user, one_connection: None) -> None:
    user = make_user(is_superuser=True)
    operation = schema_for(user)["/api/v1/messages/{id}/"]["GET"]
    begun = timezone.now()
    for status, finished in product(MessageStatus.values, (begun + timedelta(seconds=2.5), None)):
        message = make_message(status=status, dispatch_started_at=begun, dispatch_finished_at=finished)
        make_delivery(make_recipient(message), first_attempt_at=begun + timedelta(seconds=1))
        recount(message_id=message.pk)

        case = operation.Case(path_parameters={"id": message.pk})
        totals = case.call_and_validate(headers=authorization(user)).json()["totals"]

        assert totals["duration"] == (2.5 if finished else None)
        assert totals["modes"]["email"]["first_attempt_duration"] == 1.0
