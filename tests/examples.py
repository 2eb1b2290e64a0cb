"""How many examples hypothesis tries: few from day to day, many where CI=true."""

import os

from hypothesis import HealthCheck, settings

# A machine with other work takes longer for an example; fixtures that do not change with it may be shared.
_USUAL = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

settings.register_profile("daily", _USUAL, max_examples=20)
settings.register_profile("ci", _USUAL, max_examples=100)


def load_profile() -> None:
    """`pytest --hypothesis-profile ci` has many examples elsewhere too."""
    settings.load_profile("ci" if os.environ.get("CI") == "true" else "daily")


def often(in_ci: int) -> int:
    """So many times in CI, and a fifth of them from day to day."""
    return max(5, in_ci * settings().max_examples // settings.get_profile("ci").max_examples)


def examples(in_ci: int) -> settings:
    """As the profile says, for a test whose examples are slow."""
    return settings(max_examples=often(in_ci))
