"""Measures two ways to do the same. They run in turns, because the machine may be busy with other things."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

ROUNDS = 3


@dataclass
class Comparison:
    """The seconds that each way took, in the order of the rounds."""

    ours: list[float] = field(default_factory=list)
    naive: list[float] = field(default_factory=list)

    @property
    def median_ours(self) -> float:
        return median(self.ours)

    @property
    def median_naive(self) -> float:
        return median(self.naive)

    @property
    def ratio(self) -> float:
        """How many times longer the naive way takes."""
        return self.median_naive / self.median_ours

    def spread(self) -> str:
        """The ratio, with its lowest and highest value in a round."""
        ratios = [naive / ours for ours, naive in zip(self.ours, self.naive, strict=True)]
        return f"{self.ratio:.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def in_turn(ours: Callable[[], object], naive: Callable[[], object]) -> Comparison:
    """Run both ways in turns, ROUNDS times, after one round that does not count."""
    found = Comparison()
    ours(), naive()  # afterwards the data of both is in memory
    for _ in range(ROUNDS):
        found.ours.append(seconds(ours))
        found.naive.append(seconds(naive))
    return found


def print_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: the first column left-aligned, the others right-aligned."""
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *others = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        return "  ".join([cells[0].ljust(len(first)), *others])

    print(f"\n{title}\n\n{line(headers)}\n{'  '.join('-' * width for width in widths)}", flush=True)
    for row in rows:
        print(line(row), flush=True)
