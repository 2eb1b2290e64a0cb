"""How many requests to providers are on the way at a time; docs/configuration.md lists the names."""

from config.environment import Env

env = Env()

# Calls, texts, and questions about calls, from one worker and for one mode. That many may be in doubt when it dies.
DISPATCH_CONCURRENCY = env.int("DISPATCH_CONCURRENCY", default=256)
# Requests that hand over e-mail, each for up to MAILGUN_BATCH people.
DISPATCH_EMAIL_CONCURRENCY = env.int("DISPATCH_EMAIL_CONCURRENCY", default=4)
