"""The four figures of a cancel. They add up to all devices of the message, from the commit of the cancel on.

What nothing was handed over for has not left, and after a cancel nothing of it is handed over. So only a device that is
under way can change sides: a call that rings is hung up, a provider refuses what it was just given, or a request that
was about to begin does not begin. When the cancel is complete, nothing is under way here, and nothing moves the figures
any more. A report that comes later may say otherwise, such as one of another system about a message that it sends. Then
the device shows what the report says, and counts on in the figure that it was in: both are kept before such a report
changes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Case, Q, QuerySet, Value, When
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEvent
from core.replica import read_connection
from messenger_logs.choices import NOT_LEFT, DeliveryStatus, Mode, Outcome, sql_list
from messenger_logs.models import Delivery, MessageModeTotals, Redial, SentMessage

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The name of each figure is also the name of the filter that shows its rows.
FIGURES = [
    ("left", pgettext_lazy("cancel", "Left")),
    ("hung_up", _("Hung up while ringing")),
    ("never_started", _("Never started")),
    ("not_tried", _("Not to be tried")),
]

CANCEL_COMPLETED = "message.cancel_completed"

_STOPPED = Q(outcome=Outcome.PENDING, status__in=NOT_LEFT) | Q(outcome=Outcome.CANCELED)
_BEGUN = Q(attempt_count__gt=0)
# Only a call can be hung up. Of other modes, what the provider had has left, also if it was canceled there.
_CALLED = _BEGUN & Q(mode=Mode.VOICE)
_NOT_TRIED = Q(outcome__in=[Outcome.NOT_ATTEMPTED, Outcome.ERROR], attempt_count=0)
_ROWS = {
    "left": ~_NOT_TRIED & (~_STOPPED | _BEGUN & ~_CALLED),
    "hung_up": _STOPPED & _CALLED,
    "never_started": _STOPPED & ~_BEGUN,
    "not_tried": _NOT_TRIED,
}
# Deliveries that no figure counts.
_UNCOUNTED = Q(status__in=[DeliveryStatus.NO_DEVICE, DeliveryStatus.DUPLICATE])
# The devices about which a report came after the cancel was complete.
REPORTED_LATER = "reported_later"

# One statement reads one moment: it counts a delivery that moves from waiting to canceled exactly once. The partial
# index delivery_not_left has the waiting rows.
_COUNT = f"""
SELECT
    kept.devices, kept.never_started + waiting.never_started, kept.hung_up + waiting.hung_up, kept.untried,
    waiting.never_started + waiting.hung_up, under_way.devices
