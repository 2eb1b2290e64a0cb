"""Health: who may read the figures, what is logged of requests, where errors and traces go, and what is a trouble.

docs/configuration.md lists the names.
"""

import logging
from ipaddress import IPv4Network, IPv6Network, ip_network

from django.core.exceptions import ImproperlyConfigured

from config.environment import Env
from config.telemetry import report_errors

env = Env()


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"METRICS_NETWORKS has {text!r}; it takes networks such as 10.0.0.0/8.") from error


# The figures at /metrics: for who has the token, or comes from one of these networks. Without both they are off.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_NETWORKS = [_network(name) for name in env.names("METRICS_NETWORKS")]

# Where errors and traces go; off without an address. config/telemetry.py says what leaves.
SENTRY_DSN = env.str("SENTRY_DSN", default="")
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
if SENTRY_DSN:
    report_errors(SENTRY_DSN)

# Seconds. Beat wakes at least so often, and shows that it lives.
CELERY_BEAT_MAX_LOOP_INTERVAL = 5

# The id of a request is in its logs. A line for each request would say little more than the log of the proxy.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = ""
DJANGO_STRUCTLOG_STATUS_DEFAULT_LOG_LEVEL = DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_5XX_LOG_LEVEL = DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG

# Troubles. How late the events of a domain may be, in hours.
TROUBLE_SYNC_HOURS = env.float("TROUBLE_SYNC_HOURS", default=3)
# How long an emergency may take, with its redials, and how long jobs may stand still, in minutes.
TROUBLE_EMERGENCY_MINUTES = env.float("TROUBLE_EMERGENCY_MINUTES", default=60)
TROUBLE_JOB_MINUTES = env.float("TROUBLE_JOB_MINUTES", default=10)
# Which part of a message's devices may fail, in percent, and from how many devices on.
TROUBLE_FAILURE_PERCENT = env.float("TROUBLE_FAILURE_PERCENT", default=25)
TROUBLE_FAILURE_LEAST = env.int("TROUBLE_FAILURE_LEAST", default=20)
