import pytest

from tests.examples import load_profile

load_profile()

pytest_plugins = [
    f"tests.fixtures.{name}" for name in ("database", "accounts", "cancel", "sandbox", "browser", "sign_in_providers")
]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each process begin with its share of what takes long, so that none is left with it in the end.

    pytest-xdist gives each process the same number of items, one part of the list after the other.
    """
    processes = int(getattr(config, "workerinput", {}).get("workercount", 1))
    slow = [item for item in items if item.get_closest_marker("slow")]
    others = [item for item in items if not item.get_closest_marker("slow")]
    items[:] = [
        item for number in range(processes) for part in (slow, others) for item in _share(part, number, processes)
    ]


def _share(items: list[pytest.Item], number: int, shares: int) -> list[pytest.Item]:
    return items[len(items) * number // shares : len(items) * (number + 1) // shares]
