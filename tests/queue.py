"""A queue that no worker empties: what is queued is noted, or done at once, or cannot be queued."""

from typing import Any

import pytest
from celery import Task
from kombu.exceptions import OperationalError


def note_queued(monkeypatch: pytest.MonkeyPatch, task: "Task[Any, Any]") -> list[Any]:
    """Return the list to which the first argument of each call will be added (None without one)."""
    queued: list[Any] = []
    monkeypatch.setattr(task, "apply_async", lambda args=(), *_, **__: queued.append(args[0] if args else None))
    return queued


def do_at_once(monkeypatch: pytest.MonkeyPatch, task: "Task[Any, Any]") -> None:
    monkeypatch.setattr(task, "apply_async", lambda args=(), kwargs=None, **_: task(*args, **(kwargs or {})))


def refuse_all(monkeypatch: pytest.MonkeyPatch, task: "Task[Any, Any]") -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(task, "apply_async", away)
