from types import SimpleNamespace

import pytest

from listings.kept_counts import kept_count
from tests.listings.conftest import NOW
from tests.listings.letter_log import Letter, make_letters

pytestmark = pytest.mark.django_db


def test_a_question_is_counted_once_and_every_other_question_for_itself(django_assert_num_queries):
    make_letters(6, newest=NOW)
    with django_assert_num_queries(3):
        assert kept_count(Letter.objects.all(), most=10) == 6
        assert kept_count(Letter.objects.filter(status="lost"), most=10) == 2
        assert kept_count(Letter.objects.filter(status="lost", pages__lt=4), most=10) == 1
    make_letters(6, newest=NOW)
    with django_assert_num_queries(0):
        assert kept_count(Letter.objects.order_by("pages"), most=10) == 6
        assert kept_count(Letter.objects.filter(status="lost"), most=10) == 2


def test_it_counts_no_further_than_asked():
    make_letters(6, newest=NOW)
    assert kept_count(Letter.objects.all(), most=4) == 4


def test_the_cache_holds_nothing_of_what_was_asked(monkeypatch):
    keys = []
    kept = SimpleNamespace(get_or_set=lambda key, count, seconds: keys.append(key) or 0)
    monkeypatch.setattr("listings.kept_counts.cache", kept)
    kept_count(Letter.objects.filter(recipient="vang@example.org"), most=4)
    assert "vang" not in keys[0]
