"""Reads whole numbers, such as ids, from the text of an address or a field."""

# The largest value of PostgreSQL's bigint.
LARGEST_ID = 2**63 - 1


def read_number(text: str, *, largest: int) -> int | None:
    """Return the number of a text of ASCII digits; None if it is no number from 0 to `largest`."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0") or "0"
    # Cut the digits first: int() raises an error for thousands of them.
    number = int(digits) if len(digits) <= len(str(largest)) else largest + 1
    return number if number <= largest else None


def read_id(text: str) -> int | None:
    """Return the id in a text; None if it is not a number, or too large. No row has the id 0."""
    return read_number(text, largest=LARGEST_ID)
