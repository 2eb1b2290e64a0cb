import pytest

from tests.examples import load_profile

load_profile()

pytest_plugins = [f"tests.fixtures.{name}" for name in ("database", "accounts", "cancel", "sandbox", "browser")]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process is left with it in the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
