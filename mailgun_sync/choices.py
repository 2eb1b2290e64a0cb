"""The values of this app's columns, each with its label. Models, querysets and SQL import them from here.

Pages show a label in the language of their reader.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

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

    ACCEPTED = "accepted", pgettext_lazy("status", "Accepted")
    REJECTED = "rejected", pgettext_lazy("status", "Rejected")
    DELIVERED = "delivered", pgettext_lazy("status", "Delivered")
    FAILED_PERMANENTLY = "failed-permanent", pgettext_lazy("status", "Failed (permanent)")
    FAILED_TEMPORARILY = "failed-temporary", pgettext_lazy("status", "Failed (temporary)")
    SUPPRESSED = "suppressed", pgettext_lazy("status", "Failed (suppressed)")
    COMPLAINED = "complained", pgettext_lazy("status", "Complained")


FAILURES = frozenset({EventKind.FAILED_PERMANENTLY, EventKind.FAILED_TEMPORARILY, EventKind.SUPPRESSED})
# Mailgun's own words for the kinds that the log shows.
SHOWN_EVENTS = sorted({FAILED if kind in FAILURES else kind.value for kind in EventKind})


class Source(models.TextChoices):
    """Where an event comes from. Only the two APIs are read to an end, so only they say what is complete."""

    EVENTS = mailgun.EVENTS, _("Events API")
    LOGS = mailgun.LOGS, _("Logs API")
    WEBHOOK = "webhook", _("Webhooks")
    FORM = "form", _("Form posts (old webhooks)")


# The id of an event that came as a form post begins so: it has none of its own.
FORM_ID = "form:"
# These sources tell a time less exactly than the others: to the millisecond, or to the second and without an id.
INEXACT = (Source.LOGS, Source.FORM)


class Refusal(models.TextChoices):
    """Why a call to the webhook was refused."""

    NO_KEY = "no_key", _("There is no MAILGUN_WEBHOOK_SIGNING_KEY in the settings of this installation.")
    UNREADABLE = "unreadable", _("It was neither JSON nor a form of Mailgun.")
    TOO_LARGE = "too_large", _("It was too large, or compressed.")
    UNSIGNED = "unsigned", _("It had no signature.")
    SIGNATURE = "signature", _("Its signature is not that of any key in MAILGUN_WEBHOOK_SIGNING_KEY.")
    STAMP = "stamp", _("Its signature is too old, or its time is in the future.")
    REPLAYED = "replayed", _("Its signature came before. Mailgun repeats a call if our answer gets lost.")
    DOMAIN = "domain", _("Its events belong to no domain of MAILGUN_DOMAINS.")


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

    SYNC = "sync", pgettext_lazy("run", "Sync")
    SWEEP = "sweep", pgettext_lazy("run", "Sweep")
    BACKFILL = "backfill", pgettext_lazy("run", "Backfill")


class RunOutcome(models.TextChoices):
    """How a run ended. Interrupted: its process died."""

    RUNNING = "running", pgettext_lazy("run", "Running")
    SUCCEEDED = "succeeded", pgettext_lazy("run", "Succeeded")
    FAILED = "failed", pgettext_lazy("run", "Failed")
    INTERRUPTED = "interrupted", pgettext_lazy("run", "Interrupted")


class GroupBy(models.TextChoices):
    """What the grouped log counts events by."""

    REASON = "reason", _("By reason")
    PROVIDER = "provider", _("By mailbox provider")
    MESSAGE = "message", _("By message")


# Events of other kinds arrived, or are on their way: they have no reason.
KINDS_WITH_REASON = [kind for kind in EventKind if kind not in (EventKind.ACCEPTED, EventKind.DELIVERED)]


class SuppressionList(models.TextChoices):
    """The lists of a domain at Mailgun, by their names in its API.

    An address of the allowlist, or of a domain on it, never comes on the others.
    """

    BOUNCES = "bounces", pgettext_lazy("list", "Bounces")
    COMPLAINTS = "complaints", pgettext_lazy("list", "Complaints")
    UNSUBSCRIBES = "unsubscribes", pgettext_lazy("list", "Unsubscribes")
    ALLOWLIST = "whitelists", pgettext_lazy("list", "Allowlist")
