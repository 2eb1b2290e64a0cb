"""From when on something counts as a trouble; docs/configuration.md lists the names."""

from config.environment import Env

env = Env()

# Seconds. Beat wakes at least so often, and shows that it lives.
CELERY_BEAT_MAX_LOOP_INTERVAL = 5

# Troubles. How late the events of a domain may be, in hours.
TROUBLE_SYNC_HOURS = env.float("TROUBLE_SYNC_HOURS", default=3)
# How long an emergency may take, with its redials, and how long jobs may stand still, in minutes.
TROUBLE_EMERGENCY_MINUTES = env.float("TROUBLE_EMERGENCY_MINUTES", default=60)
TROUBLE_JOB_MINUTES = env.float("TROUBLE_JOB_MINUTES", default=10)
# Which part of a message's devices may fail, in percent, and from how many devices on.
TROUBLE_FAILURE_PERCENT = env.float("TROUBLE_FAILURE_PERCENT", default=25)
TROUBLE_FAILURE_LEAST = env.int("TROUBLE_FAILURE_LEAST", default=20)
