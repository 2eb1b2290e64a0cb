"""Voice and text through Voxology. A call or a text is one request.

Whether one whose answer never came was taken can be asked nowhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone

from dispatch.gateways import Answer, HandOff, Item, OpenAttempt, Result, TryLaterError, UnknownError
from dispatch.phone_text import phone_text
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.services.addresses import number_of
from messenger_logs.services.status_reports import StatusReport
from providers import voxology
from providers.http import Api, NotSetUpError, Reply


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
    try:
        return voxology.api()
    except NotSetUpError:
        return None


@dataclass(frozen=True)
class PhoneGateway(ABC):
    """Hands over one device at a time."""

    api: Api
    batch = 1
    path: ClassVar[voxology.Path]
    """The call of the API that takes an item."""

    def hand_off(self, hand_off: HandOff) -> Answer:
        [item] = hand_off.items
        reply = self.api.ask("POST", voxology.path(self.path), json=self._content(hand_off, item))
        report = self._report(item, reply)
        if report is None:
            raise UnknownError("Voxology's answer does not say what it took.")
        return Answer([Result(item.delivery_id, report)], reply.kept)

    def look_up(self, hand_off: HandOff) -> Answer | None:
        return Answer([])

    @abstractmethod
    def _content(self, hand_off: HandOff, item: Item) -> dict[str, Any]:
        """What it is asked, as JSON."""

    @abstractmethod
    def _report(self, item: Item, reply: Reply) -> StatusReport | None:
        """What its answer says of the item; None where it does not say whether it took it."""


class VoiceGateway(PhoneGateway):
    """Places calls, fetches their results, hangs up. What a call says is fetched from us: web/views/webhooks.py."""

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
            return _said(item, reply, status=DeliveryStatus.IN_PROGRESS, provider_id=id) if id else None
        return _said(item, reply, code=voxology.CALL_ERROR if reply.status < 500 else voxology.SUBSYSTEM_ERROR)

    def poll(self, tries: Sequence[OpenAttempt]) -> Sequence[StatusReport]:
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

    def hang_up(self, tries: Sequence[OpenAttempt]) -> None:
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

    def _about(self, method: str, path: voxology.Path, one: OpenAttempt) -> Reply:
        """Ask about a call. One that is not known (any more, or yet) is a reply as well."""
        return self.api.ask(method, voxology.path(path, one.provider_id), expected=[404])


class TextGateway(PhoneGateway):
    """Sends texts. Their results come to web/views/webhooks.py, where they come at all."""

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
                return None  # a page, from some other server than we thought
            # It took the text, whatever it calls that.
            code = voxology.code_of_text(answer.get("status"))
            code = voxology.TEXT_QUEUED if code is None else code
            return _said(item, reply, code=code, provider_id=_id(reply, "id", "message_id"))
        if reply.status < 500:
            # No code, as it would be tried again: what is refused once is refused twice.
            detail = f"Refused by the provider ({reply.status})"
            return _said(item, reply, status=DeliveryStatus.ERROR, detail=detail)
        return _said(item, reply, code=voxology.TEXT_FAILED)


def call_report(one: OpenAttempt, reply: Reply) -> StatusReport | None:
    """What the log of a call says of its end; None while it goes on."""
    log = reply.object()
    code = voxology.code_of_call(log.get("status"), log.get("detection"))
    if code is None:
        return None
    return StatusReport(
        delivery_id=one.delivery_id,
        attempt=one.attempt,
        code=code,
        at=_moment(log.get("end_time")) or timezone.now(),
        provider_id=one.provider_id,
        raw=reply.kept,
    )


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
