from pathlib import Path
from typing import Any

import pytest

from tests.messenger_logs.intake.conftest import lines as lines


@pytest.fixture(autouse=True)
def a_folder_and_a_district(settings: Any, tmp_path: Path) -> None:
    settings.REPORT_FOLDER = tmp_path / "reports"
    settings.TIME_ZONE = "America/Chicago"
    settings.DISTRICT_NAME = "Plainview Schools"
    settings.PHONE_REGION = "US"
