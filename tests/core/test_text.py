"""What PostgreSQL holds, asked of PostgreSQL itself."""

import json

import pytest
from django.db import DataError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.text import encodable, is_storable, storable, storable_json, texts_in, unstorable, visible

anything = st.text(st.characters(codec=None) | st.sampled_from("\0\ud800\udfff\ud83d\ude00"))
on_the_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def held(text: str, type: str = "text") -> str:
    """The text as it comes back from the database."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{type}::text", [text])
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("text", "words", "mended"),
    [
        ("", "", ""),
        ("Zoë 🎒 \ufffd\ue000\uffff", "", "Zoë 🎒 \ufffd\ue000\uffff"),
        ("\x01\x7f\x80\u2028", "", "\x01\x7f\x80\u2028"),
        ("a\0b", "has a NUL character", "a\ufffdb"),
        ("a\ud800b", "has half of a surrogate pair, which is no character", "a?b"),
        ("\udc00\ud800", "has half of a surrogate pair, which is no character", "??"),
        ("\0\ud800", "has a NUL character", "\ufffd?"),
    ],
)
def test_what_can_be_held_and_what_takes_the_place_of_the_rest(text: str, words: str, mended: str) -> None:
    assert unstorable(text) == words
    assert is_storable(text) == (words == "")
    assert storable(text) == mended


@pytest.mark.django_db
@on_the_database
@given(anything)
def test_the_rule_is_the_databases(text: str) -> None:
    if is_storable(text):
        assert held(text) == text
    else:
        with pytest.raises((UnicodeEncodeError, ValueError, DataError)):
            held(text)
    assert held(storable(text)) == storable(text)
    assert storable(storable(text)) == storable(text)


@given(anything)
def test_only_what_cannot_be_held_is_replaced(text: str) -> None:
    mended = storable(text)
    assert len(mended) == len(text)
    assert all(new == old for new, old in zip(mended, text, strict=True) if is_storable(old))
    assert encodable(text).replace("\0", "\ufffd") == mended
    assert encodable(text).encode().decode() == encodable(text)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        (r'"\u0000"', r'"\ufffd"'),
        (r'"\ud83d"', r'"\ufffd"'),
        (r'"\uDE00\uD83D"', r'"\ufffd\ufffd"'),
        (r'"\ud83d\ude00"', r'"\ud83d\ude00"'),
        (r'"\ud83d\ud83d\ude00"', r'"\ufffd\ud83d\ude00"'),
        (r'"\\u0000"', r'"\\u0000"'),
        (r'"\\\u0000"', r'"\\\ufffd"'),
        (r'"\\ud83d"', r'"\\ud83d"'),
        (r'"\u00001"', r'"\ufffd1"'),
    ],
)
def test_escapes_in_json_are_replaced_and_nothing_else(text: str, mended: str) -> None:
    assert storable_json(text) == mended


@pytest.mark.django_db
@on_the_database
@given(anything, st.booleans())
def test_json_with_any_text_can_be_held(text: str, ascii: bool) -> None:
    # Beyond ASCII there are no escapes: what comes over the wire in UTF-8 has no halves of surrogate pairs.
    written = storable_json(json.dumps(text if ascii else encodable(text), ensure_ascii=ascii))
    found = json.loads(held(written, "jsonb"))
    assert found == json.loads(written)
    assert is_storable(found)
    if is_storable(text):
        assert found == text


def test_all_texts_of_a_value_are_found() -> None:
    value = {"a": ["b", 1, None, True, {"c": "d"}], "e": {"f": []}, "g": 2.5}
    assert sorted(texts_in(value)) == list("abcdefg")


@pytest.mark.slow
def test_deep_values_have_texts_too() -> None:
    value: object = "bottom"
    for _ in range(100_000):
        value = [value]
    assert list(texts_in(value)) == ["bottom"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mom@example.org", "mom@example.org"),
        ("\ufeff\u200bmom@\u2060example.org\u200e", "mom@example.org"),
        ("\u202a+1 612\u00a0555\u30000143\u202c", "+1 612 555 0143"),
        (" a\t\r\nb\x00c ", "a bc"),
        ("Zoë 🎒 만", "Zoë 🎒 만"),
        ("\u3164\u115f\ufe0f\u034f\u2800", ""),
    ],
)
def test_only_what_can_be_seen_stays(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(anything)
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)
