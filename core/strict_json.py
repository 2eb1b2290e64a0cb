"""JSON from outside: as RFC 8259 has it, in UTF-8, and never more of it than Python can take.

Of a name that stands twice in an object the last value counts. How many bytes are read is for the caller to say.
"""

import json
from typing import Any, NoReturn


class JSONError(ValueError):
    """Text that is not taken. The message says why, in words that follow what it is about: "is not UTF-8"."""


def read_json(text: bytes | str) -> Any:
    """The value of a JSON text, with or without a byte order mark. Raises JSONError."""
    try:
        return json.loads(text if isinstance(text, str) else text.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise JSONError("is not UTF-8") from None
    except RecursionError:
        raise JSONError("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise JSONError(f"is not JSON: {error.msg}, at character {error.pos + 1:,}") from None
    except ValueError:
        # Python reads no integer of more than 4,300 digits: the time it takes grows with their square.
        raise JSONError("has a number that is none, or one of thousands of digits") from None


def read_object(text: bytes | str) -> dict[str, Any] | None:
    """The JSON object that a text is; None where it is none."""
    try:
        value = read_json(text)
    except JSONError:
        return None
    return value if isinstance(value, dict) else None


def _refuse_constant(name: str) -> NoReturn:
    """Python would read NaN and Infinity, which are not JSON."""
    raise ValueError(name)
