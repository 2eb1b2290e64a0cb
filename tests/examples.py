"""How many examples a test tries: few from day to day, many in CI and with bin/test --thorough."""

import os
from collections.abc import Sequence
from itertools import cycle, product
from typing import TypeVar

from hypothesis import HealthCheck, settings

Case = TypeVar("Case")
Other = TypeVar("Other")

# A machine with other work takes longer for an example; fixtures that do not change with it may be shared.
_USUAL = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

settings.register_profile("daily", _USUAL, max_examples=20)
settings.register_profile("ci", _USUAL, max_examples=100)


def load_profile() -> None:
    """Choose by the environment. `pytest --hypothesis-profile ci`, as in bin/test --thorough, goes before that."""
    settings.load_profile("ci" if os.environ.get("CI") == "true" else "daily")


def many() -> bool:
    return settings().max_examples >= settings.get_profile("ci").max_examples


def often(in_ci: int, *, of: int = 5) -> int:
    """So many times in CI, and one `of` so many from day to day."""
    return in_ci if many() else max(3, in_ci // of)


def some(cases: Sequence[Case], *, of: int = 2) -> Sequence[Case]:
    """All cases in CI, and one `of` so many from day to day."""
    return cases if many() else cases[::of]


def pairs(longer: Sequence[Case], shorter: Sequence[Other]) -> list[tuple[Case, Other]]:
    """All pairs in CI. From day to day each case of both lists at least once."""
    return list(product(longer, shorter) if many() else zip(longer, cycle(shorter)))


def examples(in_ci: int, *, of: int = 5) -> settings:
    """As the profile says, for a test whose examples are slow."""
    return settings(max_examples=often(in_ci, of=of))