FROM (
    SELECT coalesce(sum(devices), 0) AS devices, coalesce(sum(canceled - canceled_begun), 0) AS never_started,
        coalesce(sum(canceled_begun) FILTER (WHERE mode = '{Mode.VOICE}'), 0) AS hung_up,
        coalesce(sum(untried), 0) AS untried
    FROM {MessageModeTotals._meta.db_table} WHERE message_id = %(message)s
) AS kept, (
    SELECT count(*) FILTER (WHERE attempt_count = 0) AS never_started,
        count(*) FILTER (WHERE attempt_count > 0 AND mode = '{Mode.VOICE}') AS hung_up
    FROM {Delivery._meta.db_table}
    WHERE message_id = %(message)s AND outcome = '{Outcome.PENDING}' AND status IN ({sql_list(NOT_LEFT)})
        AND NOT duplicate
) AS waiting, (
    SELECT (
        SELECT count(*) FROM {Delivery._meta.db_table}
        WHERE message_id = %(message)s AND status = '{DeliveryStatus.IN_PROGRESS}' AND NOT duplicate
    ) + (
        SELECT count(*) FROM {Redial._meta.db_table} AS again
        WHERE again.message_id = %(message)s AND again.claim IS NOT NULL AND NOT EXISTS (
            SELECT FROM {Delivery._meta.db_table} AS d
            WHERE d.id = again.delivery_id AND d.status = '{DeliveryStatus.IN_PROGRESS}')
    ) AS devices
) AS under_way
"""  # noqa: S608  (table names only)


@dataclass(frozen=True, slots=True)
class CancelFigures:
    """The devices of a message in four parts."""

    left: int
    """Handed over, or reported: a provider has or had it."""
    hung_up: int
    """Calls that had begun, and were ended because of the cancel."""
    never_started: int
    """They got nothing and, after a cancel, will get nothing."""
    not_tried: int
    """Nobody would try them: opted out, not eligible, an address that cannot be used."""
    waiting: int
    """Those of the stopped that are not marked as Canceled yet."""
    under_way: int
    """Those of the left whose result is open. They may still change sides."""
    final: bool = False
    """Whether the cancel is complete: the figures are kept, and nothing moves them."""
    contradicted: bool = False
    """Whether a report that came after that says otherwise of a device."""

    @property
    def devices(self) -> int:
        return self.left + self.hung_up + self.never_started + self.not_tried

    @property
    def gone(self) -> int:
        """Those of the left that cannot change sides."""
        return self.left - self.under_way

    @property
    def percent(self) -> int:
        """How many of the stopped devices are marked, in whole percents; 100 only when all of them are."""
        stopped = self.hung_up + self.never_started
        return 100 * (stopped - self.waiting) // stopped if stopped else 100

    @property
    def by_name(self) -> dict[str, int]:
        return {name: getattr(self, name) for name, _label in FIGURES}

    @property
    def labeled(self) -> list[tuple[str, StrOrPromise, int]]:
        """Name, label and number of each figure."""
        return [(name, label, getattr(self, name)) for name, label in FIGURES]

    def __str__(self) -> str:
        return figures_text(self.by_name)


def figures_text(by_name: Mapping[str, int]) -> str:
    """Return figures as words: "96 left, 0 hung up while ringing, …"."""
    sentence = gettext(
        "%(left)s left, %(hung_up)s hung up while ringing, %(never_started)s never started,"
        " %(not_tried)s not to be tried"
    )
    return sentence % {name: f"{by_name[name]:,}" for name, _label in FIGURES}


def cancel_figures(message_id: int) -> CancelFigures:
    """Return the four figures of a message: as they were when its cancel was complete, else as they are now."""
    now = count_figures(message_id)
    completed = SentMessage.objects.filter(pk=message_id, cancel_completed_at__isnull=False)
    kept = completed.values_list(*(f"completed_cancel__{name}" for name in now.by_name)).first()
    if kept is None:
        return now
    final = dict(zip(now.by_name, kept, strict=True)) if None not in kept else now.by_name
    return CancelFigures(**final, waiting=0, under_way=0, final=True, contradicted=final != now.by_name)


def count_figures(message_id: int) -> CancelFigures:
    """Count the four figures of a message, from its kept totals and the rows that are open."""
    with read_connection().cursor() as cursor:
        cursor.execute(_COUNT, {"message": message_id})
        devices, never_started, hung_up, untried, waiting, under_way = cursor.fetchone()
    return CancelFigures(
        left=devices - hung_up - never_started - untried,
        hung_up=hung_up,
        never_started=never_started,
        not_tried=untried,
        waiting=waiting,
        under_way=under_way,
    )


def told_figures(message_id: int) -> dict[str, int] | None:
    """Return the figures that the newest event of a complete cancel tells, by name; None without such an event."""
    events = AuditEvent.objects.of_message(message_id).filter(action=CANCEL_COMPLETED)
    details = events.order_by("occurred_at", "pk").values_list("details", flat=True).last()
    return details and {name: details.get(name, 0) for name, _label in FIGURES}


def rows_of_figure(rows: QuerySet[Delivery], name: str) -> QuerySet[Delivery]:
    """The deliveries of a message that a figure counts."""
    if name == REPORTED_LATER:
        return rows.exclude(cancel_figure="")
    return rows.filter(Q(cancel_figure=name) | Q(cancel_figure="") & ~_UNCOUNTED & _ROWS[name], duplicate=False)


def keep_figure_of_rows(rows: QuerySet[Delivery]) -> None:
    """Let deliveries of a complete cancel count on as they do now, whatever changes them from here on."""
    figure = Case(*(When(rule, then=Value(name)) for name, rule in _ROWS.items()))
    rows.filter(~_UNCOUNTED, cancel_figure="", duplicate=False).update(cancel_figure=figure)
