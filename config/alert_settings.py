"""Settings of alerts. Who gets them stands in the database: the page Alerts, Channels."""

from config.environment import Env

env = Env()

# How often the troubles are looked at.
ALERT_LOOK_SECONDS = 30
# Whether a webhook may be in a private network, or on this host.
ALERT_PRIVATE_WEBHOOKS = env.bool("ALERT_PRIVATE_WEBHOOKS", default=False)
# How long a webhook may take to answer.
ALERT_SEND_SECONDS = env.int("ALERT_SEND_SECONDS", default=10)
# For how long an alert is tried to be sent, and for how long alerts that cleared are kept.
ALERT_TRY_HOURS = env.int("ALERT_TRY_HOURS", default=24)
ALERT_DAYS = env.int("ALERT_DAYS", default=400)
