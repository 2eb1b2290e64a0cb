from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from pytest_django import Settings

from accounts.management.commands import check_stores
from tests.valkey import Valkey, kill, short_folder

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def valkey(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    monkeypatch.setattr(check_stores, "PATIENCE_SECONDS", 0.5)
    with short_folder() as folder:
        valkey = Valkey(folder)
        settings.REDIS_URL = valkey.url
        yield valkey
        kill(valkey.process)


def test_all_stores_answer(valkey: Valkey, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_stores")

    assert capsys.readouterr().out.splitlines() == [
        "PostgreSQL answers.",
        "Valkey answers.",
        "The store of files answers.",
    ]


@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_a_valkey_that_is_away_is_said(valkey: Valkey, fault: str) -> None:
    getattr(valkey, fault)()

    with pytest.raises(CommandError, match="Valkey does not answer"):
        call_command("check_stores")


def test_one_store_alone_can_be_asked(valkey: Valkey, capsys: pytest.CaptureFixture[str]) -> None:
    valkey.kill()

    call_command("check_stores", "--only", "postgres")

    assert capsys.readouterr().out.splitlines() == ["PostgreSQL answers."]
    with pytest.raises(CommandError, match="Valkey does not answer"):
        call_command("check_stores", "--only", "valkey")


def test_a_database_that_is_away_is_said(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(check_stores, "_ask_postgres", refuse)

    with pytest.raises(CommandError, match=r"PostgreSQL does not answer \(connection refused\)"):
        call_command("check_stores")
