"""The bars of outcomes: of the devices of each mode of a message, and of the e-mails of several days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from django.utils.translation import gettext

from messenger_logs.choices import Reach
from messenger_logs.delivery_summary import DeliverySummary, Progress
from messenger_logs.reach import People
from messenger_logs.status_labels import EMAIL_OUTCOME_LABELS, REACH
from web.bars import Bar, Segment


def people_bar(people: People, url_of: Callable[[Reach], str], *, name: str = "people") -> Bar:
    """A bar of people by whether they were reached. `url_of` gives the address that lists the people of a kind.

    `REACH` has word, shape and color of each kind, for bars, lists, charts and reports alike.
    """
    segments = [Segment(REACH[kind].lower, number, url_of(kind)) for kind, number in people.by_kind.items()]
    return Bar(name, gettext("People"), segments)


def mode_bars(summary: DeliverySummary, recipients_url: str) -> list[Bar]:
    """A bar for each mode in use: all its devices by their result, each part with the address of its rows."""
    return [_mode_bar(progress, recipients_url) for progress in summary.progress]


def _mode_bar(progress: Progress, recipients_url: str) -> Bar:
    segments = [
        Segment(part.status, part.number, f"{recipients_url}?{urlencode(part.rows)}") for part in progress.parts
    ]
    known = {
        "percent": progress.percent,
        "reached": f"{progress.totals.success:,}",
        "devices": f"{progress.devices:,}",
        "mode": progress.mode.label,
    }
    lead = gettext("%(percent)s %% (%(reached)s of %(devices)s)") % known
    return Bar(
        f"progress-{progress.mode.value}",
        gettext("%(mode)s Delivery Progress") % known,
        segments,
        lead if progress.devices else gettext("no device to deliver to"),
    )


def emails_bar(counts: Mapping[str, int]) -> Bar | None:
    """The e-mails of the last days by what their provider said; None where there are none."""
    segments = [Segment(status, counts[name]) for name, status in EMAIL_OUTCOME_LABELS.items()]
    bar = Bar("emails", gettext("E-mails"), segments)
    return bar if bar.total else None
