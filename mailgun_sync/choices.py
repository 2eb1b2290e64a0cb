"""The values of this app's columns, each with its label. Models, querysets and SQL import them from here."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from django.db import models

from providers import mailgun

# Mailgun's words for a failure: the event; its severity, if Mailgun tries again; the start of its reason, if the
# address is on a suppression list. Source: user-manual/events/event-types of Mailgun's documentation.
FAILED = "failed"
TEMPORARY = "temporary"
SUPPRESSION = "suppress-"


class EventKind(models.TextChoices):
    """The kind of an event in the log: Mailgun's word, and for "failed" the sort of failure.

    The log shows these kinds. Other kinds, such as opened or clicked, keep Mailgun's word. The log shows them on
    request.
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


class Source(models.TextChoices):
    """Where an event comes from. Only the two APIs are read to an end, so only they say what is complete."""

    EVENTS = mailgun.EVENTS, "Events API"
    LOGS = mailgun.LOGS, "Logs API"
    WEBHOOK = "webhook", "Webhooks"
    FORM = "form", "Form posts (old webhooks)"


# The id of an event that came as a form post begins so: it has none of its own.
FORM_ID = "form:"
# These sources tell a time less exactly than the others: to the millisecond, or to the second and without an id.
INEXACT = (Source.LOGS, Source.FORM)


class Refusal(models.TextChoices):
    """Why a call to the webhook was refused."""

    NO_KEY = "no_key", "There is no MAILGUN_WEBHOOK_SIGNING_KEY in the settings of this installation."
    UNREADABLE = "unreadable", "It was neither JSON nor a form of Mailgun."
    TOO_LARGE = "too_large", "It was too large, or compressed."
    UNSIGNED = "unsigned", "It had no signature."
    SIGNATURE = "signature", "Its signature is not that of any key in MAILGUN_WEBHOOK_SIGNING_KEY."
    STAMP = "stamp", "Its signature is too old, or its time is in the future."
    REPLAYED = "replayed", "Its signature came before. Mailgun repeats a call if our answer gets lost."
    DOMAIN = "domain", "Its events belong to no domain of MAILGUN_DOMAINS."


class DomainState(StrEnum):
    """The state of a domain's sync. The code derives it: no column holds it."""

    NEW = "new"
    SYNCED = "synced"
    FAILED = "failed"
    PAUSED = "paused"


# A run without a sign of life for this long hangs. A page takes at most half an hour, with all attempts and the waits
# for a rate limit: see client/source.py.
HUNG_AFTER = timedelta(minutes=40)


class RunKind(models.TextChoices):
    """Why a run reads events: the schedule, a second look at days that were read, or the first read of earlier days."""

    SYNC = "sync", "Sync"
    SWEEP = "sweep", "Sweep"
    BACKFILL = "backfill", "Backfill"


class RunOutcome(models.TextChoices):
    """How a run ended. Interrupted: its process died."""

    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    INTERRUPTED = "interrupted", "Interrupted"
