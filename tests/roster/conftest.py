from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from roster.models import RosterRun
from roster.services import runs
from tests.roster.files import district, write_zip

Roster = Callable[..., RosterRun]
Files = Mapping[str, Any]


@pytest.fixture
def administrator(make_user: Callable[..., User]) -> User:
    return make_user(groups=["System Administrators"], username="boss", email="boss@harrison.example")


@pytest.fixture
def roster(administrator: User, settings: Settings, tmp_path: Path) -> Roster:
    """Take over a zip of these files, or check it with `check=True`; returns the run."""
    settings.ROSTER_FILE = str(tmp_path / "roster.zip")
    settings.REPORT_FOLDER = tmp_path
    settings.ROSTER_ROLE_GROUPS = ["administrator=Principals", "principal=Principals", "teacher="]

    def take(files: Files | None = None, *, check: bool = False, allows: RosterRun | None = None) -> RosterRun:
        write_zip(tmp_path / "roster.zip", district() if files is None else files)
        run = runs.start(seen=allows, by=administrator) if allows else runs.request_run(by=None, check_only=check)
        assert runs.do_queued() == 1
        run.refresh_from_db()
        return run

    return take


@pytest.fixture
def no_guard(settings: Settings) -> None:
    settings.ROSTER_LEAVING_PERCENT = 100
