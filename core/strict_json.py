"""Reads JSON from outside, by RFC 8259 and in UTF-8. It refuses what Python cannot take.

If a name occurs twice in an object, the last value counts. Callers limit the number of bytes.
"""

import json
from typing import Any, NoReturn


class JSONError(ValueError):
    """The text cannot be read. The message says why, without a subject: "is not UTF-8"."""


def read_json(text: bytes | str) -> Any:
    """Return the value of a JSON text, with or without a byte order mark. Raises JSONError."""
    try:
        return json.loads(text if isinstance(text, str) else text.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise JSONError("is not UTF-8") from None
    except RecursionError:
        raise JSONError("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise JSONError(f"is not JSON: {error.msg}, at character {error.pos + 1:,}") from None
    except ValueError:
        # Python refuses integers of more than 4,300 digits, because the time grows with the square of their number.
        raise JSONError("has a number that is none, or one of thousands of digits") from None


def read_object(text: bytes | str) -> dict[str, Any] | None:
    """Return the JSON object of a text; None if it is not JSON, or no object."""
    try:
        value = read_json(text)
    except JSONError:
        return None
    return value if isinstance(value, dict) else None


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity: Python reads them, but they are not JSON."""
    raise ValueError(name)
