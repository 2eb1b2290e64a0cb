"""What the stand-in was asked, what it accepted, and which events it shows: its own record, which outlives a kill."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from chaos.traffic import marks_in
from devtools.run import DEMO_DOMAIN
from sandbox.journal import read_journal

_HANDS_OVER = ("/messages", "/Messages", "/Dials/Connect")


@dataclass(frozen=True)
class Taken:
    """A mail, call or text that the provider accepted. Mails and calls name the delivery, texts the message."""

    mode: str
    to: str
    delivery: int | None = None
    attempt: int | None = None
    external_id: str = ""


def taken(journal: Path) -> Iterator[Taken]:
    """Yield everything that the provider accepted, in its order."""
    for entry in read_journal(journal):
        match entry["kind"]:
            case "mail":
                for address in entry["recipients"]:
                    yield Taken("email", address, int(entry["variables"][address]["delivery"]))
            case "call":
                session = entry["session_data"]
                yield Taken("voice", entry["to"], int(session["delivery"]), int(session["attempt"]))
            case "text":
                yield Taken("text", entry["to"], external_id=next(iter(marks_in(entry["text"])), ""))


def requests_of(journal: Path) -> Iterator[tuple[float, str]]:
    """Yield every request that hands something over: when it came (epoch seconds), and its body."""
    for entry in read_journal(journal):
        if entry["kind"] == "request" and entry["method"] == "POST" and entry["path"].endswith(_HANDS_OVER):
            yield entry["at"], entry["body"]


def fail(url: str, mood: dict[str, Any]) -> None:
    """Let the next requests fail. A provider that is away takes no orders."""
    _control("POST", f"{url}/sandbox/faults", mood)


def behave(url: str) -> None:
    """Let nothing fail any more."""
    _control("DELETE", f"{url}/sandbox/faults", None)


def _control(method: str, url: str, body: dict[str, Any] | None) -> None:
    try:
        requests.request(method, url, json=body, timeout=2)
    except requests.RequestException:
        return


def shown_events(url: str, key: str) -> list[dict[str, Any]]:
    """Return all events that the provider shows now."""
    events: list[dict[str, Any]] = []
    page = f"{url}/v3/{DEMO_DOMAIN}/events?begin=0&ascending=yes&limit=300"
    while True:
        answer = requests.get(page, auth=("api", key), timeout=30)
        answer.raise_for_status()
        found = json.loads(answer.text)
        if not found["items"]:
            return events
        events += found["items"]
        page = found["paging"]["next"]


def twice(values: Iterator[Any]) -> dict[Any, int]:
    """What comes more than once, and how often."""
    return {value: times for value, times in Counter(values).items() if times > 1}
