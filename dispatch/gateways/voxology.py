"""Voice and text through Voxology, which is documented in part only: what we lean on is its paths and a few names.

A call or a text is one request, and whether one whose answer never came was taken can be asked nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.utils import timezone

from dispatch.gateways import Answer, HandOff, Item, OpenTry, Result, TryLaterError, UnknownError
from dispatch.gateways.http import Api, Reply
from dispatch.phone_text import phone_text
from messenger_logs.services.addresses import number_of
from messenger_logs.services.status_reports import StatusReport
from messenger_logs.statuses import DeliveryStatus, Mode

CALL_ERROR, SUBSYSTEM_ERROR, TEXT_FAILED = -14, -25, -30
TEXT_QUEUED, ENDED_BY_US, UNKNOWN = -39, -35, 9
# What a call log says, without what tells its spellings apart, and the code for it.
CALLS = {"no answer": 0, "busy": 1, "failed": 10, "canceled": ENDED_BY_US, "cancelled": ENDED_BY_US}
DETECTIONS = {"live": 5, "live person": 5, "machine": 6, "answering machine": 6, "fax": 7}
LIVE = {"queued", "ringing", "in progress", "live in progress"}
TEXTS = {
    "queued": TEXT_QUEUED,
    "sent": -27,
    "delivered": -28,
    "failed": TEXT_FAILED,
    "undelivered": -40,
    "opted out": -33,
    "opt out": -33,
}
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def voice_gateway() -> VoiceGateway | None:
    """None where calls could not be placed, or would have nothing to say."""
    api = _api()
    if not (api and settings.VOXOLOGY_CALLER_ID and settings.VOXOLOGY_WEBHOOK_SECRET):
        return None
    return VoiceGateway(api)


def text_gateway() -> TextGateway | None:
    api = _api()
    return TextGateway(api) if api and settings.VOXOLOGY_TEXT_NUMBER else None


def _api() -> Api | None:
    key = settings.VOXOLOGY_API_KEY
    return Api("Voxology", settings.VOXOLOGY_API_BASE, headers={"X-API-KEY": key}) if key else None


@dataclass(frozen=True)
class VoiceGateway:
    """Places calls, asks what became of them, hangs up. What a call says is fetched from us: see dispatch/views.py."""

    api: Api
    batch = 1

    def hand_off(self, hand_off: HandOff) -> Answer:
        [item] = hand_off.items
        reply = self.api.ask(
            "POST",
            settings.VOXOLOGY_PATHS["dial"],
            json={
                "call": {"no": number_of(item.address), "caller_id_no": settings.VOXOLOGY_CALLER_ID},
                "session_data": {
                    "message": str(hand_off.message.pk),
                    "delivery": str(item.delivery_id),
                    "attempt": str(item.attempt),
                },
            },
        )
        return _answer(item, reply, self._report(item, reply))

    def look_up(self, hand_off: HandOff) -> Answer | None:
        return Answer([])

    def poll(self, tries: Sequence[OpenTry]) -> Sequence[StatusReport]:
        reports: list[StatusReport] = []
        for one in tries:
            try:
                reply = self._about("GET", "call_log", one)
            except (TryLaterError, UnknownError) as error:
                if reports:
                    break  # the rest is asked for next time
                raise TryLaterError(str(error)) from error
            if reply.ok and (report := call_report(one, reply)):
                reports.append(report)
        return reports

    def hang_up(self, tries: Sequence[OpenTry]) -> None:
        failed: TryLaterError | UnknownError | None = None
        for one in tries:
            try:
                reply = self._about("DELETE", "hang_up", one)
                if reply.status >= 500:
                    failed = TryLaterError(f"Voxology could not hang up ({reply.status}).")
            except (TryLaterError, UnknownError) as error:
                failed = error
        if failed:
            raise TryLaterError(str(failed)) from failed

    def _about(self, method: str, path: str, one: OpenTry) -> Reply:
        """Ask about a call. One that is not known (any more, or yet) is a reply as well."""
        where = settings.VOXOLOGY_PATHS[path].format(id=quote(one.provider_id, safe="@"))
        return self.api.ask(method, where, expected=[404])

    def _report(self, item: Item, reply: Reply) -> StatusReport | None:
        if reply.ok:
            id = _id(reply, "call_id", "id")
            return _said(item, reply, status=DeliveryStatus.IN_PROGRESS, provider_id=id) if id else None
        return _said(item, reply, code=CALL_ERROR if reply.status < 500 else SUBSYSTEM_ERROR)


@dataclass(frozen=True)
class TextGateway:
    """Sends texts. What becomes of one is told to us, where it is told at all: see dispatch/views.py."""

    api: Api
    batch = 1

    def hand_off(self, hand_off: HandOff) -> Answer:
        [item] = hand_off.items
        reply = self.api.ask(
            "POST",
            settings.VOXOLOGY_PATHS["text"],
            json={
                "api_no": settings.VOXOLOGY_TEXT_NUMBER,
                "caller_no": number_of(item.address),
                "text_message": phone_text(hand_off.message, Mode.TEXT, item.merge_fields),
            },
        )
        return _answer(item, reply, self._report(item, reply))

    def look_up(self, hand_off: HandOff) -> Answer | None:
        return Answer([])

    def _report(self, item: Item, reply: Reply) -> StatusReport | None:
        if reply.ok:
            if reply.raw.strip() and not reply.object():
                return None  # a page, from some other server than we thought
            # Taken it has, whatever it calls that.
            code = TEXTS.get(words(reply.object().get("status")), TEXT_QUEUED)
            return _said(item, reply, code=code, provider_id=_id(reply, "id", "message_id"))
        if reply.status < 500:
            # No code, as it would be tried again: what is refused once is refused twice.
            detail = f"Refused by the provider ({reply.status})"
            return _said(item, reply, status=DeliveryStatus.ERROR, detail=detail)
        return _said(item, reply, code=TEXT_FAILED)


def call_report(one: OpenTry, reply: Reply) -> StatusReport | None:
    """What the log of a call says became of it; None while it goes on."""
    log = reply.object()
    status, detection = words(log.get("status")), words(log.get("detection"))
    if status in LIVE or not status:
        return None
    code = DETECTIONS.get(detection, UNKNOWN) if status == "completed" else CALLS.get(status, UNKNOWN)
    return StatusReport(
        delivery_id=one.delivery_id,
        attempt=one.attempt,
        code=code,
        at=_moment(log.get("end_time")) or timezone.now(),
        provider_id=one.provider_id,
        raw=reply.kept,
    )


def words(value: Any) -> str:
    """A status as we compare it: "live_person" and "Live-Person" are one."""
    return _BETWEEN_WORDS.sub(" ", value).strip().lower() if isinstance(value, str) else ""


def _answer(item: Item, reply: Reply, report: StatusReport | None) -> Answer:
    if report is None:
        raise UnknownError("Voxology's answer does not say what it took.")
    return Answer([Result(item.delivery_id, report)], reply.kept)


def _said(item: Item, reply: Reply, **what: Any) -> StatusReport:
    return StatusReport(delivery_id=item.delivery_id, attempt=item.attempt, at=timezone.now(), raw=reply.kept, **what)


def _id(reply: Reply, *names: str) -> str:
    """The provider's id of what it took, under one of these names."""
    answer = reply.object()
    found = next((answer[name] for name in names if isinstance(answer.get(name), str | int)), "")
    return str(found)[:200]


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    now = timezone.now()
    return min(moment, now) if moment.tzinfo and moment.year >= 2000 else None
