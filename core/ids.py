"""Whole numbers, such as ids, from the text of an address or a field."""

# Of PostgreSQL's bigint.
LARGEST_ID = 2**63 - 1


def read_number(text: str, *, largest: int) -> int | None:
    """The number from 0 to ``largest`` that ASCII digits say; None where the text says no such number."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0") or "0"
    # int() is given no more digits than can count: it refuses thousands of them with an error.
    number = int(digits) if len(digits) <= len(str(largest)) else largest + 1
    return number if number <= largest else None


def read_id(text: str) -> int | None:
    """The id that a text says; None where it is too large for one. 0 is the id of no row."""
    return read_number(text, largest=LARGEST_ID)
