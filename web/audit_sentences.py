"""The events of the audit trail as sentences: "Ana Ruiz looked at the recipients of message 309."

A new action needs a line here; a test fails until it has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from string import Formatter
from typing import TYPE_CHECKING, Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEvent
from accounts.tools import Tool
from reports.report import kind_label
from web.audit_names import name_of
from web.looks_at_messages import listed, looked_at_message, message_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# What stands for values where a sentence is shown without them; for others it is "…".
_ANY = {"message": _("a message")}
# A value in the address of a page, as Django's routes write it.
_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
NOBODY = _("Somebody who was not signed in")
PRODUCT = _("The product")


def audit_sentence(event: AuditEvent) -> str:
    """Return what happened as a sentence, also for an action that has no words here."""
    words = _WORDS.get(event.action) or _of_kind(event.action)
    told = words(event) if callable(words) else str(words).format_map(_Names(event))
    # Translators: somebody, and what they did, such as "Ana Ruiz" and "canceled message 309".
    return gettext("%(who)s %(did)s.") % {"who": _who(event), "did": " ".join(told.split())}


def action_text(action: str) -> str:
    """Return an action as people read it: "message.canceled" is "Canceled a message"."""
    words = _SHORT.get(action) or _WORDS.get(action)
    kind, _dot, rest = action.partition(".")
    if words and not callable(words):
        return _shortened(str(words))
    if kind in _KINDS_SHORT:
        return f"{_KINDS_SHORT[kind]}: {_NAMES[kind](rest)}"
    return action.replace(".", ": ").replace("_", " ").capitalize()


def said_by_sentence(action: str) -> frozenset[str]:
    """Return the names of the details that the sentence of an action says, so that nothing else needs to."""
    words = _WORDS.get(action) or _of_kind(action)
    if action in _OF_A_REPORT:
        return _NAME_OF_REPORT
    if callable(words):
        return _SAID.get(words, frozenset())
    return frozenset(name for _literal, name, _format, _conversion in Formatter().parse(str(words)) if name)


def _shortened(words: str) -> str:
    """Return a sentence without its values: "added {account} to {target}" is "Added … to …"."""
    parts = Formatter().parse(words)
    told = "".join(text + (str(_ANY.get(name, "…")) if name else "") for text, name, _format, _conversion in parts)
    return told[:1].upper() + told[1:]


def has_words(action: str) -> bool:
    """Whether this action has a sentence of its own."""
    return action in _WORDS or action.partition(".")[0] in _KINDS


def _who(event: AuditEvent) -> str:
    if not event.who:
        return str(PRODUCT if event.action in _OF_THE_PRODUCT else NOBODY)
    last, comma, first = event.who.partition(", ")
    name = f"{first} {last}" if comma else event.who
    # What an administrator saw as another person would; the events of that view itself say whom they are about.
    other = "" if event.action.startswith("view_as.") else event.details.get("as", "")
    if not other:
        return name
    return gettext("%(name)s, who saw the product as %(other)s,") % {"name": name, "other": other}


class _Names(dict[str, Any]):
    """The details of an event by name, with `target` and `message`. What an event does not have is ""."""

    def __init__(self, event: AuditEvent) -> None:
        super().__init__({name: _text(value) for name, value in event.details.items()})
        self["target"] = name_of(event)
        self["message"] = message_of(event)

    def __missing__(self, name: str) -> str:
        return ""


def _text(value: Any) -> str:
    match value:
        case bool():
            return gettext("yes") if value else gettext("no")
        case int():
            return str(intcomma(value))
        case list():
            return ", ".join(map(str, value))
    return str(value)


def _address(event: AuditEvent) -> str:
    """Return the address that an event names, with the numbers that were in it: /messenger/sent-message-log/309/."""
    return _PLACE.sub(lambda place: str(event.details.get(place[1], "…")), event.target)


def _refused(event: AuditEvent) -> str:
    return gettext("was refused what is at %(address)s, with the answer %(answer)s") % _address_and_answer(event)


def _address_and_answer(event: AuditEvent) -> dict[str, Any]:
    return {"address": _address(event), "answer": event.details.get("answer", "")}


def _called_api(event: AuditEvent) -> str:
    return gettext("called the API: %(address)s") % {"address": _address(event)}


def _looked_as_another(event: AuditEvent) -> str:
    person = event.details.get("as") or gettext("another person")
    return gettext("looked at %(address)s as %(person)s would see it") % {"address": _address(event), "person": person}


def _without_factor(event: AuditEvent) -> str:
    words = gettext(
        "was refused what is at %(address)s, with the answer %(answer)s, because the second factor was missing"
    )
    return words % _address_and_answer(event)


def _exported(event: AuditEvent) -> str:
    rows, format = event.details.get("rows", ""), str(event.details.get("format", "")).upper()
    name = _name_of_tool(event.action.partition(".")[2])
    known = {"rows": _text(rows), "list": event.target or name, "format": format}
    if isinstance(rows, int):
        return gettext("exported %(rows)s rows of “%(list)s” as %(format)s") % known
    return gettext("exported all rows of “%(list)s” as %(format)s") % known


def _name_of_tool(name: str) -> str:
    """Return a tool with its menu: two of them may have one label."""
    tool = Tool.__members__.get(name.upper())
    return str(tool.path) if tool else name.replace("_", " ")


def _name_of_report(name: str) -> str:
    return kind_label(name.replace("_", "-"))


def _reported(event: AuditEvent) -> str:
    format = str(event.details.get("format", "")).upper()
    return gettext("asked for a report of %(message)s as %(format)s") % {"message": message_of(event), "format": format}


def _asked_who_saw(event: AuditEvent) -> str:
    people = event.details.get("people")
    about = [message_of(event)] if event.details.get("message") else []
    if isinstance(people, list):
        about.append(gettext("person %(people)s") % {"people": ", ".join(map(str, people))})
    return gettext("asked who saw %(about)s") % {"about": listed(about) or event.details.get("about", "")}


def _not_signed_in(words: StrOrPromise, *, with_name: StrOrPromise) -> Callable[[AuditEvent], str]:
    """Return a function that says what went wrong; ``with_name`` says it where the account is known."""
    return lambda event: with_name % {"account": event.target} if event.target else str(words)


def _of_kind(action: str) -> Callable[[AuditEvent], str]:
    return _KINDS.get(action.partition(".")[0]) or _unknown


def _unknown(event: AuditEvent) -> str:
    known = {"action": action_text(event.action).lower(), "target": event.target}
    if event.target:
        return gettext("did this: %(action)s: %(target)s") % known
    return gettext("did this: %(action)s") % known


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

_KINDS_SHORT = {"export": _("Exported a list"), "report": _("Asked for a report")}
_NAMES = {"export": _name_of_tool, "report": _name_of_report}
# The details that a function says.
_SAID: dict[Callable[[AuditEvent], str], frozenset[str]] = {
    looked_at_message: frozenset({"message", "shown", "person"}),
    _exported: frozenset({"rows", "format"}),
    _reported: frozenset({"message", "format"}),
    _refused: frozenset({"answer", "pk"}),
    _without_factor: frozenset({"answer", "pk"}),
    _called_api: frozenset({"pk"}),
    _asked_who_saw: frozenset({"about"}),
    _looked_as_another: frozenset({"as", "pk"}),
}
# The name of a report says these.
_OF_A_REPORT = {"report.canceled", "report.downloaded", "report.removed"}
_NAME_OF_REPORT = frozenset({"kind", "list", "message"})
# What people choose from, where the sentence without its values would not do.
_SHORT: dict[str, StrOrPromise] = {
    "access.refused": _("was refused a page"),
    "api.called": _("called the API"),
    "audit.asked": _("asked who saw a message or a family"),
    "contact.state_changed": _("said what was done about a contact to fix"),
    "contact.viewed": _("looked at a contact to fix and the people behind it"),
    "list.viewed": _("looked at a list"),
    "message.viewed": _("looked at a message"),
    "retention.hold_lifted": _("lifted a hold"),
    "retention.hold_set": _("set a hold"),
    "second_factor.failed": _("gave a wrong second factor"),
    "second_factor.missing": _("was refused a page, because the second factor was missing"),
    "sign_in.failed": _("failed to sign in"),
    "sign_in.locked": _("tried to sign in too often"),
    "sign_in.refused": _("was refused to sign in"),
    "view_as.page": _("looked at a page as another person would see it"),
}

_WORDS: dict[str, StrOrPromise | Callable[[AuditEvent], str]] = {
    "access.refused": _refused,
    "account.changed": _("changed the account {target}"),
    "account.created": _("made the account {target}"),
    "account.invited": _("invited {target} by e-mail"),
    "account.password_set": _("set a new password for the account {target}"),
    "account.provider_joined": _("joined the account {target} with {provider}"),
    "account.provider_taken_off": _("took a provider off the account {target}"),
    "account.viewed": _("looked at the account {target}"),
    "alert.acknowledged": _("acknowledged alert {alert}"),
    "alert_channel.added": _("added the channel {target} of alerts"),
    "alert_channel.changed": _("changed the channel {target} of alerts: {changed}"),
    "alert_channel.removed": _("removed the channel {target} of alerts"),
    "alert_channel.tested": _("had a test sent to the channel {target} of alerts"),
    "api.called": _called_api,
    "api_token.ended": _("ended {tokens} tokens of the REST API"),
    "api_token.issued": _("got a token for the REST API"),
    "audit.asked": _asked_who_saw,
    "audit.broken": _("checked the audit trail and found it broken: {first}"),
    "audit.forgotten": _("let {events} old events of the audit trail go, up to number {through} of its chain"),
    "audit.verified": _("checked the audit trail and found it whole"),
    "contact.allowed_again": _("asked to allow {target} again on the list {list} of {domain}"),
    "contact.provider_answered": _("got the provider's answer about {target} on the list {list} of {domain}: {answer}"),
    "contact.state_changed": _("said of {target}: {state}"),
    "contact.viewed": _("looked at {target} and the people behind it"),
    "digest.chosen": _("chose how often a digest comes by e-mail: {target}"),
    "domain_health.asked": _("asked for a check of the domain {target}"),
    "import.canceled": _("canceled the import of the file {target}"),
    "import.check_asked": _("asked to check the file {target} again"),
    "import.finished": _("finished the import of the file {target}: {new} new messages, {recipients} recipients"),
    "import.messages": _("brought in {message}, with {recipients} recipients"),
    "import.recipients": _("added {recipients} recipients to {message}"),
    "import.removed": _("removed the file {target}"),
    "import.started": _("started the import of the file {target}"),
    "import.statuses": _("reported {changed} changed statuses of {message}"),
    "import.uploaded": _("uploaded the file {target}"),
    "email.viewed": _("looked at the events of an e-mail in {target}"),
    "import.viewed": _("looked at the rows of the file {target}"),
    "import_map.deleted": _("deleted the column map {target}"),
    "import_map.saved": _("saved the column map {target}"),
    "list.viewed": _("looked at the list {target} {days}"),
    "mailgun_sync.asked": _("asked for a sync of {target}"),
    "mailgun_sync.backfill_asked": _("asked for a backfill of {target}"),
    "mailgun_sync.paused": _("paused the sync of {target}"),
    "mailgun_sync.resumed": _("resumed the sync of {target}"),
    "mailgun_sync.retried": _("had an event of the quarantine read again"),
    "mailgun_sync.source_changed": _("reads {target} from another source: {after}"),
    "mailgun_sync.suppressions_asked": _("asked to read the suppressions of {target}"),
    "message.cancel_completed": _("canceled {message}, and the cancel is complete"),
    "message.canceled": _("canceled {message}"),
    "message.marked_as_drill": _("marked {message} as a drill"),
    "message.marked_as_no_drill": _("marked {message} as no drill"),
    "message.sent_again": _("had {message} sent again to {devices} devices"),
    "message.viewed": looked_at_message,
    "password.changed": _("changed their own password"),
    "password.reset": _("set a new password by the link of an e-mail"),
    "person.erase_asked": _("asked to erase a person: {target}"),
    "person.erased": _("erased a person: {target}"),
    "person.searched": _("searched for a person in {target}"),
    "person.viewed": _("looked at the record of person {person} in {target}"),
    "records.asked": _("made records request {request}"),
    "records.canceled": _("canceled records request {request}"),
    "records.handed_over": _("handed over the file of records request {request}, with receipt {receipt}"),
    "records.made": _("got the file of records request {request}"),
    "records.previewed": _("looked at what a records request would have: {messages} messages"),
    "records.viewed": _("looked at records request {request}"),
    "report.canceled": _("canceled the report “{target}”"),
    "report.downloaded": _("opened the report “{target}”"),
    "report.removed": _("removed the report “{target}”"),
    "retention.hold_lifted": _("lifted {target}"),
    "retention.hold_set": _("set {target}"),
    "retention.period_set": _("changed for how long this is kept: {target}"),
    "roster.check_asked": _("asked to check the roster {target}"),
    "roster.failed": _("could not take over the roster {target}"),
    "roster.run_asked": _("asked to take over the roster {target}"),
    "roster.stopped": _("did not take over the roster {target}, because too many would leave"),
    "roster.viewed": _("looked at run {run} of the roster"),
    "saved_view.changed": _("changed view {view} of {target}"),
    "saved_view.deleted": _("deleted view {view} of {target}"),
    "saved_view.opened": _("opened view {view} of {target}"),
    "saved_view.replaced": _("replaced view {view} of {target} with what the list showed"),
    "saved_view.saved": _("saved view {view} of {target}"),
    "saved_view.shared": _("shared view {view} of {target} with the user group {group}"),
    "saved_view.unshared": _("stopped sharing view {view} of {target} with the user group {group}"),
    "scheduled_report.attached": _("got report {report} of {target} as an attachment of an e-mail"),
    "scheduled_report.attachments_allowed": _("let scheduled report {schedule} of {owner} go out as an attachment"),
    "scheduled_report.attachments_ended": _("let scheduled report {schedule} of {owner} go out only as a link"),
    "scheduled_report.declined": _("does not want scheduled report {schedule} of {owner} any more"),
    "scheduled_report.ended": _("ended scheduled report {schedule} of {owner}: {because}"),
    "scheduled_report.made": _("scheduled a report of view {view} of {target}, {when}"),
    "scheduled_report.ran": _("got a report of {target} that {owner} had scheduled"),
    "scheduled_report.removed": _("removed scheduled report {schedule} of {target}"),
    "scheduled_report.wanted": _("wants scheduled report {schedule} of {owner} again"),
    "second_factor.added": _("added a second factor: {target}"),
    "second_factor.failed": _not_signed_in(
        _("gave a wrong second factor"), with_name=_("gave a wrong second factor as %(account)s")
    ),
    "second_factor.missing": _without_factor,
    "second_factor.recovery_code_used": _("used a recovery code; {left} are left"),
    "second_factor.removed": _("removed a second factor: {target}"),
    "service_account.created": _("made the service account {target}"),
    "service_account.ended": _("ended the service account {target}"),
    "service_account.secret_renewed": _("gave the service account {target} new credentials"),
    "service_account.token_issued": _("got a token as a service account"),
    "session.ended": _("was signed out: {because}"),
    "sign_in.ended_by_provider": _("ended the sign-ins of {target}: {provider} closed the account"),
    "sign_in.failed": _not_signed_in(_("failed to sign in"), with_name=_("failed to sign in as %(account)s")),
    "sign_in.locked": _not_signed_in(
        _("tried to sign in too often, so that is locked for a while"),
        with_name=_("tried to sign in as %(account)s too often, so that is locked for a while"),
    ),
    "sign_in.refused": _not_signed_in(
        _("was refused to sign in"), with_name=_("was refused to sign in as %(account)s")
    ),
    "sign_in.succeeded": _("signed in"),
    "sign_in.values_ignored": _("did not use all that the provider said about {target}"),
    "sign_out.not_confirmed": _("was signed out, because the provider did not confirm the account"),
    "sign_out.succeeded": _("signed out"),
    "user_group.created": _("made the user group {target}"),
    "user_group.deleted": _("deleted the user group {target}"),
    "user_group.member_added": _("added {account} to the user group {target}"),
    "user_group.member_removed": _("took {account} out of the user group {target}"),
    "user_group.policy_changed": _("changed what the user group {target} needs to sign in"),
    "user_group.renamed": _("renamed the user group {before} to {after}"),
    "user_group.rights_changed": _("changed the rights of the user group {target}"),
    "user_group.scope_changed": _("changed the schools of the user group {target}"),
    "view_as.ended": _("stopped looking at the product as {target}"),
    "view_as.page": _looked_as_another,
    "view_as.started": _("began to look at the product as {target}"),
}
