from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from messenger_logs.models import Delivery, SentMessage

Lines = Callable[..., Path]


def device(mode: str = "voice", address: str = "+16125550143", **fields: Any) -> dict[str, Any]:
    return {"mode": mode, "address": address, **fields}


def recipient(person_id: str = "1", *devices: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"person_id": person_id, "name": f"Vang, {person_id}", "devices": list(devices), **fields}


def message(external_id: str = "one", *recipients: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "external_id": external_id,
        "engine": "classic",
        "message_type": "Behavior",
        "subject": "Student Behavior",
        "sender_name": "Administrator, System",
        "created_at": "2026-11-20T11:00:00-06:00",
        "modes": ["inbox", "email", "voice", "text"],
        "recipients": list(recipients),
    } | fields


def only() -> SentMessage:
    return SentMessage.objects.get()


def rows(*columns: str) -> list[tuple[Any, ...]]:
    return list(Delivery.objects.order_by("pk").values_list(*columns))


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """Write a file of lines: text as it is, anything else as JSON."""

    def write(*given: object, name: str = "messages.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in given))
        return path

    return write
