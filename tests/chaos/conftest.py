from tests.dispatch.conftest import due_message  # noqa: F401  (a fixture)
