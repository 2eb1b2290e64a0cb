"""Jobs that stand still: reports, and all other jobs with a lease."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from core.leased_jobs.models import LeasedJob
from core.troubles import Trouble

# The names that Django makes of the classes.
NAMES = [
    *(gettext_noop("report job"), gettext_noop("report jobs")),
    *(gettext_noop("import job"), gettext_noop("import jobs")),
    *(gettext_noop("records request"), gettext_noop("records requests")),
]


def troubles(now: datetime) -> Iterator[Trouble]:
    """Yield a trouble for each sort of job that no worker does any more, in two queries for each."""
    for model in LeasedJob.__subclasses__():
        jobs: Any = model._default_manager
        waiting = jobs.free().filter(asked_at__lt=now - timedelta(minutes=settings.TROUBLE_JOB_MINUTES))
        found = waiting.aggregate(count=Count("pk"), first=Min("asked_at"))
        # While workers do other jobs of the sort, these wait for their turn.
        if found["count"] and not jobs.at_work().exists():
            yield _standstill(model, found["count"], found["first"])


def _standstill(model: type[LeasedJob], count: int, since: datetime) -> Trouble:
    name = model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural
    return Trouble(
        key=f"jobs.{model._meta.label_lower}",
        part=_("Work in the background"),
        words=ngettext(
            "%(count)s %(jobs)s waits, and no worker does them.",
            "%(count)s %(jobs)s wait, and no worker does them.",
            count,
        )
        % {"count": f"{count:,}", "jobs": _(str(name))},
        to_do=_("Check that the workers run, and read their log."),
        since=since,
    )
