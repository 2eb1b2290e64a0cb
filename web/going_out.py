"""What goes out now, with its percent, and what goes out next: for Home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import User
from accounts.tools import Right, Tool
from messenger_logs.delivery_summary import percent_done
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.totals import totals_of_many
from web.message_access import in_any_log
from web.message_urls import message_logs, message_url

# The places of Home. A page that is refreshed keeps its height, so there are never more.
SHOWN_NOW, SHOWN_NEXT = 3, 3


@dataclass(frozen=True)
class Going:
    """A message that goes out. ``percent`` of its devices are done."""

    message: SentMessage
    percent: int
    url: str


@dataclass(frozen=True)
class GoingOut:
    now: Sequence[Going]
    more: bool
    """Whether more messages go out than are named."""
    next: Sequence[SentMessage]
    upcoming: bool
    """Whether the user has Upcoming Messages, where the next ones are."""
    all: bool
    """Whether that tool shows everybody's messages."""

    @property
    def now_url(self) -> str:
        return self._url(tab="in_progress")

    @property
    def next_url(self) -> str:
        return self._url()

    def _url(self, **chosen: str) -> str:
        whose = {"whose": "all"} if self.all else {}
        query = urlencode(chosen | whose)
        return reverse("web:upcoming_messages") + (f"?{query}" if query else "")


def going_out(user: User) -> GoingOut:
    """Return what goes out of all that any log shows to the user. The number of queries does not grow."""
    upcoming = user.may(Tool.UPCOMING_MESSAGES)
    running = list(_light(in_any_log(user).running()).order_by("-scheduled_at", "-pk")[: SHOWN_NOW + 1])
    scheduled = SentMessage.objects.visible_to(user, Tool.UPCOMING_MESSAGES).scheduled()
    return GoingOut(
        now=_with_percents(user, running[:SHOWN_NOW]),
        more=len(running) > SHOWN_NOW,
        next=list(_light(scheduled).order_by("scheduled_at", "pk")[:SHOWN_NEXT]) if upcoming else [],
        upcoming=upcoming,
        all=upcoming and user.may(Tool.UPCOMING_MESSAGES, Right.VIEW_CANCEL_ALL),
    )


def _light(messages: SentMessageQuerySet) -> Any:
    return messages.defer("bodies", "criteria", "attachments")


def _with_percents(user: User, messages: Sequence[SentMessage]) -> list[Going]:
    if not messages:
        return []
    totals, urls = totals_of_many(messages), _urls(user, [message.pk for message in messages])
    return [Going(message, percent_done(totals[message.pk]), urls[message.pk]) for message in messages]


def _urls(user: User, ids: list[int]) -> dict[int, str]:
    """Return the addresses by id: in Upcoming Messages, where a message can be canceled, else in the first log."""
    upcoming = SentMessage.objects.visible_to(user, Tool.UPCOMING_MESSAGES).filter(pk__in=ids)
    tools = message_logs(user, ids) | dict.fromkeys(upcoming.values_list("pk", flat=True), Tool.UPCOMING_MESSAGES)
    return {pk: message_url(tool, pk) for pk, tool in tools.items()}
