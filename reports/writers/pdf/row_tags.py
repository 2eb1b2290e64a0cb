"""The tags of the rows of a page, made at once: one by one, those of a row would take longer than its drawing.

Nearly all pages of a table have the same number of rows, and then their tags differ in the numbers of objects alone. So
they are a text with signs in place of the page and of all digits but the last two, and each page puts in its own.
"""

from functools import lru_cache
from itertools import accumulate

HUNDRED = 100
"""The first number of the rows of a page is a multiple of it."""
BODY, PAGE, FIRST = "\x80", "\x81", 0x82
"""Signs for the number of the page's TBody, of the page, and for the digits in front of the last two."""
SIGNS = "latin-1"
"""The encoding of texts with signs: one byte each, and room for those of 12,000 objects on a page."""

WIDTH = 9
"""Each number takes as many places, so that each part has its place; in front stand blanks."""
REFERENCE = WIDTH + len(" 0 R")


class Shape:
    """The tags of so many rows and columns, of which the first cell has this marked content of the page."""

    def __init__(self, rows: int, columns: int, mark: int) -> None:
        self.columns = columns
        self.count = rows * (columns + 1)
        lines, owners = [], ""
        for row in range(rows):
            tr, *cells = (_number(row * (columns + 1) + place) for place in range(columns + 1))
            references = " ".join(f"{cell} 0 R" for cell in cells)
            lines.append(f"<</S/TR/P {BODY} 0 R/K[{references}]>>")
            start = mark + row * columns
            lines += [f"<</S/TD/P {tr} 0 R/Pg {PAGE} 0 R/K {start + at:<{REFERENCE}}>>" for at in range(columns)]
            owners += f"{references} "
        signs = self._signs(0, 0, 0)
        places = [0, *accumulate(len(_filled(line.encode(SIGNS), signs)) + 1 for line in lines)]
        head = "".join(f"{_number(at)} {place} " for at, place in enumerate(places[:-1]))
        self.texts = [text.encode(SIGNS) for text in (head, "\n".join(lines), owners)]
        self.contents = [place - REFERENCE - len(">>\n") for place in places[1:]]
        """Where the content of each object stands, if that is a cell."""

    def filled(self, first: int, page: int, body: int) -> list[bytes]:
        """Return the places, the elements, and the owners of the contents, with these numbers of objects."""
        signs = self._signs(first, page, body)
        return [_filled(text, signs) for text in self.texts]

    def _signs(self, first: int, page: int, body: int) -> list[tuple[bytes, bytes]]:
        hundreds = range(-(-self.count // HUNDRED))
        digits = [(chr(FIRST + at), f"{first // HUNDRED + at:{WIDTH - 2}}") for at in hundreds]
        signs = [(BODY, f"{body:{WIDTH}}"), (PAGE, f"{page:{WIDTH}}"), *digits]
        return [(sign.encode(SIGNS), number.encode()) for sign, number in signs]


shape = lru_cache(64)(Shape)


def _number(at: int) -> str:
    return f"{chr(FIRST + at // HUNDRED)}{at % HUNDRED:02}"


def _filled(text: bytes, signs: list[tuple[bytes, bytes]]) -> bytes:
    """Put numbers in the place of signs. Of a str this would take six times longer."""
    for sign, digits in signs:
        text = text.replace(sign, digits)
    return text
