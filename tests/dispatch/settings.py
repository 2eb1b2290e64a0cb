"""The settings of workers in separate processes: the stub provider carries every mode but the inbox."""

import os
from datetime import time

from config.settings import *  # noqa: F403
from config.settings import CELERY_BEAT_SCHEDULE, VOXOLOGY_API_BASE

GATEWAYS = {mode: f"tests.dispatch.stub.{mode}_gateway" for mode in ("email", "voice", "text")} | {
    "inbox": "dispatch.gateways.inbox.gateway"
}
# A test may give the worker a stand-in for the provider of calls and texts.
if VOXOLOGY_API_BASE:
    GATEWAYS |= {mode: f"dispatch.gateways.voxology.{mode}_gateway" for mode in ("voice", "text")}
# The tests run at any hour.
VOICE_HOURS = (time(0, 0), time(23, 59, 59, 999999))
CELERY_BEAT_SCHEDULE["dispatch-recover-claims"] |= {"schedule": 2}
# A test may put the clock of these processes.
if os.environ.get("CLOCK_STEPS"):
    from tests.dispatch import stepping  # noqa: F401
