import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.strict_json import JSONError, read_json, read_object

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values, st.booleans())
def test_what_json_can_say_comes_back(value: object, ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii)
    assert read_json(text) == read_json(text.encode()) == read_json(b"\xef\xbb\xbf" + text.encode()) == value
    assert read_object(text) == (value if isinstance(value, dict) else None)


@given(st.binary() | st.text(st.characters(codec=None)))
def test_anything_else_is_refused_and_nothing_crashes(text: bytes | str) -> None:
    with suppress(JSONError):
        assert read_json(text) == json.loads(text)
    assert isinstance(read_object(text), dict | None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is not JSON: Expecting value, at character 1"),
        (b"{", "is not JSON: Expecting property name enclosed in double quotes, at character 2"),
        (b"[1]\n2", "is not JSON: Extra data, at character 5"),
        (b'"caf\xe9"', "is not UTF-8"),
        ('"é"'.encode("utf-16"), "is not UTF-8"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"a":' * 100_000, "is nested too deeply"),
        (b"NaN", "has a number that is none, or one of thousands of digits"),
        (b"[-Infinity]", "has a number that is none, or one of thousands of digits"),
        (b"9" * 5000, "has a number that is none, or one of thousands of digits"),
    ],
)
def test_a_refusal_says_why(text: bytes, words: str) -> None:
    with pytest.raises(JSONError) as refused:
        read_json(text)
    assert str(refused.value) == words
    assert read_object(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "a": 2}', {"a": 2}),
        ("9" * 4000, int("9" * 4000)),
        ("-0.0", 0.0),
        ('"\\ud800\\u0000"', "\ud800\0"),
        ("1e999", math.inf),
    ],
)
def test_what_is_taken_though_it_is_odd(text: str, value: object) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize("text", ["[]", "null", '"{}"', "5", "nul", ""])
def test_only_an_object_is_an_object(text: str) -> None:
    assert read_object(text) is None
