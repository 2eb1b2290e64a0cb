"""Erase a person outside of the rows of messages: replies, consents, events, lists of the provider, files, sessions."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext_noop

from dispatch.models import Claim
from imports.models import ImportJob
from listings.saved_searches import SESSION_KEY
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, Removal, StagedSuppression, Suppression
from mailgun_sync.services.remove_events import addresses_as_they_came, remove_events
from mailgun_sync.services.suppressions import settle_mailboxes
from messenger_logs.models import ContactToFix, Delivery, ErasedAddress, Recipient, Reply, SentMessage, TextConsent
from messenger_logs.removed import REMOVED
from messenger_logs.services import replies as replies_service
from messenger_logs.services.addresses import number_of
from messenger_logs.services.consents import UNKNOWN_PERSON
from messenger_logs.services.erased import digest_of
from records.services import erase_from_requests
from reports.models import ReportJob
from retention.models import Hold
from retention.services import files
from retention.services.aging import held_events
from retention.services.holds import Holds, respecting_holds
from retention.services.needles import Needles
from retention.services.steps import ROWS, Steps, limit_time
from roster.models import RosterRun
from saved_views.models import SavedView

if TYPE_CHECKING:
    from retention.services.erasing import Identity, Result

_MESSAGES = 500


def erase(identity: Identity, steps: Steps, result: Result) -> None:
    """Erase what is not in the rows of a message. An address that others have too, or a hold protects, stays theirs."""
    free = steps(_forget_addresses, identity)
    result.stays["shared"] = len(shared_addresses(identity))
    _erase_replies(identity, free, steps, result)
    _erase_events(identity, free, steps, result)
    result.gone[gettext_noop("entries of suppression lists")] += steps(_erase_suppressions, free)
    if not steps(_is_held, identity):
        _sweep(identity, steps, result)
        _erase_files(identity, result)
        result.gone[gettext_noop("saved searches")] += steps(_erase_searches, identity) + steps(_erase_views, identity)
        steps(_erase_from_holds, identity)


def _is_held(identity: Identity) -> bool:
    with respecting_holds() as holds:
        return identity.person_id in holds.people


# Addresses


def free_addresses(identity: Identity) -> set[str]:
    """The addresses and numbers that no row of a message names any more."""
    taken = Delivery.objects.filter(address__in=identity.addresses).values_list("address", flat=True)
    return set(identity.addresses) - set(taken.distinct())


def shared_addresses(identity: Identity) -> set[str]:
    """The addresses and numbers that other people have too."""
    others = Delivery.objects.filter(address__in=identity.addresses).exclude(
        recipient__person_id__in=[identity.person_id, UNKNOWN_PERSON]
    )
    return set(others.values_list("address", flat=True).distinct())


def _forget_addresses(identity: Identity) -> set[str]:
    """Keep digests of the addresses that nobody else has, so that nothing brings them back, and STOP goes on."""
    with respecting_holds():
        limit_time()
        free = free_addresses(identity)
        consents = {consent.number: consent for consent in TextConsent.objects.filter(number__in=_numbers(free))}
        for address in sorted(free):
            consent = consents.get(number_of(address))
            said = {"opted_out": consent.opted_out, "said_at": consent.said_at} if consent else {}
            ErasedAddress.objects.update_or_create(digest=digest_of(number_of(address)), defaults=said)
            ErasedAddress.objects.get_or_create(digest=digest_of(address))
        TextConsent.objects.filter(pk__in=[consent.pk for consent in consents.values()]).delete()
        ContactToFix.objects.filter(address__in=free, listed_as="").delete()
    return free


def _numbers(addresses: Collection[str]) -> set[str]:
    return {number_of(address) for address in addresses if "@" not in address}


# Replies


def replies_of(identity: Identity, free: Collection[str]) -> QuerySet[Reply]:
    mine = Q(person_id=identity.person_id) | Q(number__in=_numbers(free))
    return Reply.objects.filter(mine).exclude(number=REMOVED)


def _erase_replies(identity: Identity, free: Collection[str], steps: Steps, result: Result) -> None:
    while True:
        changed, held = steps(_erase_some_replies, identity, free)
        result.gone[gettext_noop("replies")] += changed
        if not changed:
            result.stays["held"] += held
            return


def _erase_some_replies(identity: Identity, free: Collection[str]) -> tuple[int, int]:
    with respecting_holds() as holds:
        limit_time()
        replies = replies_of(identity, free)
        held = holds.replies()
        some = list(replies.exclude(held).values_list("pk", flat=True)[:ROWS])
        replies_service.remove_people(some)
        changed = Reply.objects.filter(pk__in=some).update(
            number=REMOVED, name=REMOVED, person_id="", text=REMOVED, raw=""
        )
        return changed, replies.filter(held).count()


# Events and lists of the e-mail provider


def events_of(identity: Identity, free: Collection[str]) -> QuerySet[MailgunEvent]:
    """The events to the person's own addresses, and those that name the person."""
    came = list(addresses_as_they_came(free).values_list("address", flat=True)) if free else []
    mine = Q(recipient__in=came) | Q(person_id=identity.person_id)
    return MailgunEvent.objects.filter(mine).exclude(raw="", recipient=REMOVED)


