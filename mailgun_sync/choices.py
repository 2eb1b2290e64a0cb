"""The values of this app's columns, each with its label. Models, querysets and SQL import them from here."""

from __future__ import annotations

from enum import StrEnum

from django.db import models

# Mailgun's own words for a failure: the event, its severity where Mailgun tries again, and the beginning of its reason
# where the address is on a suppression list. Source: user-manual/events/event-types of Mailgun's documentation.
FAILED = "failed"
TEMPORARY = "temporary"
SUPPRESSION = "suppress-"


class EventKind(models.TextChoices):
    """What the log calls an event: Mailgun's own word, and for "failed" what sort of failure.

    The log shows these kinds. Others, such as opened or clicked, keep Mailgun's word and are shown on request.
    """

    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    DELIVERED = "delivered", "Delivered"
    FAILED_PERMANENTLY = "failed-permanent", "Failed (permanent)"
    FAILED_TEMPORARILY = "failed-temporary", "Failed (temporary)"
    SUPPRESSED = "suppressed", "Failed (suppressed)"
    COMPLAINED = "complained", "Complained"


FAILURES = frozenset({EventKind.FAILED_PERMANENTLY, EventKind.FAILED_TEMPORARILY, EventKind.SUPPRESSED})
# Mailgun's own words for the kinds that the log shows.
SHOWN_EVENTS = sorted({FAILED if kind in FAILURES else kind.value for kind in EventKind})


class DomainState(StrEnum):
    """How the sync of a domain stands. It is derived: no column holds it."""

    NEW = "new"
    SYNCED = "synced"
    FAILED = "failed"
    PAUSED = "paused"


class RunKind(models.TextChoices):
    SYNC = "sync", "Sync"
    SWEEP = "sweep", "Sweep"
    BACKFILL = "backfill", "Backfill"


class RunOutcome(models.TextChoices):
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    INTERRUPTED = "interrupted", "Interrupted"
