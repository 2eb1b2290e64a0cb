"""The id of a request: in its answer, in its logs, and in the tasks that it queues."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from celery import shared_task
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from config.celery import app
from core.request_ids import request_id

GIVEN = "abc.DEF-123_4"


@shared_task(name="test.request_ids")
def noted() -> None:
    pass


def view(request: HttpRequest) -> HttpResponse:
    structlog.get_logger("tests").warning("looked")
    logging.getLogger("tests").warning("looked too")
    with app.connection_for_write(url="memory://") as broker:
        noted.apply_async(connection=broker)  # type: ignore[call-arg]
        message = broker.SimpleQueue("celery").get_nowait()
        message.ack()
    return HttpResponse(message.headers["__django_structlog__"]["request_id"] + " " + request_id())


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


urlpatterns = [path("view/", view), path("broken/", broken)]
handler500 = "web.views.errors.failed"
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture
def lines() -> Iterator[list[dict[str, object]]]:
    """The lines of the log, as the product writes them."""
    kept: list[dict[str, object]] = []
    root = logging.getLogger()
    formatter = next(handler.formatter for handler in root.handlers if handler.get_name() == "stderr")

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(json.loads(formatter.format(record)))

    keeper = Keeper()
    root.addHandler(keeper)
    yield kept
    root.removeHandler(keeper)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (GIVEN, True),
        ("x" * 64, True),
        ("", False),
        ("short", False),
        ("x" * 65, False),
        ("Anna Vang 1", False),
        ("abcdefgh\u0661", False),
        ('abcdefgh"}', False),
    ],
)
def test_a_plain_token_is_taken_and_anything_else_gets_another_id(client: Client, given: str, taken: bool) -> None:
    answers = [client.get("/view/", headers={"X-Request-ID": given} if given else {}) for _ in range(2)]
    ids = [answer["X-Request-ID"] for answer in answers]
    assert (ids == [given] * 2) is taken
    assert taken or (ids[0] != ids[1] and all(len(one) == 32 for one in ids))
    assert [answer.text for answer in answers] == [f"{one} {one}" for one in ids]


def test_the_lines_of_its_log_have_it(client: Client, lines: list[dict[str, object]]) -> None:
    client.raise_request_exception = False
    client.get("/view/", headers={"X-Request-ID": GIVEN})
    response = client.get("/broken/", headers={"X-Request-ID": GIVEN})
    assert (response.status_code, response["X-Request-ID"]) == (500, GIVEN)
    assert [line["event"] for line in lines if line.get("request_id") == GIVEN] == [
        "looked",
        "looked too",
        "Internal Server Error: /broken/",
    ]
    assert request_id() == "", "nothing of it is left behind"
