"""A small ledger: the Vang family, whose records somebody wants, and others, whose names nobody may find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.tools import Right, Tool
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

BODY = """<p>Dear {{parent.name}}, Mai Vang and Lia Yáng are late. So is <b>Pa</b> <i>Yang</i>, and BEE XIONG.</p>
<p>Write to lia@example.net or call (612) 555-0188. Student 90210 and 90211.</p><p>Ana Ruiz, office@example.org</p>"""
# What no file of the Vang family may have.
OTHERS = ["Yang", "Yáng", "Lia", "Xiong", "lia@example.net", "555-0188", "5550188", "90211", "6125550188"]


@pytest.fixture(autouse=True)
def report_folder(settings: Settings, tmp_path: Path) -> None:
    settings.REPORT_FOLDER = tmp_path


@pytest.fixture
def clerk(make_user: Callable[..., User]) -> User:
    rights = [(Tool.RECORDS_REQUEST, Right.READ), (Tool.RECORDS_REQUEST, Right.WRITE)]
    return make_user(*rights, username="clerk", first_name="Ana", last_name="Ruiz")


def day(number: int) -> datetime:
    return datetime(2026, 11, number, 16, tzinfo=UTC)


@pytest.fixture
def ledger(db: None) -> list[SentMessage]:
    """Three messages: to both families, to the Vangs alone, to the others alone."""
    fields = {"sender_name": "Ruiz, Ana", "reply_to": "office@example.org", "modes": ["email", "text"]}
    both = make_message(
        subject="Late: Lia Yang", bodies={"email": BODY}, created_at=day(20), school="Harrison High",
        criteria=[["Individual", "Yang, Lia"]], attachments=[{"name": "Yang Lia.pdf"}], **fields,
    )  # fmt: skip
    vangs = make_message(subject="Snow", bodies={"text": "School is closed."}, created_at=day(21), **fields)
    others = make_message(subject="Bus", bodies={"text": "The bus is late."}, created_at=day(22), **fields)
    for message in (both, vangs):
        mai = make_recipient(
            message, person_id="4711", name="Vang, Mai", student_number="90210", student_name="Vang, Tou",
            merge_fields={"parent.name": "Mai Vang"},
        )  # fmt: skip
        make_delivery(mai, address="mai@example.com", email_reason="550 lia@example.net and mai@example.com are gone")
        make_delivery(mai, mode="text", address="+16125550111")
    for message in (both, others):
        lia = make_recipient(
            message, person_id="4712", name="Yang, Lia", student_number="90211", student_name="Yang, Pa"
        )
        make_delivery(lia, address="lia@example.net")
        make_delivery(lia, mode="text", address="+16125550188")
        make_delivery(make_recipient(message, person_id="4713", name="Xiong, Bee", student_name="Xiong, Lue"))
    for message in (both, vangs, others):
        recount(message_id=message.pk)
    return [both, vangs, others]
