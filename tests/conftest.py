pytest_plugins = [f"tests.fixtures.{name}" for name in ("database", "accounts", "sandbox", "browser")]
