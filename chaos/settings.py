"""The settings of a site that has faults: what comes every minute comes every few seconds, so that a round is short."""

from config.settings import *  # noqa: F403
from config.settings import CELERY_BEAT_SCHEDULE

SOON = 3
for _name in (
    "dispatch-recover-claims",
    "dispatch-poll-calls",
    "dispatch-hang-up-calls",
    "messages-finish-cancels",
    "reports-requeue-orphaned",
):
    CELERY_BEAT_SCHEDULE[_name] |= {"schedule": SOON, "options": {"expires": SOON}}
