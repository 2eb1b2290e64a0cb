"""What the tables about Mailgun's events share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.statuses import Shape, Status, Tone
from listings.columns import StatusColumn
from mailgun_sync.choices import RunOutcome

RUN_STATUSES = {
    RunOutcome.RUNNING: Status(_("Running"), Shape.HALF, Tone.RUNNING, _("Under way now.")),
    RunOutcome.SUCCEEDED: Status(_("Succeeded"), Shape.CHECK, Tone.GOOD, _("Everything was read to the end.")),
    RunOutcome.FAILED: Status(_("Failed"), Shape.CROSS, Tone.BAD, _("Stopped by the error that stands beside it.")),
    RunOutcome.INTERRUPTED: Status(
        _("Interrupted"), Shape.TRIANGLE, Tone.WARNING, _("The program ended or hung; the next run read it again.")
    ),
}


class OutcomeColumn(StatusColumn):
    """A status, with the reason for it, if any."""

    def __init__(self, statuses: Mapping[Any, Status], *args: Any, reason: Callable[[Any], str], **kwargs: Any) -> None:
        super().__init__(statuses, *args, **kwargs)
        self.reason = reason

    def render(self, record: Any) -> SafeString:
        status, reason = super().render(record), self.reason(record)
        return format_html('{}<p class="reason">{}</p>', status, reason) if reason else format_html("{}", status)
