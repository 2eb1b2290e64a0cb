"""The facts of Voxology, formerly Shoutpoint: addresses, and the codes for the words of its answers.

Its documentation covers only the paths and a few names. Its limits are unknown, and it does not sign its requests to
us. So base and paths are settings, and a secret in our own addresses replaces a signature.
"""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import quote

from django.conf import settings

from providers.http import Api, NotSetUpError

NAME = "Voxology"
BASE = "https://api.voxolo.gy/v1"
Path = Literal["dial", "call_log", "hang_up", "text"]
PATHS: dict[Path, str] = {
    "dial": "/Dials/Connect",
    "call_log": "/History/Logs/Calls/{id}",
    "hang_up": "/LiveCalls/{id}",
    "text": "/Messages",
}

# The provider's codes. messenger_logs/codes.csv has their meaning.
NO_ANSWER, BUSY, LIVE_PERSON, ANSWERING_MACHINE, FAX, UNKNOWN, CALL_FAILED = 0, 1, 5, 6, 7, 9, 10
CALL_ERROR, SUBSYSTEM_ERROR, ENDED_BY_US = -14, -25, -35
TEXT_SENT, TEXT_DELIVERED, TEXT_FAILED, OPTED_OUT, TEXT_QUEUED, TEXT_UNDELIVERED = -27, -28, -30, -33, -39, -40
# The code for a status in the call log, in the spelling of `normalized`. DETECTIONS has the codes of completed calls.
CALLS = {
    "no answer": NO_ANSWER,
    "busy": BUSY,
    "failed": CALL_FAILED,
    "canceled": ENDED_BY_US,
    "cancelled": ENDED_BY_US,
}
COMPLETED = "completed"
DETECTIONS = {
    "live": LIVE_PERSON,
    "live person": LIVE_PERSON,
    "machine": ANSWERING_MACHINE,
    "answering machine": ANSWERING_MACHINE,
    "fax": FAX,
}
LIVE = {"queued", "ringing", "in progress", "live in progress"}
TEXTS = {
    "queued": TEXT_QUEUED,
    "sent": TEXT_SENT,
    "delivered": TEXT_DELIVERED,
    "failed": TEXT_FAILED,
    "undelivered": TEXT_UNDELIVERED,
    "opted out": OPTED_OUT,
    "opt out": OPTED_OUT,
}
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def api() -> Api:
    """Return Voxology's API; the settings give base and key. Raises NotSetUpError."""
    if not settings.VOXOLOGY_API_KEY:
        raise NotSetUpError("There is no VOXOLOGY_API_KEY in the settings of this installation.")
    return Api(NAME, settings.VOXOLOGY_API_BASE or BASE, headers={"X-API-KEY": settings.VOXOLOGY_API_KEY})


def path(name: Path, id: str = "") -> str:
    """Return a path of the API, below the base. ``id`` is the provider's id of the call that the request is about."""
    return (settings.VOXOLOGY_PATHS[name] or PATHS[name]).format(id=quote(id, safe="@"))


def code_of_call(status: Any, detection: Any) -> int | None:
    """Return the code for an entry of the call log; None while the call is live. Unknown words give UNKNOWN."""
    status = normalized(status)
    if status in LIVE or not status:
        return None
    return DETECTIONS.get(normalized(detection), UNKNOWN) if status == COMPLETED else CALLS.get(status, UNKNOWN)


def code_of_text(status: Any) -> int | None:
    """Return the code for the status of a text; None for an unknown status."""
    return TEXTS.get(normalized(status))


def normalized(value: Any) -> str:
    """Spell a status as we compare it: "live_person" and "Live-Person" are the same."""
    return _BETWEEN_WORDS.sub(" ", value).strip().lower() if isinstance(value, str) else ""
