from __future__ import annotations

import pytest

from accounts.tasks import send_reset_link
from tests.queue import do_at_once


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link for a new password is sent at once, and a test sees what stops it."""
    do_at_once(monkeypatch, send_reset_link)
