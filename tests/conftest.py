pytest_plugins = ["tests.fixtures.accounts", "tests.fixtures.sandbox", "tests.fixtures.browser"]
