"""The settings of workers that are processes of their own: the stub provider carries every mode but the inbox."""

from config.settings import *  # noqa: F403
from config.settings import CELERY_BEAT_SCHEDULE

GATEWAYS = {mode: f"tests.dispatch.stub.{mode}_gateway" for mode in ("email", "voice", "text")} | {
    "inbox": "dispatch.gateways.inbox.gateway"
}
CELERY_BEAT_SCHEDULE["dispatch-recover-claims"] |= {"schedule": 2}
