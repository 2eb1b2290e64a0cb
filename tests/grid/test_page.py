from datetime import UTC, datetime

import pytest
import time_machine

from tests.grid.letters import make_letters

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


def test_it_shows_todays_letters_newest_first(client):
    make_letters(60, newest=NOW)
    response = client.get("/letters/")
    text = response.content.decode()
    print(text)
    assert "1–50 of 60" in text
