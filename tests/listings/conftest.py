from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from pytest_django.plugin import DjangoDbBlocker

from tests.listings.letter_log import letters_table

# Noon of a Friday in the district.
NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), letters_table():
        yield


@pytest.fixture(autouse=True)
def addresses(settings) -> None:
    settings.ROOT_URLCONF = "tests.listings.letter_log"
    settings.TIME_ZONE = "America/Chicago"


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    with time_machine.travel(NOW, tick=False):
        yield NOW
