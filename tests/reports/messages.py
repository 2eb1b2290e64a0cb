"""Messages, and what their reports say of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from accounts.models import User
from accounts.tools import Tool
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from reports.document import Bars, Document, Figures, Text
from reports.kinds.sent_message import SentMessageReport, devices_of
from reports.kinds.sent_message_log_2 import SentMessageLog2Report, statuses_of
from tests.messenger_logs.factories import make_message

EVERYBODY = User(username="everybody", is_superuser=True)
EVERY_MODE = ["inbox", "email", "voice", "text"]


def classic(message: SentMessage, **chosen: Any) -> Document:
    recount(message_id=message.pk)
    options = {
        "tool": Tool.ADMIN_SENT_MESSAGE_LOG.name,
        "message": message.pk,
        "devices": devices_of(message),
        **chosen,
    }
    return SentMessageReport.open(EVERYBODY, options).document()


def log_2_document(message: SentMessage, **chosen: Any) -> Document:
    recount(message_id=message.pk)
    usual = {"modes": message.modes, "statuses": statuses_of(message)}
    options = {"tool": Tool.SENT_MESSAGE_LOG_2.name, "message": message.pk, **usual, **chosen}
    return SentMessageLog2Report.open(EVERYBODY, options).document()


def message_by(*modes: str, **fields: Any) -> SentMessage:
    return make_message(modes=list(modes or EVERY_MODE), **fields)


SUMMARY = ("Delivery Summary", "People", "Devices")


def figures(document: Document, *headings: str) -> dict[str, str]:
    """The pairs below these headings; without any, those of the whole summary."""
    wanted = headings or SUMMARY
    found = [part for part in document.sections if isinstance(part, Figures) and part.heading in wanted]
    assert found
    return dict(pair for part in found for pair in part.pairs)


def bars(document: Document) -> dict[str, dict[str, int]]:
    """The parts of each bar, by its label."""
    found = [bar for part in document.sections if isinstance(part, Bars) for bar in part.bars]
    return {bar.label: {part.status.word: part.count for part in bar.parts} for bar in found}


def texts(document: Document) -> dict[str, str]:
    (found,) = [part for part in document.sections if isinstance(part, Text)]
    return dict(found.paragraphs)


def headings(document: Document) -> list[str]:
    return [part.heading for part in document.sections]


def rows(document: Document) -> list[tuple[str, ...]]:
    assert document.rows
    return [tuple(row) for row in document.rows.rows]


def column(document: Document, label: str) -> list[str]:
    assert document.rows
    place = [column.label for column in document.rows.columns].index(label)
    return [row[place] for row in rows(document)]


def csv_of(response: Any) -> list[list[str]]:
    assert response.status_code == 200, response
    return list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"), newline="")))


def elsewhere(work: Callable[[], object]) -> None:
    """In a connection of its own, and committed."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()