def _erase_events(identity: Identity, free: Collection[str], steps: Steps, result: Result) -> None:
    while True:
        changed, held = steps(_erase_some_events, identity, free)
        result.gone[gettext_noop("events")] += changed
        if not changed:
            result.stays["held"] += held
            break
    result.gone[gettext_noop("events")] += steps(_erase_quarantined, identity)
    if not held:
        steps(_forget_came, free)


def _erase_some_events(identity: Identity, free: Collection[str]) -> tuple[int, int]:
    with respecting_holds() as holds:
        limit_time()
        events = events_of(identity, free)
        keep = held_events(holds)
        held = MailgunEvent.objects.filter(keep).filter(pk__in=events.values("pk")) if keep is not None else None
        some = events.exclude(pk__in=held.values("pk")) if held is not None else events
        ids = list(some.values_list("pk", flat=True)[:ROWS])
        # Those of held messages are counted with these.
        return remove_events(ids), held.filter(sent_message=None).count() if held is not None else 0


def _forget_came(free: Collection[str]) -> int:
    return addresses_as_they_came(free).delete()[0] if free else 0


def _erase_quarantined(identity: Identity) -> int:
    with respecting_holds():
        limit_time()
        return QuarantinedEvent.objects.filter(raw__iregex=identity.needles.pattern).delete()[0]


def _erase_suppressions(free: Collection[str]) -> int:
    with respecting_holds():
        limit_time()
        StagedSuppression.objects.filter(mailbox__in=free).delete()
        removed = Suppression.objects.filter(mailbox__in=free).delete()[0]
        Removal.objects.filter(mailbox__in=free).update(address=REMOVED, mailbox=REMOVED, why=REMOVED, answer=REMOVED)
        settle_mailboxes(free)
        ContactToFix.objects.filter(address__in=free).delete()
    return removed


# Texts that people wrote


def redact_message(message: SentMessage, needles: Needles) -> bool:
    """Take what names the person out of the texts of a message, in the transaction of the caller."""
    before = _texts_of(message)
    after = needles.redacted(before)
    if after == before:
        return False
    SentMessage.objects.filter(pk=message.pk).update(**after)
    if after["subject"] != before["subject"]:
        # Events have the subject too, and their JSON.
        MailgunEvent.objects.filter(sent_message=message).update(subject=after["subject"], raw="")
    return True


def _texts_of(message: SentMessage) -> dict[str, Any]:
    return {name: getattr(message, name) for name in ("subject", "bodies", "attachments", "criteria", "reply_to")}


def redact_merge_fields(message: SentMessage, needles: Needles) -> None:
    """Take what names the person out of the merge fields of others: of a second parent, say."""
    rows = Recipient.objects.filter(message=message).exclude(merge_fields={})
    for row in rows.annotate(fields=Cast("merge_fields", TextField())).filter(fields__iregex=needles.pattern):
        Recipient.objects.filter(pk=row.pk).update(merge_fields=needles.redacted(row.merge_fields))


def redact_claims(message: SentMessage, needles: Needles) -> None:
    """Take what names the person out of the providers' answers to the hand-overs of a message."""
    for claim in Claim.objects.filter(message=message, raw__iregex=needles.pattern):
        Claim.objects.filter(pk=claim.pk).update(raw=needles.redacted(claim.raw))


def _sweep(identity: Identity, steps: Steps, result: Result) -> None:
    """Look through the texts of all messages and replies: others may write about the person."""
    last: int | None = 0
    while last is not None:
        last, changed = steps(_sweep_messages, identity, last)
        result.gone[gettext_noop("texts about the person")] += changed
    last = 0
    while last is not None:
        last, changed = steps(_sweep_replies, identity, last)
        result.gone[gettext_noop("texts about the person")] += changed


def _sweep_messages(identity: Identity, after: int) -> tuple[int | None, int]:
    with respecting_holds() as holds:
        limit_time()
        ids = list(SentMessage.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:_MESSAGES])
        columns = [Cast(name, TextField()) for name in ("subject", "bodies", "attachments", "criteria", "reply_to")]
        texts = SentMessage.objects.annotate(texts=Concat(*columns, output_field=TextField()))
        found = texts.filter(pk__in=ids, texts__iregex=identity.needles.pattern).exclude(holds.whole_messages())
        locked = found.select_for_update(of=("self",), no_key=True)
        changed = sum(redact_message(message, identity.needles) for message in locked)
    return (ids[-1] if ids else None), changed


