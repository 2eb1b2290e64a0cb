"""The events of the audit trail as sentences: "Ana Ruiz looked at the recipients of message 309."

A new action needs a line here; a test fails until it has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from string import Formatter
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma

from accounts.models import AuditEvent

# The part of a message that is its page, also with the values of a recipient.
_PAGE = "message"
# What stands for values where a sentence is shown without them; for others it is "…".
_ANY = {"message": "a message"}
# A value in the address of a page, as Django's routes write it.
_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
NOBODY = "Somebody who was not signed in"
PRODUCT = "The product"


def audit_sentence(event: AuditEvent) -> str:
    """Return what happened as a sentence, also for an action that has no words here."""
    words = _WORDS.get(event.action) or _of_kind(event.action)
    told = words(event) if callable(words) else words.format_map(_Names(event))
    return f"{_who(event)} {' '.join(told.split())}."


def action_text(action: str) -> str:
    """Return an action as people read it: "message.canceled" is "Canceled a message"."""
    words = _SHORT.get(action) or _WORDS.get(action)
    kind, _, rest = action.partition(".")
    if isinstance(words, str):
        return _shortened(words)
    if kind in _KINDS_SHORT:
        return f"{_KINDS_SHORT[kind]}: {rest.replace('_', ' ')}"
    return action.replace(".", ": ").replace("_", " ").capitalize()


def said_by_sentence(action: str) -> frozenset[str]:
    """Return the names of the details that the sentence of an action says, so that nothing else needs to."""
    words = _WORDS.get(action) or _of_kind(action)
    if callable(words):
        return _SAID.get(words, frozenset())
    return frozenset(name for _, name, _, _ in Formatter().parse(words) if name)


def _shortened(words: str) -> str:
    """Return a sentence without its values: "added {account} to {target}" is "Added … to …"."""
    parts = (text + (_ANY.get(name, "…") if name else "") for text, name, _, _ in Formatter().parse(words))
    told = "".join(parts)
    return told[:1].upper() + told[1:]


def has_words(action: str) -> bool:
    """Whether this action has a sentence of its own."""
    return action in _WORDS or action.partition(".")[0] in _KINDS


def _who(event: AuditEvent) -> str:
    if not event.who:
        return PRODUCT if event.action in _OF_THE_PRODUCT else NOBODY
    last, comma, first = event.who.partition(", ")
    name = f"{first} {last}" if comma else event.who
    # What an administrator saw as another person would; the events of that view itself say whom they are about.
    other = "" if event.action.startswith("view_as.") else event.details.get("as", "")
    return f"{name}, who saw the product as {other}," if other else name


class _Names(dict[str, Any]):
    """The details of an event by name, with `target` and `message`. What an event does not have is ""."""

    def __init__(self, event: AuditEvent) -> None:
        super().__init__({name: _text(value) for name, value in event.details.items()})
        self["target"] = event.target
        self["message"] = _message(event)

    def __missing__(self, name: str) -> str:
        return ""


def _text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return str(intcomma(value))
        case list():
            return ", ".join(map(str, value))
    return str(value)


def _message(event: AuditEvent) -> str:
    number = event.details.get("message")
    return f"message {number}" if number else event.target or "several messages"


def _looked_at_message(event: AuditEvent) -> str:
    """Say all that one look showed: its event, and its parts where a list has them."""
    message, told = _message(event), [str(event.details.get("shown", _PAGE)), *(getattr(event, "parts", None) or ())]
    parts = [part for part in told if not part.startswith(_PAGE)]
    values = [f"the values of person {event.details['person']}"] if "person" in event.details else []
    searched = ", and searched there for a person" if "searched" in event.details else ""
    if len(parts) == len(told):
        return f"looked at {_listed(f'the {part}' for part in parts)} of {message}{_with(values)}{searched}"
    return f"looked at {message}{_with([*(f'its {part}' for part in parts), *values])}{searched}"


def _with(things: list[str]) -> str:
    return f" with {_listed(things)}" if things else ""


def _listed(things: Iterable[str]) -> str:
    """Return "its recipients, its Voice body and its Text body"."""
    *first, last = things
    return f"{', '.join(first)} and {last}" if first else last


def _address(event: AuditEvent) -> str:
    """Return the address that an event names, with the numbers that were in it: /messenger/sent-message-log/309/."""
    return _PLACE.sub(lambda place: str(event.details.get(place[1], "…")), event.target)


def _refused(event: AuditEvent) -> str:
    return f"was refused what is at {_address(event)}, with the answer {event.details.get('answer', '')}"


def _called_api(event: AuditEvent) -> str:
    return f"called the API: {_address(event)}"


def _looked_as_another(event: AuditEvent) -> str:
    return f"looked at {_address(event)} as {event.details.get('as', 'another person')} would see it"


def _without_factor(event: AuditEvent) -> str:
    return f"{_refused(event)}, because the second factor was missing"


def _exported(event: AuditEvent) -> str:
    rows, format = event.details.get("rows", ""), str(event.details.get("format", "")).upper()
    counted = f"{_text(rows)} rows" if isinstance(rows, int) else "all rows"
    tool = event.action.partition(".")[2].replace("_", " ")
    return f"exported {counted} of “{event.target or tool}” as {format}"


def _reported(event: AuditEvent) -> str:
    format = str(event.details.get("format", "")).upper()
    return f"asked for a report of {_message(event)} as {format}"


def _not_signed_in(words: str) -> Callable[[AuditEvent], str]:
    return lambda event: words.format(f" as {event.target}" if event.target else "")


def _of_kind(action: str) -> str | Callable[[AuditEvent], str]:
    return _KINDS.get(action.partition(".")[0]) or _unknown


def _unknown(event: AuditEvent) -> str:
    target = f": {event.target}" if event.target else ""
    return f"did this: {action_text(event.action).lower()}{target}"


# These happen without a person.
_OF_THE_PRODUCT = {
    "account.provider_joined",
    "audit.broken",
    "audit.forgotten",
    "audit.verified",
    "import.finished",
    "mailgun_sync.source_changed",
    "person.erased",
    "scheduled_report.ended",
    "sign_in.ended_by_provider",
    "sign_in.values_ignored",
}

# For actions of which a part is the name of a tool or of a kind of report.
_KINDS: dict[str, Callable[[AuditEvent], str]] = {"export": _exported, "report": _reported}

_KINDS_SHORT = {"export": "Exported a list", "report": "Asked for a report"}
# The details that a function says.
_SAID: dict[Callable[[AuditEvent], str], frozenset[str]] = {
    _looked_at_message: frozenset({"message", "shown", "person"}),
    _exported: frozenset({"rows", "format"}),
    _reported: frozenset({"message", "format"}),
    _refused: frozenset({"answer", "pk"}),
    _without_factor: frozenset({"answer", "pk"}),
    _called_api: frozenset({"pk"}),
    _looked_as_another: frozenset({"as", "pk"}),
}
# What people choose from, where the sentence without its values would not do.
_SHORT = {
    "access.refused": "was refused a page",
    "api.called": "called the API",
    "audit.asked": "asked who saw a message or a family",
    "contact.state_changed": "said what was done about a contact to fix",
    "contact.viewed": "looked at a contact to fix and the people behind it",
    "list.viewed": "looked at a list",
    "message.viewed": "looked at a message",
    "retention.hold_lifted": "lifted a hold",
    "retention.hold_set": "set a hold",
    "second_factor.failed": "gave a wrong second factor",
    "second_factor.missing": "was refused a page, because the second factor was missing",
    "sign_in.failed": "failed to sign in",
    "sign_in.locked": "tried to sign in too often",
    "sign_in.refused": "was refused to sign in",
    "view_as.page": "looked at a page as another person would see it",
}

_WORDS: dict[str, str | Callable[[AuditEvent], str]] = {
    "access.refused": _refused,
    "account.changed": "changed the account {target}",
    "account.created": "made the account {target}",
    "account.invited": "invited {target} by e-mail",
    "account.password_set": "set a new password for the account {target}",
    "account.provider_joined": "joined the account {target} with {provider}",
    "account.provider_taken_off": "took a provider off the account {target}",
    "account.viewed": "looked at the account {target}",
    "alert.acknowledged": "acknowledged alert {alert}",
    "alert_channel.added": "added the channel {target} of alerts",
    "alert_channel.changed": "changed the channel {target} of alerts: {changed}",
    "alert_channel.removed": "removed the channel {target} of alerts",
    "alert_channel.tested": "had a test sent to the channel {target} of alerts",
    "api.called": _called_api,
    "api_token.ended": "ended {tokens} tokens of the REST API",
    "api_token.issued": "got a token for the REST API",
    "audit.asked": "asked who saw {about}",
    "audit.broken": "checked the audit trail and found it broken: {first}",
    "audit.forgotten": "let {events} old events of the audit trail go, up to number {through} of its chain",
    "audit.verified": "checked the audit trail and found it whole",
    "contact.allowed_again": "asked to allow {target} again on the list {list} of {domain}",
    "contact.provider_answered": "got the provider's answer about {target} on the list {list} of {domain}: {answer}",
    "contact.state_changed": "said of {target}: {state}",
    "contact.viewed": "looked at {target} and the people behind it",
    "digest.chosen": "chose how often a digest comes by e-mail: {target}",
    "domain_health.asked": "asked for a check of the domain {target}",
    "import.canceled": "canceled the import of the file {target}",
    "import.check_asked": "asked to check the file {target} again",
    "import.finished": "finished the import of the file {target}: {new} new messages, {recipients} recipients",
    "import.messages": "brought in {message}, with {recipients} recipients",
    "import.recipients": "added {recipients} recipients to {message}",
    "import.removed": "removed the file {target}",
    "import.started": "started the import of the file {target}",
    "import.statuses": "reported {changed} changed statuses of {message}",
    "import.uploaded": "uploaded the file {target}",
    "email.viewed": "looked at the events of an e-mail in {target}",
    "import.viewed": "looked at the rows of the file {target}",
    "import_map.deleted": "deleted the column map {target}",
    "import_map.saved": "saved the column map {target}",
    "list.viewed": "looked at the list {target} {days}",
    "mailgun_sync.asked": "asked for a sync of {target}",
    "mailgun_sync.backfill_asked": "asked for a backfill of {target}",
    "mailgun_sync.paused": "paused the sync of {target}",
    "mailgun_sync.resumed": "resumed the sync of {target}",
    "mailgun_sync.retried": "had an event of the quarantine read again",
    "mailgun_sync.source_changed": "reads {target} from another source: {after}",
    "mailgun_sync.suppressions_asked": "asked to read the suppressions of {target}",
    "message.cancel_completed": "canceled {message}, and the cancel is complete",
    "message.canceled": "canceled {message}",
    "message.marked_as_drill": "marked {message} as a drill",
    "message.marked_as_no_drill": "marked {message} as no drill",
    "message.sent_again": "had {message} sent again to {devices} devices",
    "message.viewed": _looked_at_message,
    "password.changed": "changed their own password",
    "password.reset": "set a new password by the link of an e-mail",
    "person.erase_asked": "asked to erase a person: {target}",
    "person.erased": "erased a person: {target}",
    "person.searched": "searched for a person in {target}",
    "person.viewed": "looked at the record of person {person} in {target}",
    "records.asked": "made records request {request}",
    "records.canceled": "canceled records request {request}",
    "records.handed_over": "handed over the file of records request {request}, with receipt {receipt}",
    "records.made": "got the file of records request {request}",
    "records.previewed": "looked at what a records request would have: {messages} messages",
    "records.viewed": "looked at records request {request}",
    "report.canceled": "canceled the report “{target}”",
    "report.downloaded": "opened the report “{target}”",
    "report.removed": "removed the report “{target}”",
    "retention.hold_lifted": "lifted {target}",
    "retention.hold_set": "set {target}",
    "retention.period_set": "changed for how long this is kept: {target}",
    "roster.check_asked": "asked to check the roster {target}",
    "roster.failed": "could not take over the roster {target}",
    "roster.run_asked": "asked to take over the roster {target}",
    "roster.stopped": "did not take over the roster {target}, because too many would leave",
    "roster.viewed": "looked at run {run} of the roster",
    "saved_view.changed": "changed view {view} of {target}",
    "saved_view.deleted": "deleted view {view} of {target}",
    "saved_view.opened": "opened view {view} of {target}",
    "saved_view.replaced": "replaced view {view} of {target} with what the list showed",
    "saved_view.saved": "saved view {view} of {target}",
    "saved_view.shared": "shared view {view} of {target} with the user group {group}",
    "saved_view.unshared": "stopped sharing view {view} of {target} with the user group {group}",
    "scheduled_report.attached": "got report {report} of {target} as an attachment of an e-mail",
    "scheduled_report.attachments_allowed": "let scheduled report {schedule} of {owner} go out as an attachment",
    "scheduled_report.attachments_ended": "let scheduled report {schedule} of {owner} go out only as a link",
    "scheduled_report.declined": "does not want scheduled report {schedule} of {owner} any more",
    "scheduled_report.ended": "ended scheduled report {schedule} of {owner}: {because}",
    "scheduled_report.made": "scheduled a report of view {view} of {target}, {when}",
    "scheduled_report.ran": "got a report of {target} that {owner} had scheduled",
    "scheduled_report.removed": "removed scheduled report {schedule} of {target}",
    "scheduled_report.wanted": "wants scheduled report {schedule} of {owner} again",
    "second_factor.added": "added a second factor: {target}",
    "second_factor.failed": _not_signed_in("gave a wrong second factor{}"),
    "second_factor.missing": _without_factor,
    "second_factor.recovery_code_used": "used a recovery code; {left} are left",
    "second_factor.removed": "removed a second factor: {target}",
    "service_account.created": "made the service account {target}",
    "service_account.ended": "ended the service account {target}",
    "service_account.secret_renewed": "gave the service account {target} new credentials",
    "service_account.token_issued": "got a token as a service account",
    "session.ended": "was signed out: {because}",
    "sign_in.ended_by_provider": "ended the sign-ins of {target}: {provider} closed the account",
    "sign_in.failed": _not_signed_in("failed to sign in{}"),
    "sign_in.locked": _not_signed_in("tried to sign in{} too often, so that is locked for a while"),
    "sign_in.refused": _not_signed_in("was refused to sign in{}"),
    "sign_in.succeeded": "signed in",
    "sign_in.values_ignored": "did not use all that the provider said about {target}",
    "sign_out.not_confirmed": "was signed out, because the provider did not confirm the account",
    "sign_out.succeeded": "signed out",
    "user_group.created": "made the user group {target}",
    "user_group.deleted": "deleted the user group {target}",
    "user_group.member_added": "added {account} to the user group {target}",
    "user_group.member_removed": "took {account} out of the user group {target}",
    "user_group.policy_changed": "changed what the user group {target} needs to sign in",
    "user_group.renamed": "renamed the user group {before} to {after}",
    "user_group.rights_changed": "changed the rights of the user group {target}",
    "user_group.scope_changed": "changed the schools of the user group {target}",
    "view_as.ended": "stopped looking at the product as {target}",
    "view_as.page": _looked_as_another,
    "view_as.started": "began to look at the product as {target}",
}
