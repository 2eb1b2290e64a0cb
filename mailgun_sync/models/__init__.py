"""Mailgun's events as they came, the state of the sync, and the lists of suppressions."""

from mailgun_sync.models.domains import DEFAULT_SETTLE_AFTER, DomainHealth, SendingDomain
from mailgun_sync.models.events import ADDRESS_SLACK_DAYS, MailgunEvent, QuarantinedEvent, RecipientAddress
from mailgun_sync.models.runs import SyncGap, SyncRun
from mailgun_sync.models.sources import RefusedCall, SourceCount, TakenWebhook
from mailgun_sync.models.suppressions import Removal, StagedSuppression, Suppression, SuppressionEntry, SuppressionRun

__all__ = [
    "ADDRESS_SLACK_DAYS",
    "DEFAULT_SETTLE_AFTER",
    "DomainHealth",
    "MailgunEvent",
    "QuarantinedEvent",
    "RecipientAddress",
    "RefusedCall",
    "Removal",
    "SendingDomain",
    "SourceCount",
    "StagedSuppression",
    "Suppression",
    "SuppressionEntry",
    "SuppressionRun",
    "SyncGap",
    "SyncRun",
    "TakenWebhook",
]
