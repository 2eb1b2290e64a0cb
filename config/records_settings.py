"""Settings of requests for records."""

from config.environment import Env

_env = Env()

# How many messages a request may have, and for how many days its file is kept, in a folder below that of reports.
RECORDS_MESSAGES = _env.int("RECORDS_MESSAGES", default=2_000)
RECORDS_DAYS = _env.int("RECORDS_DAYS", default=30)
