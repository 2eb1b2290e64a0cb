import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.environment import Env
from tests.config.conftest import ROOT


def test_a_value_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "database_url"
    file.write_text("postgres://me:secret@db.example/logs\n")
    monkeypatch.setenv("SOME_DATABASE_URL_FILE", str(file))

    database = Env().db("SOME_DATABASE_URL")

    assert (database["PASSWORD"], database["NAME"]) == ("secret", "logs")


def test_a_value_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_DOMAINS", "mg.one.example,mg.two.example")

    assert Env().list("SOME_DOMAINS") == ["mg.one.example", "mg.two.example"]


@pytest.mark.parametrize(
    ("redis_url", "broker"),
    [
        ("redis://cache.example:6379/0", "redis://cache.example:6379/0"),
        ("unix:///a%20folder/valkey.sock", "redis+socket:///a%20folder/valkey.sock"),
        ("unix:///run/valkey.sock?db=1", "redis+socket:///run/valkey.sock?virtual_host=1"),
    ],
)
def test_celery_finds_the_broker_that_the_cache_uses(redis_url: str, broker: str) -> None:
    program = "from django.conf import settings; print(settings.CELERY_BROKER_URL)"
    environment = os.environ | {"REDIS_URL": redis_url, "DJANGO_SETTINGS_MODULE": "config.settings"}

    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert said.stdout.strip() == broker
