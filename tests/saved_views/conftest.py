from pathlib import Path
from typing import Any

import pytest

from reports import tasks
from tests.queue import note_queued


@pytest.fixture(autouse=True)
def report_folder(settings: Any, tmp_path: Path) -> None:
    settings.REPORT_FOLDER = tmp_path


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the reports that workers would make."""
    return note_queued(monkeypatch, tasks.make)
