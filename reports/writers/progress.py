"""The progress of a writer."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

Progress = Callable[[int], None]
"""A function that gets the number of written rows, after every few thousand rows. An error in it ends the writing."""

Row = Sequence[str]

CHUNK = 2_000


def in_chunks(rows: Iterable[Row], progress: Progress | None) -> Iterator[list[Row]]:
    """Yield the rows in lists of a few thousand. A list counts as written when the next one is requested."""
    remaining = iter(rows)
    written = 0
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
        written += len(chunk)
        if progress:
            progress(written)
