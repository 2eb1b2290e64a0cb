import gzip
import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.strict_json import JSONError, foreign_form, read_json, read_object

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.slow
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
        ('"é"'.encode("utf-16"), "is UTF-16, not UTF-8"),
        ('{"a": 1}'.encode("utf-16-le"), "is UTF-16, not UTF-8"),
        ('{"a": 1}'.encode("utf-16-be"), "is UTF-16, not UTF-8"),
        ('{"a": 1}'.encode("utf-32"), "is UTF-32, not UTF-8"),
        (gzip.compress(b"{}", mtime=0), "is compressed (gzip)"),
        ('{"a": 1, "a": 2}', 'has the key "a" twice in one object'),
        ('{"recipients": [1], "recipients": []}', 'has the key "recipients" twice in one object'),
        ('[{"a": {"b": 1, "c": 2, "\\u0062": 1}}]', 'has the key "b" twice in one object'),
        ('[{"}": "\\"}"},\n{"a": {},\n"a": 1},\n{}]', 'has the key "a" twice in one object, which ends in line 3'),
        ('{"a\\n": 1, "a\\n": 2}', "has the key twice in one object"),
        (f'{{"{"a" * 65}": 1, "{"a" * 65}": 2}}', "has the key twice in one object"),
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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9" * 4000, int("9" * 4000)),
        ("-0.0", 0.0),
        ('"\\ud800\\u0000"', "\ud800\0"),
        ("1e999", math.inf),
    ],
)
def test_what_is_taken_though_it_is_odd(text: str, value: object) -> None:
    assert read_json(text) == value


objects = st.dictionaries(st.text(), st.none() | st.text() | st.dictionaries(st.text(), st.integers()), min_size=1)


@pytest.mark.slow
@given(objects, st.data())
def test_a_repeated_name_is_refused_at_any_depth_and_a_provider_may_repeat_it(
    value: dict[str, object], data: st.DataObject
) -> None:
    again = data.draw(st.sampled_from(sorted(value)))
    members = [f"{json.dumps(name)}: {json.dumps(one)}" for name, one in value.items()]
    text = f"{{{', '.join([*members, f'{json.dumps(again)}: 1'])}}}"
    for nested in (text, f"[{text}]", f'{{"in": [1, {text}]}}'):
        with pytest.raises(JSONError, match="twice in one object"):
            read_json(nested)
    assert read_object(text) == value | {again: 1}


@given(st.text(min_size=1).filter(lambda text: "\0" not in text), st.sampled_from(["utf-16", "utf-16-le", "utf-32"]))
def test_json_in_another_encoding_is_told_from_utf_8(text: str, encoding: str) -> None:
    value = json.dumps({"text": text}, ensure_ascii=False)
    assert foreign_form(value.encode()[:4]) == ""
    assert foreign_form(value.encode(encoding)[:4]) == f"is {encoding[:6].upper()}, not UTF-8"


@pytest.mark.parametrize("text", ["[]", "null", '"{}"', "5", "nul", ""])
def test_only_an_object_is_an_object(text: str) -> None:
    assert read_object(text) is None
