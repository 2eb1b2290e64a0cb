"""The ledger: messages, their recipients, every device and every attempt."""

from messenger_logs.models.contacts import ContactNews, ContactPerson, ContactToFix
from messenger_logs.models.deliveries import Delivery, DeviceAttempt, Redial
from messenger_logs.models.erased import ErasedAddress
from messenger_logs.models.messages import Calendar, Recipient, School, SentMessage
from messenger_logs.models.students import StudentSchool
from messenger_logs.models.texts import Reply, ReplyPerson, TextConsent
from messenger_logs.models.totals import CompletedCancel, MessageModeTotals, MessageTotals, PersonReach, ReachTotals

__all__ = [
    "Calendar",
    "CompletedCancel",
    "ContactNews",
    "ContactPerson",
    "ContactToFix",
    "Delivery",
    "DeviceAttempt",
    "ErasedAddress",
    "MessageModeTotals",
    "MessageTotals",
    "PersonReach",
    "ReachTotals",
    "Recipient",
    "Redial",
    "Reply",
    "ReplyPerson",
    "School",
    "SentMessage",
    "StudentSchool",
    "TextConsent",
]
