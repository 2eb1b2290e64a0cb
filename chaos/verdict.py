"""Compares what the provider took with what the ledger says. Each rule yields sentences about what breaks it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db import transaction

from chaos.provider import Taken, requests_of, shown_events, taken, twice
from chaos.site import Site
from chaos.traffic import Traffic, marks_in
from core.files import files
from dispatch.models import InboxMessage
from dispatch.services.recovery import UNKNOWN_DETAIL
from mailgun_sync.models import MailgunEvent, QuarantinedEvent
from messenger_logs.cancel_figures import cancel_figures, told_figures
from messenger_logs.choices import CANCELED, DeliveryStatus, Outcome
from messenger_logs.models import Delivery, DeviceAttempt, SentMessage
from messenger_logs.services.totals import lock_totals, recount
from messenger_logs.totals import totals_of
from reports.models import ReportJob

# A request that began before the cancel may need so long to arrive on a busy machine.
ON_ITS_WAY = 0.5

# The provider's words for an event, and which of two about one mail decides.
_RANKS = {
    "accepted": 1,
    "failed-temporary": 2,
    "delivered": 3,
    "rejected": 4,
    "suppressed": 4,
    "failed-permanent": 4,
    "complained": 5,
}


@dataclass(frozen=True)
class Verdict:
    site: Site
    traffic: Traffic

    def violations(self) -> list[str]:
        rules = (
            self._nothing_lost,
            self._nothing_doubled,
            self._nothing_repeated_in_doubt,
            self._cancels_add_up,
            self._nothing_began_after_a_cancel,
            self._events_are_stored,
            self._outcomes_follow_the_events,
            self._totals_are_those_of_the_rows,
            self._inbox_agrees,
            self._reports_are_made,
        )
        return [sentence for rule in rules for sentence in rule()]

    def summary(self) -> str:
        """What happened, in figures, so that a round in which nothing went out does not look like a good one."""
        modes = Counter(one.mode for one in self._taken)
        doubt = sum(self._is_in_doubt(one) for one in self._deliveries.values())
        canceled = sum(message.status in CANCELED for message in self._messages)
        parts = [f"{len(self._messages)} messages ({canceled} canceled)", f"{len(self._deliveries)} devices"]
        parts += [f"{number} × {mode}" for mode, number in sorted(modes.items())]  # noqa: RUF001
        parts += [f"{InboxMessage.objects.count()} × inbox", f"{doubt} in doubt"]  # noqa: RUF001
        return ", ".join([*parts, f"{MailgunEvent.objects.count()} events", f"{ReportJob.objects.count()} reports"])

    # What both sides have

    @cached_property
    def _messages(self) -> list[SentMessage]:
        return list(SentMessage.objects.order_by("pk"))

    @cached_property
    def _deliveries(self) -> dict[int, Delivery]:
        """What can be handed over: a device, and no second row of it."""
        rows = Delivery.objects.filter(duplicate=False).exclude(status=DeliveryStatus.NO_DEVICE)
        return {row.pk: row for row in rows.select_related("message")}

    @cached_property
    def _taken(self) -> list[Taken]:
        return list(taken(self.site.journal))

    @cached_property
    def _times_taken(self) -> Counter[int]:
        """How often the provider took each delivery."""
        texts = {(d.message.external_id, d.address): pk for pk, d in self._deliveries.items() if d.mode == "text"}
        return Counter(
            one.delivery if one.delivery is not None else texts.get((one.external_id, one.to), 0) for one in self._taken
        )

    @cached_property
    def _events(self) -> list[dict[str, Any]]:
        return shown_events(self.site.provider_url, self.site.services.environment["MAILGUN_API_KEY"])

    def _is_in_doubt(self, delivery: Delivery) -> bool:
        return delivery.detail == UNKNOWN_DETAIL

    # The rules

    def _nothing_lost(self) -> Iterator[str]:
        planned = {f"chaos-{self.site.seed}-{sending.number}" for sending in self.traffic.plan.sendings}
        for missing in sorted(planned - {message.external_id for message in self._messages}):
            yield f"lost: message {missing} is not in the ledger"
        for pk, delivery in self._deliveries.items():
            times, what = self._times_taken[pk], _named(delivery)
            if delivery.outcome == Outcome.PENDING and delivery.status != DeliveryStatus.VENDOR_RECEIVED:
                yield f"stuck: {what} has no end"
            if times and not delivery.attempt_count:
                yield f"lost: the provider has {what}, and the ledger knows no attempt"
            if not times and delivery.outcome == Outcome.SUCCESS and delivery.mode != "inbox":
                yield f"lost: {what}, and the provider never had it"

    def _nothing_doubled(self) -> Iterator[str]:
        for pk, times in self._times_taken.items():
            delivery = self._deliveries.get(pk)
            if delivery is None:
                yield f"doubled: delivery {pk} is a second row of a device, and went out"
            elif times > (1 if delivery.mode == "email" else delivery.attempt_count):
                yield f"doubled: the provider took {_named(delivery)} {times} times"
        calls = ((one.delivery, one.attempt) for one in self._taken if one.mode == "voice")
        for (delivery_id, attempt), times in twice(calls).items():
            yield f"doubled: attempt {attempt} of delivery {delivery_id} was called {times} times"

    def _nothing_repeated_in_doubt(self) -> Iterator[str]:
        for attempt in DeviceAttempt.objects.filter(detail=UNKNOWN_DETAIL, status=DeliveryStatus.VENDOR_RECEIVED):
            later = DeviceAttempt.objects.filter(delivery=attempt.delivery_id, number__gt=attempt.number, made=True)
            if later.exists():
                yield f"repeated: delivery {attempt.delivery_id} was in doubt, and was tried again"

    def _cancels_add_up(self) -> Iterator[str]:
        for message in (message for message in self._messages if message.status in CANCELED):
            figures = cancel_figures(message.pk)
            devices = [one for one in self._deliveries.values() if one.message_id == message.pk]
            if figures.devices != len(devices) or figures.waiting or figures.under_way:
                yield f"cancel: {message.external_id} has {len(devices)} devices, and its figures say {figures}"
            if figures.by_name != told_figures(message.pk):
                told = told_figures(message.pk)
                yield f"cancel: {message.external_id} says {figures}, and its audit trail {told}"
            gone = sum(bool(self._times_taken[one.pk]) for one in devices)
            if gone > figures.left + figures.hung_up:
                yield f"cancel: {gone} devices of {message.external_id} went out, and its figures say {figures}"

    def _nothing_began_after_a_cancel(self) -> Iterator[str]:
        committed = {str(m.pk): str(m.external_id) for m in self._messages if m.status in CANCELED}
        for at, body in requests_of(self.site.journal):
            marks = marks_in(body) | {name for pk, name in committed.items() if f'"message": "{pk}"' in body}
            for mark in marks & self.traffic.canceled.keys() & set(committed.values()):
                canceled = self.traffic.canceled[mark]
                if at > canceled + ON_ITS_WAY and not self.site.was_away("stand-in", canceled - ON_ITS_WAY, at):
                    yield f"canceled: a request of {mark} came {at - canceled:.2f} s after its cancel was committed"

    def _events_are_stored(self) -> Iterator[str]:
        stored = set(MailgunEvent.objects.values_list("event_id", flat=True))
        shown = {event["id"] for event in self._events}
        if missing := shown - stored:
            yield f"lost: {len(missing)} of {len(shown)} events are not stored"
        # What a webhook tells may be stored some seconds before the API shows it.
        if len(extra := stored - shown) and time.time() > self._last_event_at + 60:
            yield f"doubled: {len(extra)} events are stored that the provider does not have"
        if quarantined := QuarantinedEvent.objects.count():
            yield f"lost: {quarantined} events are in quarantine"

    @property
    def _last_event_at(self) -> float:
        newest = MailgunEvent.objects.order_by("-occurred_at").values_list("occurred_at", flat=True).first()
        return (newest or datetime.now(UTC)).timestamp()

    def _outcomes_follow_the_events(self) -> Iterator[str]:
        """Of each mail, the event of the highest rank decides; some may come while this reads."""
        best: dict[int, str] = defaultdict(str)
        for event in self._events:
            kind, variables = _kind_of(event), event.get("user-variables") or {}
            if kind in _RANKS and "delivery" in variables:
                pk = int(variables["delivery"])
                best[pk] = max(best[pk], kind, key=lambda one: _RANKS.get(one, 0))
        fresh = dict(Delivery.objects.filter(pk__in=best).values_list("pk", "email_outcome"))
        for pk, kind in best.items():
            if _RANKS.get(fresh.get(pk, ""), 0) < _RANKS[kind]:
                yield f"lost: delivery {pk} has the outcome “{fresh.get(pk)}”, and the provider said “{kind}”"

    def _totals_are_those_of_the_rows(self) -> Iterator[str]:
        for message in self._messages:
            with transaction.atomic():
                lock_totals(message_id=message.pk)  # a late receipt waits
                kept = totals_of(message)
                recount(message_id=message.pk)
                counted = totals_of(message)
                transaction.set_rollback(True)
            for mode, figures in counted.modes.items():
                if kept.modes.get(mode) != figures:
                    yield f"totals: {message.external_id} {mode}: kept {kept.modes.get(mode)}, counted {figures}"

    def _inbox_agrees(self) -> Iterator[str]:
        there = dict(InboxMessage.objects.values_list("delivery_id", "delivered_at"))
        for pk, delivery in self._deliveries.items():
            if delivery.mode != "inbox":
                continue
            if (delivery.outcome == Outcome.SUCCESS) != (pk in there):
                yield f"inbox: {_named(delivery)}, and the inbox {'has' if pk in there else 'does not have'} it"
            canceled = self.traffic.canceled.get(delivery.message.external_id or "")
            if canceled and delivery.message.status in CANCELED and pk in there and there[pk].timestamp() > canceled:
                yield f"canceled: {_named(delivery)} came into the inbox after the cancel"

    def _reports_are_made(self) -> Iterator[str]:
        for job in ReportJob.objects.exclude(status=ReportJob.Status.DONE):
            yield f"report: “{job.title}” is {job.status}: {job.error}"
        for job in ReportJob.objects.filter(status=ReportJob.Status.DONE):
            if not files().exists(job.stored_name):
                yield f"report: the file of “{job.title}” is not there"


def _named(delivery: Delivery) -> str:
    """A delivery in words, with nothing personal."""
    status = f"{delivery.status} {delivery.detail}".strip()
    return f"{delivery.mode} {delivery.pk} of {delivery.message.external_id} ({status})"


def _kind_of(event: dict[str, Any]) -> str:
    if event["event"] != "failed":
        return str(event["event"])
    if str(event.get("reason", "")).startswith("suppress"):
        return "suppressed"
    return "failed-temporary" if event.get("severity") == "temporary" else "failed-permanent"
