from itertools import groupby

import pytest

from tests.examples import load_profile

load_profile()

pytest_plugins = [
    f"tests.fixtures.{name}"
    for name in ("database", "accounts", "cancel", "sandbox", "browser", "health", "sign_in_providers")
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=int, help="of each test, run so many of its cases at most")


# The cases of a day: see devtools/test.py.
_MEASURED_CASES = 3


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if most := config.getoption("cases"):
        _leave_out_cases(config, items, most)
    _measure_once(items)
    _share_out(config, items)


def _leave_out_cases(config: pytest.Config, items: list[pytest.Item], most: int) -> None:
    chosen = set(_some_cases(items, most))
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = [item for item in items if item in chosen]


def _some_cases(items: list[pytest.Item], most: int) -> list[pytest.Item]:
    """Return at most so many cases of each test, from the first to the last of them.

    A test that is to run with every case does so unless one is enough.
    """
    kept = []
    for _, group in groupby(items, lambda item: (item.parent, getattr(item, "originalname", item.name))):
        cases = list(group)
        if len(cases) > most and (most == 1 or not cases[0].get_closest_marker("every_case")):
            cases = [cases[(len(cases) - 1) * at // max(1, most - 1)] for at in range(most)]
        kept += cases
    return kept


def _measure_once(items: list[pytest.Item]) -> None:
    """Measure the coverage of the tests of a day alone: the other thousands reach the same lines, and run faster.

    So do random examples.
    """
    measured = set(_some_cases(items, _MEASURED_CASES))
    for item in items:
        is_random = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if item not in measured or is_random or item.get_closest_marker("thorough"):
            item.add_marker("no_cover")


def _share_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each process begin with its share of what takes long, so that none is left with it in the end.

    pytest-xdist gives each process the same number of items, one part of the list after the other. Neighbors take
    about as long as each other, so the modules are dealt out like cards.
    """
    processes = int(getattr(config, "workerinput", {}).get("workercount", 1))
    slow = [item for item in items if item.get_closest_marker("slow")]
    others = [item for item in items if not item.get_closest_marker("slow")]
    hands = [[item for module in _modules(slow)[number::processes] for item in module] for number in range(processes)]
    size = -(-len(items) // processes)
    for hand in hands:
        room = max(0, size - len(hand))
        hand += others[:room]
        del others[:room]
    items[:] = [item for hand in hands for item in hand]


def _modules(items: list[pytest.Item]) -> list[list[pytest.Item]]:
    """The tests of each module."""
    return [list(group) for _, group in groupby(items, lambda item: item.path)]
