"""Voice and text through Voxology. Each call and each text is one request.

When no answer came, nobody can find out whether Voxology accepted the request.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone

from core.dates import read_timestamp
from dispatch.gateways import Answer, HandOff, Item, News, OpenAttempt, Result, TryLaterError, UnknownError
from dispatch.phone_text import phone_text
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.services.addresses import number_of
from messenger_logs.services.status_reports import StatusReport
from providers import voxology
from providers.http import Api, Content, NotSetUpError, Reply


def voice_gateway() -> VoiceGateway | None:
    """Return the voice gateway; None when the settings lack the key, the caller number or the webhook secret."""
    api = _api()
    if not (api and settings.VOXOLOGY_CALLER_ID and settings.VOXOLOGY_WEBHOOK_SECRET):
        return None
    return VoiceGateway(api)


def text_gateway() -> TextGateway | None:
    """Return the text gateway; None when the settings lack the key or the number that texts come from."""
    api = _api()
    return TextGateway(api) if api and settings.VOXOLOGY_TEXT_NUMBER else None


def _at_once() -> int:
    """Return the number of requests at the same time, from one process."""
    most: int = settings.DISPATCH_CONCURRENCY
    return max(1, most)


def _api() -> Api | None:
    try:
        return voxology.api()
    except NotSetUpError:
        return None


@dataclass(frozen=True)
class PhoneGateway(ABC):
    """Hands over one device per request."""

    api: Api
    batch = 1
    path: ClassVar[voxology.Path]
    """The API path that accepts an item."""

    @property
    def at_once(self) -> int:
        return _at_once()

    async def hand_off(self, hand_off: HandOff) -> Answer:
        """Make one request, and no other: what the provider did not take waits for its turn among all the others."""
        [item] = hand_off.items
        content = Content.json(self._content(hand_off, item))
        path, before, begun = voxology.path(self.path), hand_off.begin_request, hand_off.begun
        reply = await self.api.hand_over(path, content, before=before, begun=begun, attempts=1)
        report = self._report(item, reply)
        if report is None:
            raise UnknownError("Voxology's answer does not say what it accepted.")
        strain = f"Voxology answers with {reply.status}." if reply.status >= 500 else ""
        return Answer([Result(item.delivery_id, report)], reply.kept, strain)

    def look_up(self, hand_off: HandOff, *, until: float | None = None) -> Answer | None:
        """Answer without results: Voxology cannot be asked."""
        return Answer([])

    @abstractmethod
    def _content(self, hand_off: HandOff, item: Item) -> dict[str, Any]:
        """Return the JSON body of the request."""

    @abstractmethod
    def _report(self, item: Item, reply: Reply) -> StatusReport | None:
        """Return the report that the answer gives; None when it does not say whether Voxology accepted the item."""


class VoiceGateway(PhoneGateway):
    """Places calls, fetches their results, hangs up. Voxology asks web/views/webhooks.py what a call says."""

    path = "dial"

    def _content(self, hand_off: HandOff, item: Item) -> dict[str, Any]:
        return {
            "call": {"no": number_of(item.address), "caller_id_no": settings.VOXOLOGY_CALLER_ID},
            "session_data": {
                "message": str(hand_off.message.pk),
                "delivery": str(item.delivery_id),
                "attempt": str(item.attempt),
            },
        }

    def _report(self, item: Item, reply: Reply) -> StatusReport | None:
        if reply.ok:
            id = _id(reply, "call_id", "id")
            return _new_report(item, reply, status=DeliveryStatus.IN_PROGRESS, provider_id=id) if id else None
        return _new_report(item, reply, code=voxology.CALL_ERROR if reply.status < 500 else voxology.SUBSYSTEM_ERROR)

    def poll(self, attempts: Sequence[OpenAttempt], *, until: float | None = None) -> Mapping[OpenAttempt, News]:
        answers = self._ask_about("GET", "call_log", attempts, until, to_the_first_error=True)
        return {attempt: _news(attempt, answer) for attempt, answer in answers}

    def hang_up(self, attempts: Sequence[OpenAttempt], *, until: float | None = None) -> Sequence[OpenAttempt]:
        answers = self._ask_about("DELETE", "hang_up", attempts, until)
        return [attempt for attempt, answer in answers if isinstance(answer, Reply) and answer.status < 500]

    def _ask_about(
        self,
        method: str,
        path: voxology.Path,
        attempts: Sequence[OpenAttempt],
        until: float | None,
        *,
        to_the_first_error: bool = False,
    ) -> list[tuple[OpenAttempt, Reply | TryLaterError | UnknownError]]:
        """Ask about calls, DISPATCH_CONCURRENCY at a time. No request begins after ``until``.

        Voxology answers 404 for a call that it does not know yet, or no longer: a normal reply.
        """
        over = Event()

        def ask(attempt: OpenAttempt) -> Reply | TryLaterError | UnknownError | None:
            if over.is_set() or (until is not None and time.monotonic() >= until):
                return None
            try:
                return self.api.ask(method, voxology.path(path, attempt.provider_id), expected=[404])
            except (TryLaterError, UnknownError) as error:
                if to_the_first_error:
                    over.set()
                return error

        with ThreadPoolExecutor(_at_once()) as threads:
            try:
                answers = list(threads.map(ask, attempts))
            finally:
                over.set()
        return [(attempt, answer) for attempt, answer in zip(attempts, answers, strict=True) if answer is not None]


class TextGateway(PhoneGateway):
    """Sends texts. Voxology may report their results to web/views/webhooks.py."""

    path = "text"

    def _content(self, hand_off: HandOff, item: Item) -> dict[str, Any]:
        return {
            "api_no": settings.VOXOLOGY_TEXT_NUMBER,
            "caller_no": number_of(item.address),
            "text_message": phone_text(hand_off.message, Mode.TEXT, item.merge_fields),
        }

    def _report(self, item: Item, reply: Reply) -> StatusReport | None:
        answer = reply.object()
        if reply.ok:
            if reply.raw.strip() and not answer:
                return None  # a web page: another server than Voxology answers
            # Voxology accepted the text, even with a status that we do not know.
            code = voxology.code_of_text(answer.get("status"))
            code = voxology.TEXT_QUEUED if code is None else code
            return _new_report(item, reply, code=code, provider_id=_id(reply, "id", "message_id"))
        if reply.status < 500:
            # Without a code there is no redial: a refused text would be refused again.
            detail = f"Refused by the provider ({reply.status})"
            return _new_report(item, reply, status=DeliveryStatus.ERROR, detail=detail)
        return _new_report(item, reply, code=voxology.TEXT_FAILED)


def _news(attempt: OpenAttempt, answer: Reply | TryLaterError | UnknownError) -> News:
    """Return what an answer about a call says. A question may be repeated, so an error of any kind is no answer."""
    if not isinstance(answer, Reply):
        return TryLaterError(str(answer))
    if answer.status >= 500:
        return TryLaterError(f"Voxology answered with status {answer.status}.")
    return call_report(attempt, answer) if answer.ok else None


def call_report(attempt: OpenAttempt, reply: Reply) -> StatusReport | None:
    """Return the report of a call from its entry in Voxology's call log; None while the call is live.

    An end time in the future becomes now. A missing or unreadable one becomes now too.
    """
    log = reply.object()
    code = voxology.code_of_call(log.get("status"), log.get("detection"))
    if code is None:
        return None
    return StatusReport(
        delivery_id=attempt.delivery_id,
        attempt=attempt.attempt,
        code=code,
        at=_moment(log.get("end_time")) or timezone.now(),
        provider_id=attempt.provider_id,
        raw=reply.kept,
    )


def _new_report(item: Item, reply: Reply, **fields: Any) -> StatusReport:
    return StatusReport(delivery_id=item.delivery_id, attempt=item.attempt, at=timezone.now(), raw=reply.kept, **fields)


def _id(reply: Reply, *names: str) -> str:
    """Return the provider's id of the accepted item, which stands under one of these names; "" without one."""
    answer = reply.object()
    found = next((answer[name] for name in names if isinstance(answer.get(name), str | int)), "")
    return str(found)[:200]


def _moment(text: Any) -> datetime | None:
    moment = read_timestamp(text)
    return min(moment, timezone.now()) if moment else None
