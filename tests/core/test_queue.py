"""Queueing a task while Valkey is killed and frozen."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery, Task

from config.celery import app as product
from core.queue import call_worker
from tests.valkey import Valkey, kill, short_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with short_folder() as folder:
        valkey = Valkey(folder)
        yield valkey
        kill(valkey.process)


@pytest.fixture
def task(valkey: Valkey) -> "Task[Any, Any]":
    """A task in a queue of this test, which is reached as the product's own one."""
    app = Celery("test", broker=valkey.url.replace("unix://", "redis+socket://"), set_as_current=False)
    names = ("broker_transport_options", "task_publish_retry", "task_ignore_result")
    app.conf.update({name: product.conf[name] for name in names})

    @app.task(name="test.nothing")
    def nothing() -> None:
        pass

    return nothing


@pytest.mark.parametrize("fault", ["kill", "freeze"])
@pytest.mark.parametrize("used_before", [False, True])
def test_nobody_waits_for_a_queue_that_is_away(
    valkey: Valkey, task: "Task[Any, Any]", fault: str, used_before: bool
) -> None:
    if used_before:
        assert call_worker(task)
    getattr(valkey, fault)()

    began = time.monotonic()
    assert not call_worker(task)
    assert time.monotonic() - began < 1.5


def test_a_queue_that_is_back_is_used_again(valkey: Valkey, task: "Task[Any, Any]") -> None:
    restart: list[Callable[[], None]] = [valkey.kill, valkey.start]
    assert call_worker(task)
    for step in restart:
        step()

    assert call_worker(task)
