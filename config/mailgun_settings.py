"""What is read from Mailgun, when, and what sends by it; docs/configuration.md lists the names."""

from config.district_settings import TIME_ZONE
from config.environment import Env
from config.schedules import hourly

env = Env()

MAILGUN_API_KEY = env.str("MAILGUN_API_KEY", default="")
MAILGUN_REGION = env.str("MAILGUN_REGION", default="us")
MAILGUN_DOMAINS = env.names("MAILGUN_DOMAINS")
MAILGUN_API_BASE = env.str("MAILGUN_API_BASE", default="")
# Which API gives the events: events, logs, or auto for the Events API until that is gone.
MAILGUN_SOURCE = env.one_of("MAILGUN_SOURCE", "auto", "events", "logs")
# Several while a key is renewed, the new one first.
MAILGUN_WEBHOOK_SIGNING_KEYS = env.names("MAILGUN_WEBHOOK_SIGNING_KEY")
# How often a request is tried. After that, its domain waits for the next sync.
MAILGUN_ATTEMPTS = env.int("MAILGUN_ATTEMPTS", default=6)
# How many slices of time a long catch-up reads side by side.
MAILGUN_SLICES = env.int("MAILGUN_SLICES", default=4)
MAILGUN_RETENTION_DAYS = env.int("MAILGUN_RETENTION_DAYS", default=30)
# What the Mailgun Message Log shows at most; its reports have every event of these days.
MAILGUN_SHOWN_DAYS = 30
MAILGUN_SHOWN_A_DAY = 20_000
EVENT_RETENTION_DAYS = env.int("EVENT_RETENTION_DAYS", default=400)
# Sending
MAILGUN_SENDING_DOMAIN = env.str("MAILGUN_SENDING_DOMAIN", default="")
MAILGUN_FROM = env.str("MAILGUN_FROM", default="")
MAILGUN_BATCH = env.int("MAILGUN_BATCH", default=1000)
# Events may come late. For this long, Mailgun may have taken a mail although no event names it.
MAILGUN_LOOK_UP_MINUTES = env.float("MAILGUN_LOOK_UP_MINUTES", default=30)

# A sync starts at every full hour, and at the minutes that MAILGUN_SYNC_MINUTES adds: "15,30,45" or "*/5".
MAILGUN_SYNC_TIMES = hourly(env.minutes("MAILGUN_SYNC_MINUTES", always="0"), zone=TIME_ZONE)
