from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import Env


def test_a_value_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret\n")
    monkeypatch.setenv("MAILGUN_API_KEY_FILE", str(tmp_path / "key"))

    assert Env().str("MAILGUN_API_KEY") == "secret"


def test_names_have_commas_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILGUN_DOMAINS", " mg.one.example, mg.two.example ,,")

    assert Env().names("MAILGUN_DOMAINS") == ["mg.one.example", "mg.two.example"]


@pytest.mark.parametrize("asked", ["soon", "61", "15;30", "-5"])
def test_minutes_that_are_none_are_told_in_words(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("MAILGUN_SYNC_MINUTES", asked)

    with pytest.raises(ImproperlyConfigured, match="MAILGUN_SYNC_MINUTES"):
        Env().minutes("MAILGUN_SYNC_MINUTES", always="0")


def test_one_of_some_words_is_told_when_it_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Env().one_of("MAILGUN_SOURCE", "auto", "events", "logs") == "auto"
    monkeypatch.setenv("MAILGUN_SOURCE", "logs")
    assert Env().one_of("MAILGUN_SOURCE", "auto", "events", "logs") == "logs"
    monkeypatch.setenv("MAILGUN_SOURCE", "both")
    with pytest.raises(ImproperlyConfigured, match="'both'; it takes auto, events or logs"):
        Env().one_of("MAILGUN_SOURCE", "auto", "events", "logs")


def test_a_day_of_the_year_is_a_month_and_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Env().day_of_year("SCHOOL_YEAR_BEGINS", default="07-01") == (7, 1)
    for odd in ("02-29", "13-01", "July", "07-01-2026", "07"):
        monkeypatch.setenv("SCHOOL_YEAR_BEGINS", odd)
        with pytest.raises(ImproperlyConfigured, match="SCHOOL_YEAR_BEGINS"):
            Env().day_of_year("SCHOOL_YEAR_BEGINS", default="07-01")
