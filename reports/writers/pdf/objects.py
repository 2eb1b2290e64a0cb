"""The objects of a PDF file: small ones are packed into compressed streams, and a compressed table finds them all.

A tagged report of a million rows has six million objects. Written one by one they would take ten times the room, and a
table of their places would take twenty bytes each.
"""

import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO

PACKED, PLAIN = 2, 1
"""The kinds of places in the table (ISO 32000-1, table 18)."""

WIDTHS = (1, 5, 2)
"""The bytes of an entry of the table: the kind; the place in the file, or the number of the stream; the index there."""
ENTRY = sum(WIDTHS)

UP = b"\x02"
"""Each byte is written as the difference to the byte above it (PNG's filter), so that runs of entries become equal."""
NEXT = UP + bytes(ENTRY - 1) + b"\x01"
CARRY = UP + bytes(ENTRY - 2) + b"\x01\x01"
AFTER_256 = NEXT * 255 + CARRY

FREE = (0xFFFF).to_bytes(ENTRY, "big")
"""The entry of a number without an object, such as 0."""

LEVEL = 1
"""The level of compression; elements are many, and look alike."""


@dataclass(frozen=True, slots=True)
class Block:
    """Many objects whose numbers follow each other: the first number, how many, their places, their texts."""

    first: int
    count: int
    places: bytes
    contents: bytes


class ObjectFile:
    """Writes objects by their numbers. Of each it remembers the place alone: 32 bytes for a run of packed objects."""

    def __init__(self, file: BinaryIO) -> None:
        self._write = file.write
        self._offset = 0
        self._firsts, self._counts, self._entries = array("Q"), array("Q"), array("Q")

    def add(self, content: bytes) -> int:
        """Write bytes that are no object, and return their place in the file."""
        place = self._offset
        self._write(content)
        self._offset += len(content)
        return place

    def plain(self, number: int, content: bytes) -> int:
        """Write an object that is a stream, and return its place in the file."""
        place = self.add(b"%d 0 obj\n%b\nendobj\n" % (number, content))
        self._note(number, 1, _entry(PLAIN, place))
        return place

    def packed(self, number: int, objects: list[tuple[int, str]], block: Block | None = None) -> None:
        """Write objects that are no streams into a stream with a number of its own; each is a number and Latin-1 text.

        Their places take the least memory if their numbers follow each other.
        """
        block = block or Block(0, 0, b"", b"")
        objects.sort()
        places = accumulate((len(content) + 1 for _, content in objects), initial=len(block.contents) + 1)
        pairs = [f"{each} {place}" for (each, _), place in zip(objects, places, strict=False)]
        head = b"%b%b\n" % (block.places, " ".join(pairs).encode())
        packed = b"\n".join([block.contents, *[content.encode("latin-1") for _, content in objects]])
        about = b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode" % (block.count + len(objects), len(head))
        self.plain(number, stream(about, zlib.compress(head + packed, level=LEVEL)))
        self._note(block.first, block.count, _entry(PACKED, number))
        first, index = 0, block.count
        for at, (each, _) in enumerate(objects, start=block.count):
            if each != first + at - index:
                self._note(first, at - index, _entry(PACKED, number, index))
                first, index = each, at
        self._note(first, block.count + len(objects) - index, _entry(PACKED, number, index))

    def close(self, number: int, about: bytes) -> None:
        """Write the table of all objects as an object with this number; `about` is what the file's trailer says."""
        self._note(number, 1, _entry(PLAIN, self._offset))
        table = zlib.compressobj(level=9)
        written = b"".join(map(table.compress, self._table())) + table.flush()
        about += b"/Type/XRef/Size %d/W[%d %d %d]" % (number + 1, *WIDTHS)
        about += b"/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns %d>>" % ENTRY
        start = self.plain(number, stream(about, written))
        self.add(b"startxref\n%d\n%%%%EOF\n" % start)

    def _note(self, first: int, count: int, entry: int) -> None:
        if not count:
            return
        self._firsts.append(first)
        self._counts.append(count)
        self._entries.append(entry)

    def _table(self) -> Iterator[bytes]:
        """Yield the table, from object 0 to the last one. Raises ValueError if an object was written twice."""
        above = bytes(ENTRY)
        due = 0
        for run in sorted(range(len(self._firsts)), key=self._firsts.__getitem__):
            first, count = self._firsts[run], self._counts[run]
            if first < due:
                raise ValueError(f"The PDF has two objects with the number {first}.")
            if first > due:
                yield _up(FREE, above) + (UP + bytes(ENTRY)) * (first - due - 1)
                above = FREE
            due = first + count
            yield _up(self._entries[run].to_bytes(ENTRY, "big"), above)
            yield _steps(self._entries[run] & 0xFFFF, count - 1)
            above = (self._entries[run] + count - 1).to_bytes(ENTRY, "big")


def _entry(kind: int, value: int, index: int = 0) -> int:
    return (kind << 56) | (value << 16) | index


def _up(entry: bytes, above: bytes) -> bytes:
    return UP + bytes((byte - before) & 0xFF for byte, before in zip(entry, above, strict=True))


def _steps(index: int, count: int) -> bytes:
    """Return entries of which each has the next index after the one above it."""
    start = index % 256
    steps = AFTER_256 * ((start + count) // 256 + 1)
    return steps[start * len(NEXT) : (start + count) * len(NEXT)]


def stream(about: bytes, content: bytes) -> bytes:
    """Return a stream; `about` are the entries of its dictionary."""
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (about, len(content), content)
