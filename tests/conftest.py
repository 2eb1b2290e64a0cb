from tests.examples import load_profile

load_profile()

pytest_plugins = [f"tests.fixtures.{name}" for name in ("database", "accounts", "cancel", "sandbox", "browser")]
