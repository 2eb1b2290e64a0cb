"""What happened to a message that did not simply go out, and what to do: the words of the message page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.utils.translation import gettext, ngettext

from accounts.scopes import ALL_SCHOOLS, Scope
from core.dates import time_text
from core.statuses import Status
from messenger_logs.choices import DeliveryStatus, MessageStatus, Mode, Outcome
from messenger_logs.delivery_summary import DeliverySummary
from messenger_logs.models import Delivery
from messenger_logs.status_labels import DELIVERY_STATUSES, detail_text

# Reasons are read from so many failed devices of a mode, and so many are named.
SAMPLE = 500
NAMED = 3


@dataclass(frozen=True)
class Fact:
    """A sentence. `url` opens what it is about, with `link` as the words to click."""

    text: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True)
class Addresses:
    """Where the page leads, and the schools whose people it may show.

    `health` is "" for people who may not see System Health.
    """

    recipients: str
    call_sheet: str
    criteria: str
    health: str = ""
    scope: Scope = ALL_SCHOOLS

    def rows(self, **filters: str) -> str:
        return f"{self.recipients}?{urlencode(filters)}"


@dataclass(frozen=True)
class WhatHappened:
    status: Status
    happened: list[Fact]
    to_do: list[Fact] = field(default_factory=list)


Facts = Iterator[Fact]


def what_happened(summary: DeliverySummary, urls: Addresses) -> WhatHappened | None:
    """Return the facts about a message that waits, failed, was canceled or had nobody to go to; None for others."""
    told = _TOLD.get(MessageStatus(summary.message.status))
    if told is None:
        return None
    happened, to_do = told
    return WhatHappened(summary.status, list(happened(summary, urls)), list(to_do(summary, urls)))


# Waiting


def _begins(summary: DeliverySummary, urls: Addresses) -> Facts:
    message = summary.message
    yield Fact(gettext("Nothing has gone out yet."))
    starts = dict.fromkeys((Mode.INBOX, Mode.EMAIL), message.email_start_at)
    starts |= dict.fromkeys((Mode.VOICE, Mode.TEXT), message.voice_start_at)
    for mode in (mode for mode in Mode if mode in message.modes):
        begin = time_text(starts[mode] or message.scheduled_at)
        totals = summary.totals.modes.get(mode)
        number = totals.eligible if totals else 0
        devices = ngettext("%(count)s device", "%(count)s devices", number) % {"count": f"{number:,}"}
        begins = gettext("%(mode)s begins on %(time)s.") % {"mode": mode.label, "time": begin}
        yield Fact(begins, urls.rows(figure="eligible", mode=mode.value), devices)


def _nothing(summary: DeliverySummary, urls: Addresses) -> Facts:
    return iter(())


# Error


def _failed(summary: DeliverySummary, urls: Addresses) -> Facts:
    failed = {mode: totals for mode, totals in summary.totals.modes.items() if totals.handoff_failed}
    if not failed:
        yield Fact(gettext("The system that sends it reported an error for the whole message."))
    for mode, totals in failed.items():
        number = totals.error - totals.undelivered
        rows = urls.rows(figure="counted", mode=mode.value, outcome=Outcome.ERROR.value)
        words = gettext("%(mode)s: nothing could be handed over. %(reasons)s")
        known = {"mode": mode.label, "reasons": _reasons(summary, mode, urls.scope)}
        yield Fact(
            words % known, rows, ngettext("%(count)s failed", "%(count)s failed", number) % {"count": f"{number:,}"}
        )


def _reasons(summary: DeliverySummary, mode: Mode, scope: Scope) -> str:
    """The most frequent reasons among some failed devices of these schools, as a sentence.

    A reason is text of a provider, which may name an address.
    """
    shown = Delivery.objects.in_scope(scope)
    failed = shown.filter(message=summary.message, mode=mode, outcome=Outcome.ERROR, duplicate=False)
    rows = failed.values_list("status", "detail", "code")[:SAMPLE]
    reasons = Counter(
        detail_text(mode, detail, code) or str(DELIVERY_STATUSES[DeliveryStatus(status)].word)
        for status, detail, code in rows
    )
    named = "; ".join(reason for reason, _ in reasons.most_common(NAMED))
    return gettext("The reason: %(reasons)s.") % {"reasons": named} if named else ""


def _after_an_error(summary: DeliverySummary, urls: Addresses) -> Facts:
    if urls.health:
        yield Fact(gettext("See whether the provider works now."), urls.health, gettext("System Health"))
    yield Fact(gettext("Then make the message again, in the system that made it, for the people who did not get it."))
    if summary.people and summary.people.unreached:
        yield Fact(gettext("If it is urgent, call them now."), f"{urls.call_sheet}?format=pdf", gettext("Call sheet"))


# Canceled


def _stopped(summary: DeliverySummary, urls: Addresses) -> Facts:
    who = summary.message.canceled_by_name
    if who:
        yield Fact(gettext("%(who)s canceled it before it began. Nobody got it.") % {"who": who})
    else:
        yield Fact(gettext("The system that sends it canceled it before it began. Nobody got it."))


def _stopped_on_the_way(summary: DeliverySummary, urls: Addresses) -> Facts:
    who = summary.message.canceled_by_name
    reached = summary.people.reached if summary.people else 0
    if who:
        words = ngettext(
            "%(who)s canceled it while it went out. It had reached %(count)s person by then.",
            "%(who)s canceled it while it went out. It had reached %(count)s people by then.",
            reached,
        )
    else:
        words = ngettext(
            "The system that sends it canceled it while it went out. It had reached %(count)s person by then.",
            "The system that sends it canceled it while it went out. It had reached %(count)s people by then.",
            reached,
        )
    said = words % {"who": who, "count": f"{reached:,}"}
    yield Fact(said, urls.rows(reach="reached"), gettext("Who got it"))


def _after_a_cancel(summary: DeliverySummary, urls: Addresses) -> Facts:
    yield Fact(gettext("A canceled message cannot be started again. If it should go out after all, make it again."))


def _after_half_a_cancel(summary: DeliverySummary, urls: Addresses) -> Facts:
    if summary.people and summary.people.reached:
        yield Fact(gettext("If it was wrong, send a correction to the people who got it."))
    yield from _after_a_cancel(summary, urls)


# No recipients


def _nobody(summary: DeliverySummary, urls: Addresses) -> Facts:
    recipients = summary.totals.recipients
    if not recipients:
        yield Fact(gettext("Nobody got it: the message has no recipients."))
        return
    if modes := summary.message.display_modes:
        words = gettext("Nobody got it: none of its recipients has a device for %(modes)s.") % {"modes": modes}
    else:
        words = gettext("Nobody got it: none of its recipients has a device for it.")
    told = ngettext("%(count)s recipient", "%(count)s recipients", recipients) % {"count": f"{recipients:,}"}
    yield Fact(words, urls.rows(figure="recipients"), told)


def _for_nobody(summary: DeliverySummary, urls: Addresses) -> Facts:
    if summary.totals.recipients:
        yield Fact(
            gettext("Add addresses and numbers to the contact data, or make it again for another delivery mode.")
        )
    else:
        yield Fact(
            gettext("See how the recipients were chosen, and make it again."),
            urls.criteria,
            gettext("How they were chosen"),
        )


_Tell = Callable[[DeliverySummary, Addresses], Facts]
_TOLD: dict[MessageStatus, tuple[_Tell, _Tell]] = {
    MessageStatus.WAITING: (_begins, _nothing),
    MessageStatus.ERROR: (_failed, _after_an_error),
    MessageStatus.CANCELED: (_stopped, _after_a_cancel),
    MessageStatus.CANCELED_IN_PROGRESS: (_stopped_on_the_way, _after_half_a_cancel),
    MessageStatus.NO_RECIPIENTS: (_nobody, _for_nobody),
}
