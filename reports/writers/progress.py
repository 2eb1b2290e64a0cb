"""Telling how far a writer is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

Progress = Callable[[int], None]
"""Is told, every some thousand rows, how many are written; what it raises ends the writing."""

Row = Sequence[str]

CHUNK = 2_000


def in_chunks(rows: Iterable[Row], progress: Progress | None) -> Iterator[list[Row]]:
    """The rows in lists of some thousand. When the next one is asked for, the one before counts as written."""
    remaining = iter(rows)
    written = 0
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
        written += len(chunk)
        if progress:
            progress(written)
