"""Settings of an installation on several hosts; docs/production.md says how they work together."""

from config.environment import Env

_env = Env()

# For how long a process that has died may keep others from its work. All processes need the same value.
LEASE_SECONDS = _env.float("LEASE_SECONDS", default=15)
