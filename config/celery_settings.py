"""The queue, who serves what of it, how long a task may take, and what beat starts when."""

from kombu import Queue

from config.alert_settings import ALERT_LOOK_SECONDS
from config.district_settings import TIME_ZONE
from config.environment import Env
from config.mailgun_settings import MAILGUN_RETENTION_DAYS, MAILGUN_SYNC_TIMES
from config.schedules import daily, hourly, sundays

env = Env()

# Valkey has the queue. It is the cache, too.
REDIS_URL = env.str("REDIS_URL")
# How often (in seconds) the dispatcher looks for due deliveries.
DISPATCH_SECONDS = env.int("DISPATCH_SECONDS", default=5)

# Celery has names of its own for a Unix socket and for the number of the database.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
# Seconds, for each task without limits of its own. Every task ends without help: these are for one that hangs. They are
# longer than a report or a statement may take, and shorter than the hour after which Valkey gives a task out again.
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = 3000, 3300
# Beat counts in UTC, which has no clock change. config/schedules.py turns the district's hours into those of UTC.
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker, however long that is away
# Everybody but a worker (config/celery.py) tries once to queue a task, and not for long.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 0.5,
    "socket_timeout": 0.5,
    "socket_keepalive": True,
    "max_retries": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
# A worker without the option -Q serves all queues. In production each queue has a worker of its own, so that none of
# them waits for another: messages and cancels; results of calls, whose provider may be slow; what is read from Mailgun;
# reports, requests for records and imports, which take long; all the rest.
CELERY_TASK_QUEUES = [Queue(name) for name in ("dispatch", "calls", "sync", "reports", "celery")]
CELERY_TASK_ROUTES = {
    "dispatch.tasks.poll_calls": "calls",
    "dispatch.tasks.hang_up_calls": "calls",
    "dispatch.tasks.*": "dispatch",
    "mailgun_sync.tasks.*": "sync",
    "reports.tasks.make": "reports",
    "records.tasks.make": "reports",
    "imports.tasks.run": "reports",
    # It is short, and must not wait for reports.
    "accounts.tasks.chain_audit_events": "dispatch",
    "alerts.tasks.look": "dispatch",
    # Contacts may wait: a message must not wait for them.
    "messenger_logs.tasks.derive_contacts": "celery",
    "messenger_logs.tasks.review_contacts": "celery",
    "messenger_logs.tasks.*": "dispatch",
}
# A busy worker reserves no tasks, so that a free worker takes them.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BEAT_SCHEDULER = "config.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "mailgun-sync": {
        "task": "mailgun_sync.tasks.sync_all",
        "schedule": MAILGUN_SYNC_TIMES,
        "options": {"expires": 3000},
    },
    "mailgun-sweep-3-days": {
        "task": "mailgun_sync.tasks.sync_all",
        "schedule": daily(2, 20, zone=TIME_ZONE),
        "kwargs": {"sweep_hours": 72},
    },
    "mailgun-sweep-retention": {
        "task": "mailgun_sync.tasks.sync_all",
        "schedule": sundays(3, 20, zone=TIME_ZONE),
        "kwargs": {"sweep_hours": 24 * MAILGUN_RETENTION_DAYS},
    },
    "mailgun-suppressions": {
        "task": "mailgun_sync.tasks.read_all_suppressions",
        "schedule": daily(1, 50, zone=TIME_ZONE),
    },
    "dispatch-tick": {
        "task": "dispatch.tasks.tick",
        "schedule": DISPATCH_SECONDS,
        "options": {"expires": DISPATCH_SECONDS},
    },
    "dispatch-poll-calls": {"task": "dispatch.tasks.poll_calls", "schedule": 10, "options": {"expires": 10}},
    "dispatch-hang-up-calls": {"task": "dispatch.tasks.hang_up_calls", "schedule": 10, "options": {"expires": 10}},
    "dispatch-recover-claims": {"task": "dispatch.tasks.recover_claims", "schedule": 60, "options": {"expires": 50}},
    "messages-finish-cancels": {
        "task": "messenger_logs.tasks.finish_cancels",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "messages-derive-contacts": {
        "task": "messenger_logs.tasks.derive_contacts",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "messages-review-contacts": {
        "task": "messenger_logs.tasks.review_contacts",
        "schedule": daily(3, 50, zone=TIME_ZONE),
    },
    "accounts-chain-audit-events": {
        "task": "accounts.tasks.chain_audit_events",
        "schedule": 10,
        "options": {"expires": 10},
    },
    "accounts-verify-audit-trail": {
        "task": "accounts.tasks.verify_audit_trail",
        "schedule": daily(5, 30, zone=TIME_ZONE),
    },
    # Sessions and tokens end within an hour after the provider closed the account: 55 minutes, and this.
    "accounts-check-tokens-with-providers": {
        "task": "accounts.tasks.check_tokens_with_providers",
        "schedule": 240,
        "options": {"expires": 240},
    },
    "accounts-delete-expired-sessions": {
        "task": "accounts.tasks.delete_expired_sessions",
        "schedule": daily(4, 50, zone=TIME_ZONE),
    },
    "reports-requeue-orphaned": {
        "task": "reports.tasks.requeue_orphaned",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "reports-delete-expired": {"task": "reports.tasks.delete_expired", "schedule": hourly([40], zone=TIME_ZONE)},
    "mailgun-check-domains": {
        "task": "mailgun_sync.tasks.check_domains",
        "schedule": daily(5, 10, zone=TIME_ZONE),
    },
    "records-requeue-orphaned": {"task": "records.tasks.requeue_orphaned", "schedule": 60, "options": {"expires": 50}},
    "records-delete-expired": {"task": "records.tasks.delete_expired", "schedule": hourly([50], zone=TIME_ZONE)},
    "imports-requeue-orphaned": {"task": "imports.tasks.requeue_orphaned", "schedule": 60, "options": {"expires": 50}},
    "imports-delete-expired": {"task": "imports.tasks.delete_expired", "schedule": hourly([45], zone=TIME_ZONE)},
    "roster-nightly": {"task": "roster.tasks.nightly", "schedule": daily(1, 20, zone=TIME_ZONE)},
    "roster-run-queued": {"task": "roster.tasks.run_queued", "schedule": 60, "options": {"expires": 50}},
    "roster-delete-expired": {"task": "roster.tasks.delete_expired", "schedule": daily(4, 30, zone=TIME_ZONE)},
    "health-put-figures-together": {
        "task": "health.tasks.put_figures_together",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "mailgun-make-months": {"task": "mailgun_sync.tasks.make_months", "schedule": daily(4, 10, zone=TIME_ZONE)},
    "alerts-look": {
        "task": "alerts.tasks.look",
        "schedule": ALERT_LOOK_SECONDS,
        "options": {"expires": ALERT_LOOK_SECONDS},
    },
    "alerts-delete-expired": {"task": "alerts.tasks.delete_expired", "schedule": daily(4, 40, zone=TIME_ZONE)},
    "saved-views-run-schedules": {
        "task": "saved_views.tasks.run_schedules",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "digests-send": {"task": "digests.tasks.send_digests", "schedule": 60, "options": {"expires": 50}},
    "retention": {"task": "retention.tasks.retain", "schedule": daily(0, 40, zone=TIME_ZONE)},
}