def _sweep_replies(identity: Identity, after: int) -> tuple[int | None, int]:
    with respecting_holds() as holds:
        limit_time()
        ids = list(Reply.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:ROWS])
        pattern = identity.needles.pattern
        named = Q(text__iregex=pattern) | Q(name__iregex=pattern) | Q(raw__iregex=pattern)
        found = Reply.objects.filter(named, pk__in=ids).exclude(holds.replies())
        for reply in found:
            redacted = {name: identity.needles.redacted(getattr(reply, name)) for name in ("text", "name")}
            Reply.objects.filter(pk=reply.pk).update(**redacted, raw="")
            replies_service.remove_people([reply.pk])
    return (ids[-1] if ids else None), len(found) if ids else 0


# Files and sessions


def reports_with(identity: Identity) -> QuerySet[ReportJob]:
    """The finished reports that may have the person: of their messages, and of lists of many messages."""
    about = Q(options__message__in=list(identity.messages)) | Q(options__arguments__pk__in=list(identity.messages))
    of_many = Q(options__message__isnull=True, options__arguments__pk__isnull=True)
    return ReportJob.objects.exclude(status__in=ReportJob.UNFINISHED).filter(about | of_many)


def imports_with(identity: Identity) -> list[ImportJob]:
    """The uploaded files in which the person stands."""
    return [job for job in ImportJob.objects.all() if _is_in_import(job, identity.needles)]


def _is_in_import(job: ImportJob, needles: Needles) -> bool:
    return needles.are_in(f"{job.file_name} {job.result} {job.values}") or needles.are_in_file(job.stored_name)


def _erase_files(identity: Identity, result: Result) -> None:
    # A report that is made now may have read the person before: it begins again.
    running = ReportJob.objects.filter(status=ReportJob.Status.RUNNING)
    running.update(status=ReportJob.Status.QUEUED, claim=None, lease_until=timezone.now())
    result.gone[gettext_noop("files")] += files.remove_jobs(reports_with(identity))
    erase_from_requests(person_id=identity.person_id, redacted=identity.needles.redacted)
    _erase_from_roster(identity)
    found = imports_with(identity)
    result.stays["running"] += sum(job.unfinished for job in found)
    ids = [job.pk for job in found if not job.unfinished]
    result.gone[gettext_noop("files")] += files.remove_jobs(ImportJob.objects.filter(pk__in=ids))


def _erase_from_roster(identity: Identity) -> None:
    """Take what names the person out of what a roster has changed. A member of the staff may be a parent, too."""
    for run in RosterRun.objects.all():
        kept = {name: identity.needles.redacted(getattr(run, name)) for name in ("difference", "problems")}
        if kept != {"difference": run.difference, "problems": run.problems}:
            RosterRun.objects.filter(pk=run.pk).update(**kept)


def _erase_searches(identity: Identity) -> int:
    """Forget saved searches for the person. A session that names the person elsewhere ends."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    changed = 0
    for session in Session.objects.filter(expire_date__gt=timezone.now()):
        data = session.get_decoded()
        if not _names(data, identity):
            continue
        changed += 1
        finds = data.get(SESSION_KEY, {})
        data[SESSION_KEY] = {key: values for key, values in finds.items() if not _names(values, identity)}
        if _names(data, identity):
            session.delete()
        else:
            Session.objects.filter(pk=session.pk).update(session_data=store.encode(data))
    return changed


def _erase_views(identity: Identity) -> int:
    """Delete the saved views that search for the person, or have the person's name, with their scheduled reports."""
    found = [view.pk for view in SavedView.objects.all() if _names({"name": view.name, **view.values}, identity)]
    SavedView.objects.filter(pk__in=found).delete()
    return len(found)


def _names(value: Any, identity: Identity) -> bool:
    """Whether a JSON value has a text that is the person id, or names the person."""
    if isinstance(value, dict):
        return any(_names(part, identity) for part in value.values())
    if isinstance(value, list):
        return any(_names(part, identity) for part in value)
    return isinstance(value, str) and (value == identity.person_id or identity.needles.are_in(value))


def _erase_from_holds(identity: Identity) -> None:
    """Lifted holds were about the person. Those in force do not name the person: else nothing would be erased."""
    lifted = Hold.objects.exclude(lifted_at=None)
    lifted.filter(value=identity.person_id).update(value=REMOVED)
    for hold in Hold.objects.filter(reason__iregex=identity.needles.pattern):
        Hold.objects.filter(pk=hold.pk).update(reason=identity.needles.redacted(hold.reason))


# The preview


def count(identity: Identity, holds: Holds, result: Result) -> None:
    """Count what would go and stay elsewhere, roughly: an address that others have too stays theirs."""
    shared = shared_addresses(identity)
    free = set(identity.addresses) - shared
    result.stays["shared"] = len(shared)
    result.gone[gettext_noop("addresses and numbers")] = len(free)
    result.gone[gettext_noop("events")] = events_of(identity, free).count()
    result.gone[gettext_noop("replies")] = replies_of(identity, free).count()
    result.gone[gettext_noop("files")] = reports_with(identity).count() + len(imports_with(identity))
    result.gone[gettext_noop("entries of suppression lists")] = Suppression.objects.filter(mailbox__in=free).count()
