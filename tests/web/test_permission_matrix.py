"""Who gets which answer from every address there is.

A new address needs a line in one of the three tables; a test fails until it has one.

GUARDED: pages behind a tool right. The four numbers are what the right gets for GET, an htmx GET, POST and
?export=csv. For everybody else one rule holds: signed out, the way to the sign-in page; with all rights but this one,
403; 405 where nobody may use the method. `of` makes what the address is about. `data` makes something that belongs to a
user: its owner must see it, and `others` says whether another person with the right does (SHOWN or HIDDEN). For a page
about one thing that belongs to somebody, `others` is the number that all others with the right get, such as 404.
`also` are further rights on the tool, without which it shows nothing.

The fifth dimension is the row in the audit trail that each answer leaves. `look` is the row of a GET that is answered,
with the whole page or a fragment; `file` the one of an export; `does` the one of a POST with the values of `form`. A
refusal leaves "access.refused" in each table; where a line names no row, the answer leaves none.

OPEN: pages that need no right, with the four numbers for a visitor who is signed out, and for one who is signed in.

API: what answers to a token, one line for each method. Without a token 401, with all rights but this one 403, 405 for
methods without a line. Where several logs show a message, each of their rights has a line.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models import Max
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, ServiceAccount, User
from accounts.querysets import LOOK, rights_of
from accounts.services import issue_token, record_audit_event
from accounts.tools import DISTRICT_WIDE, Right, Tool, every_right
from alerts import tasks as alert_tasks
from alerts.models import Alert, AlertChannel
from imports import tasks as import_tasks
from imports.models import ImportJob, KeptMap
from mailgun_sync import tasks
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, SendingDomain
from messenger_logs.choices import LinkedBy
from messenger_logs.models import ContactToFix, Recipient, School, SentMessage
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.derive_contacts import derive_contacts
from messenger_logs.services.replies import record_reply
from messenger_logs.services.totals import recount
from records.models import RecordsRequest
from retention.models import Erasure, Hold
from retention.services.erasing import preview
from roster import tasks as roster_tasks
from roster.choices import Kind
from roster.models import RosterRun
from tests.accounts.scoped import hold_for
from tests.examples import many
from tests.fixtures.accounts import program_token
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school
from tests.queue import note_queued
from tests.saved_views.factories import make_schedule, make_view
from tests.stored import path_of
from tests.web.addresses import patterns
from web.views.erase import seen

R, W = Right.READ, Right.WRITE
OWN_GENERAL = (Right.MY_MESSAGES, Right.TYPE_GENERAL)
SHOWN, HIDDEN = "shown", "hidden"
MARK = "something-to-look-for"
COUNTS = ("rows", "new", "here", "refused", "recipients", "deliveries", "unusable")


# What the pages are about


def domain() -> SendingDomain:
    return SendingDomain.objects.get_or_create(name="mg.example.org")[0]


def a_domain() -> dict[str, Any]:
    return {"pk": domain().pk}


def a_paused_domain() -> dict[str, Any]:
    return {"pk": SendingDomain.objects.create(name="paused.example.org", paused=True).pk}


def a_synced_domain() -> dict[str, Any]:
    return {"pk": SendingDomain.objects.create(name="synced.example.org", settled_through=timezone.now()).pk}


def a_quarantined_event() -> dict[str, Any]:
    return {"pk": QuarantinedEvent.objects.create(domain=domain(), raw='{"event": "x"}', error="no id").pk}


def a_group() -> dict[str, Any]:
    return {"pk": Group.objects.earliest("pk").pk}


def a_schedule() -> dict[str, Any]:
    owner = User.objects.create_user(uuid4().hex)
    return {"pk": make_schedule(make_view(owner)).pk}


def family_told() -> dict[str, Any]:
    return {"state": "told"}


def a_program() -> dict[str, Any]:
    user = User.objects.create_user("a program")
    ServiceAccount.objects.create(user=user, expires_at=timezone.now() + timedelta(days=1))
    return {"pk": user.pk}


def a_program_form() -> dict[str, Any]:
    group, tomorrow = Group.objects.earliest("pk"), timezone.localdate() + timedelta(days=1)
    return {"name": "Student system", "groups": [group.pk], "until": tomorrow}


def rights_seen() -> dict[str, Any]:
    return {"rights": [], "seen": " ".join(rights_of(Group.objects.earliest("pk")))}


def somebody() -> dict[str, Any]:
    return {"user": User.objects.create_user("somebody").pk}


def a_person(owner: User) -> None:
    User.objects.get_or_create(username="person", defaults={"last_name": MARK})


def of_the_person() -> dict[str, Any]:
    """The arguments of an address below an account: the one with the mark, or a new one."""
    return {"pk": User.objects.get_or_create(username="person")[0].pk}


def of_a_closed_person() -> dict[str, Any]:
    return {"pk": User.objects.create_user("closed", is_active=False).pk}


def a_new_person() -> dict[str, Any]:
    return {"first_name": "Mai", "last_name": "Vang", "email": "mai@example.org"}


def a_school() -> dict[str, Any]:
    return {"schools": [School.objects.create(name=uuid4().hex).pk]}


def a_scope() -> dict[str, Any]:
    return {"reach": "chosen", "seen_reach": "all", **a_school()}


def a_member() -> dict[str, Any]:
    form = somebody()
    Group.objects.earliest("pk").user_set.add(form["user"])
    return form


def an_event(owner: User, **more: Any) -> None:
    row = make_delivery(make_recipient(make_message(sender=owner)), address="a@example.com")
    fields = {"event": "delivered", "event_id": "e1", "occurred_at": timezone.now(), "subject": MARK, "raw": "{}"}
    MailgunEvent.objects.create(
        domain=domain(),
        sender=owner,
        **({"delivery": row, "sent_message": row.message, "school_id": row.message.school_id} | fields | more),
    )


def of_the_event() -> dict[str, Any]:
    """The event that was made last, or none at all."""
    return {"pk": MailgunEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 1}


def an_ambiguous_event(owner: User) -> None:
    an_event(owner, linked_by=LinkedBy.AMBIGUOUS, delivery=None, sent_message=None)


def a_failed_event(owner: User) -> None:
    an_event(owner, event="failed", detail=MARK, subject="")


def a_reply(owner: User) -> None:
    number = "+16125550143"
    make_delivery(make_recipient(make_message(sender=owner)), mode="text", address=number)
    record_reply(number=number, text=MARK, at=timezone.now(), taken_as="", raw="{}")


def an_entry(owner: User) -> None:
    record_audit_event(by=owner, action="test.happened", target=MARK)


def a_contact(owner: User) -> None:
    message = make_message(sender=owner)
    recipient = make_recipient(message, name=MARK)
    row = make_delivery(recipient, address=f"{MARK}@example.com", email_outcome="failed-permanent")
    note_contacts(deliveries=[row.pk])
    derive_contacts()


def of_the_contact(**others: Any) -> Callable[[], dict[str, Any]]:
    """The arguments of an address below the contact that was made last, or of none at all."""
    return lambda: {"pk": ContactToFix.objects.order_by("-pk").values_list("pk", flat=True).first() or 1, **others}


def of_a_person() -> dict[str, Any]:
    """The arguments of the record of the person whom a message reached last, or of nobody at all."""
    return {"person": Recipient.objects.order_by("-pk").values_list("person_id", flat=True).first() or "nobody"}


def a_message(owner: User, **fields: Any) -> None:
    message = make_message(sender=owner, sender_name=MARK, subject=MARK, bodies={"email": MARK}, **fields)
    make_delivery(make_recipient(message, name=MARK))


def a_message_2(owner: User) -> None:
    a_message(owner, engine="v2", message_type="Messenger 2.0 - General")


def a_scheduled_message(owner: User) -> None:
    a_message(owner, status="waiting")


def a_waiting_message(owner: User) -> None:
    make_message(sender=owner, subject=MARK, status="waiting")


def an_imported_message() -> dict[str, Any]:
    return {"pk": make_message(external_id=uuid4().hex).pk}


def an_olr_email(owner: User) -> None:
    make_message(sender=owner, subject=MARK, engine="olr")


def a_drill(owner: User) -> None:
    make_message(sender=owner, subject=MARK, drill=True)


def an_unreached_message(owner: User, **fields: Any) -> None:
    """A message with one person, whom it did not reach."""
    a_message(owner, **fields)
    message = SentMessage.objects.latest("pk")
    make_delivery(make_recipient(message, name=MARK), status="failed")
    recount(message_id=message.pk)


def an_unreached_message_2(owner: User) -> None:
    an_unreached_message(owner, engine="v2", message_type="Messenger 2.0 - General")


def an_unreached_running_message(owner: User) -> None:
    an_unreached_message(owner, status="in_progress")


def a_canceled_message(owner: User, **fields: Any) -> None:
    """A message that its sender canceled, completely."""
    now = timezone.now()
    canceled = {"canceled_by": owner, "canceled_by_name": MARK, "cancel_asked_at": now, "cancel_completed_at": now}
    a_message(owner, status="canceled", **canceled, **fields)


def a_canceled_message_2(owner: User) -> None:
    a_canceled_message(owner, engine="v2", message_type="Messenger 2.0 - General")


def a_csv_file(owner: User, **fields: Any) -> None:
    given = {"status": "done", "result": {"devices": [[MARK]], "messages": [[MARK]]} | dict.fromkeys(COUNTS, 1)}
    given |= {"file_name": f"{MARK}.csv", "digest": "0" * 64, "size": 1, "map_name": "recipients"}
    job = ImportJob(owner=owner, **(given | fields))
    job.asked_at = job.expires_at = timezone.now() + timedelta(minutes=5)
    path_of(job).parent.mkdir(parents=True, exist_ok=True)
    path_of(job).write_text(f"{MARK},Time\nMai,1\n")
    job.save()


def a_queued_csv_file(owner: User) -> None:
    a_csv_file(owner, status="queued", result={})


def of_the_csv_file() -> dict[str, Any]:
    return {"pk": ImportJob.objects.order_by("-pk").values_list("pk", flat=True).first() or 1}


def an_upload() -> dict[str, Any]:
    return {"file": SimpleUploadedFile("file.csv", b"Recipient,Device\nMai,m@example.org\n"), "map": "recipients"}


a_request = RecordsRequest.objects.create


def a_records_request(owner: User) -> None:
    times = dict.fromkeys(["asked_at", "expires_at"], timezone.now())
    a_request(owner=owner, criteria={"words": MARK}, **times)


def of_the_records_request() -> dict[str, Any]:
    return {"pk": RecordsRequest.objects.order_by("-pk").values_list("pk", flat=True).first() or 1}


def a_hold() -> dict[str, Any]:
    return {"pk": Hold.objects.create(kind="sender", value="principal", reason="A case", set_by_name="Somebody").pk}


def a_held_sender(owner: User) -> None:
    Hold.objects.create(kind="sender", value="principal", reason=MARK, set_by_name=owner.listed_name)


def an_erased_person(owner: User) -> None:
    Erasure.objects.create(digest="0", asked_by_name=owner.listed_name, reason=MARK, finished_at=timezone.now())


def a_family(owner: User) -> None:
    make_delivery(make_recipient(make_message(sender=owner), person_id=MARK))


def an_erasure() -> dict[str, Any]:
    found = Recipient.objects.filter(person_id=MARK).exists()
    return {"person_id": MARK, "seen": seen(preview(MARK)) if found else "", "typed": "ERASE"}


def a_kept_map() -> dict[str, Any]:
    return {"pk": KeptMap.objects.create(name=uuid4().hex, columns={"name": "Who"}).pk}


def a_roster_run(owner: User) -> None:
    kinds = {kind: {"before": 0, "new": 0, "changed": 0, "leaving": 0, "rows": []} for kind in Kind.values}
    fields = {"source": "file", "check_only": True, "status": "done", "asked_at": timezone.now(), "file_name": MARK}
    RosterRun.objects.create(**fields, difference=kinds, problems=[[MARK, MARK]])


def an_alert(owner: User) -> None:
    now = timezone.now()
    Alert.objects.create(key=uuid4().hex, part=MARK, words=MARK, fired_at=now, last_seen_at=now)


def of_the_alert() -> dict[str, Any]:
    return {"pk": Alert.objects.order_by("-pk").values_list("pk", flat=True).first() or 1}


def a_channel(owner: User) -> None:
    AlertChannel.objects.create(name=MARK, kind="email", emails=["office@district.example"])


def of_the_channel() -> dict[str, Any]:
    return {"pk": AlertChannel.objects.order_by("-pk").values_list("pk", flat=True).first() or 1}


def a_channel_form() -> dict[str, Any]:
    return {"name": uuid4().hex, "emails": "office@district.example", "remind_hours": 0}


def of_the_roster_run() -> dict[str, Any]:
    return {"pk": RosterRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 1}


def a_roster() -> dict[str, Any]:
    return {"file": SimpleUploadedFile("roster.zip", b"PK")}


def of_the_message(**others: Any) -> Callable[[], dict[str, Any]]:
    """The arguments of an address below the message that was made last, or of none at all."""
    return lambda: {"pk": SentMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 1, **others}


@dataclass(frozen=True)
class Guarded:
    name: str
    tool: Tool
    right: Right
    get: int
    htmx: int
    post: int
    export: int
    of: Callable[[], dict[str, Any]] = dict
    """Makes what the address is about, and says by which arguments."""
    data: Callable[[User], None] | None = None
    others: str | int = SHOWN
    also: tuple[Right, ...] = ()
    look: str = ""
    file: str = ""
    does: str = ""
    form: Callable[[], dict[str, Any]] = dict

    @property
    def rights(self) -> list[tuple[Tool, Right]]:
        return [(self.tool, right) for right in (self.right, *self.also)]

    def row(self, kind: str) -> str:
        """The row of the audit trail that an answer to this kind of request leaves; "" for none."""
        if kind == "post":
            return self.does
        return self.file or self.look if kind == "export" else self.look


@dataclass(frozen=True)
class Open:
    name: str
    signed_out: tuple[int, int, int, int]
    signed_in: tuple[int, int, int, int]
    of: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Api:
    name: str
    method: str
    tool: Tool | None
    right: Right
    answer: int
    of: Callable[[], dict[str, Any]] = dict
    query: str = ""
    body: object = None
    data: Callable[[User], None] | None = None
    others: str | int = SHOWN
    only: bool = True
    """Whether this right alone opens it; otherwise other rights do as well."""
    also: tuple[Right, ...] = ()
    row: str = ""

    @property
    def rights(self) -> list[tuple[Tool, Right]]:
        return [(self.tool, right) for right in (self.right, *self.also)] if self.tool else []


A_VIEW = {"list": "sent_message_log", "name": "Buses", "values": {"subject": "bus"}}
A_MESSAGE = {
    "external_id": "matrix-1",
    "engine": "classic",
    "message_type": "Attendance",
    "sender_name": "Matthews, Dexter",
    "created_at": "2026-11-20T10:05:00-06:00",
    "modes": ["voice"],
}

# fmt: off
GUARDED = [
    #       address                    right                         GET  htmx POST ?export=csv
    Guarded("web:user_groups",    Tool.USER_GROUPS, R,          200, 200, 405, 200),
    Guarded("web:user_group",     Tool.USER_GROUPS, R,          200, 200, 405, 200, of=a_group),
    Guarded("web:new_group",      Tool.USER_GROUPS, W,          405, 405, 302, 405,
            does="user_group.created", form=lambda: {"name": "Aides"}),
    Guarded("web:change_rights",  Tool.USER_GROUPS, W,          405, 405, 302, 405, of=a_group,
            does="user_group.rights_changed", form=rights_seen),
    Guarded("web:rights_effect",  Tool.USER_GROUPS, R,          405, 405, 200, 405, of=a_group, form=rights_seen),
    Guarded("web:schools_effect", Tool.USER_GROUPS, R,          405, 405, 200, 405, of=a_group, form=a_scope),
    Guarded("web:change_schools", Tool.USER_GROUPS, W,          405, 405, 302, 405, of=a_group,
            does="user_group.scope_changed", form=a_scope),
    Guarded("web:people",         Tool.USER_GROUPS, R,          200, 200, 302, 200, data=a_person,
            look="list.viewed", file="export.user_groups"),
    Guarded("web:person",         Tool.USER_GROUPS, R,          200, 200, 405, 200, data=a_person, of=of_the_person,
            look="account.viewed"),
    Guarded("web:add_person",     Tool.USER_GROUPS, W,          200, 200, 302, 200,
            does="account.created", form=a_new_person),
    Guarded("web:new_person_effect", Tool.USER_GROUPS, R,       405, 405, 200, 405, form=a_school),
    Guarded("web:person_effect",  Tool.USER_GROUPS, R,          405, 405, 200, 405, of=of_the_person, form=a_school),
    Guarded("web:change_details", Tool.USER_GROUPS, W,          405, 405, 302, 405, of=of_the_person,
            does="account.changed", form=lambda: {"first_name": "Mai", "last_name": "Vang", "email": ""}),
    # Only a superuser does these; tests/web/test_people.py has one.
    Guarded("web:set_password",   Tool.USER_GROUPS, W,          405, 405, 403, 405, of=of_the_person,
            does="access.refused"),
    Guarded("web:remove_factors", Tool.USER_GROUPS, W,          405, 405, 403, 405, of=of_the_person,
            does="access.refused"),
    Guarded("web:change_person",  Tool.USER_GROUPS, W,          405, 405, 302, 405, of=of_the_person,
            does="account.changed", form=a_school),
    Guarded("web:close_account",  Tool.USER_GROUPS, W,          405, 405, 302, 405, of=of_the_person,
            does="account.changed"),
    Guarded("web:open_account",   Tool.USER_GROUPS, W,          405, 405, 302, 405, of=of_a_closed_person,
            does="account.changed"),
    # No mail is sent in this test, and the account has no address; tests/web/test_people.py invites.
    Guarded("web:invite_person",  Tool.USER_GROUPS, W,          405, 405, 302, 405, of=of_the_person),
    Guarded("web:view_as",        Tool.USER_GROUPS, W,          405, 405, 302, 405, of=of_the_person,
            does="view_as.started"),
    Guarded("web:rename_group",   Tool.USER_GROUPS, W,          405, 405, 302, 405, of=a_group,
            does="user_group.renamed", form=lambda: {"name": "Aides"}),
    Guarded("web:group_people",   Tool.USER_GROUPS, R,          200, 200, 405, 200, of=a_group),
    Guarded("web:find_people",    Tool.USER_GROUPS, W,          405, 405, 200, 405, of=a_group,
            does="person.searched", form=lambda: {"who": "Vang"}),
    Guarded("web:add_member",     Tool.USER_GROUPS, W,          405, 405, 302, 405, of=a_group,
            does="user_group.member_added", form=somebody),
    Guarded("web:remove_member",  Tool.USER_GROUPS, W,          405, 405, 302, 405, of=a_group,
            does="user_group.member_removed", form=a_member),
    Guarded("web:require_second_factor", Tool.USER_GROUPS, W,   405, 405, 302, 405, of=a_group,
            does="user_group.policy_changed", form=lambda: {"required": "yes"}),
    Guarded("web:hide_sign_in_advice", Tool.USER_GROUPS, W,     405, 405, 302, 405),
    Guarded("web:delete_group",   Tool.USER_GROUPS, W,          200, 200, 302, 200, of=a_group,
            does="user_group.deleted"),
    Guarded("web:service_accounts", Tool.USER_GROUPS, R,        200, 200, 405, 200),
    Guarded("web:new_service_account", Tool.USER_GROUPS, W,     405, 405, 200, 405,
            does="service_account.created", form=a_program_form),
    Guarded("web:renew_service_account", Tool.USER_GROUPS, W,   405, 405, 200, 405, of=a_program,
            does="service_account.secret_renewed"),
    Guarded("web:end_service_account", Tool.USER_GROUPS, W,     405, 405, 302, 405, of=a_program,
            does="service_account.ended"),
    Guarded("web:audit_trail",    Tool.AUDIT_TRAIL, R,          200, 200, 302, 200, data=an_entry,
            look="list.viewed", file="export.audit_trail"),
    # Nothing is shown before a message or a family is named; tests/web/test_audit_trail.py names them.
    Guarded("web:who_saw",        Tool.AUDIT_TRAIL, R,          200, 200, 302, 200),
    # The list names nobody, so it leaves no row.
    Guarded("web:records_requests", Tool.RECORDS_REQUEST, R,    200, 200, 405, 200),
    Guarded("web:new_records_request", Tool.RECORDS_REQUEST, W, 200, 200, 200, 200, also=(R,),
            does="records.previewed", form=lambda: {"words": "snow"}),
    Guarded("web:records_request", Tool.RECORDS_REQUEST, R,     200, 200, 405, 200,
            data=a_records_request, of=of_the_records_request, look="records.viewed"),
    Guarded("web:cancel_records_request", Tool.RECORDS_REQUEST, W, 405, 405, 302, 405, also=(R,),
            data=a_records_request, of=of_the_records_request, does="records.canceled"),
    # No worker has made the file, so it is not there; tests/records hand over one.
    Guarded("web:hand_over_records", Tool.RECORDS_REQUEST, W,   405, 405, 302, 405, also=(R,),
            data=a_records_request, of=of_the_records_request, form=lambda: {"received_by": "Mai"}),

    # Nothing is shown before a search, so there is nothing to look for; tests/web/recipient_log searches.
    Guarded("web:recipient_log", Tool.RECIPIENT_LOG, R,   200, 200, 302, 200),
    Guarded("web:admin_recipient_log", Tool.ADMIN_RECIPIENT_LOG, R, 200, 200, 302, 200),
    Guarded("web:recipient_log_person", Tool.RECIPIENT_LOG, R,   200, 200, 302, 200,
            data=a_message, of=of_a_person, others=404, look="person.viewed", file="export.recipient_log"),
    Guarded("web:admin_recipient_log_person", Tool.ADMIN_RECIPIENT_LOG, R, 200, 200, 302, 200,
            data=a_message, of=of_a_person, look="person.viewed", file="export.admin_recipient_log"),

    Guarded("web:contacts_to_fix", Tool.CONTACTS_TO_FIX, R, 200, 200, 302, 200, data=a_contact, others=HIDDEN,
            look="list.viewed", file="export.contacts_to_fix"),
    Guarded("web:admin_contacts_to_fix", Tool.ADMIN_CONTACTS_TO_FIX, R, 200, 200, 302, 200, data=a_contact,
            look="list.viewed", file="export.admin_contacts_to_fix"),
    Guarded("web:contacts_to_fix_contact", Tool.CONTACTS_TO_FIX, R, 200, 200, 405, 200,
            data=a_contact, of=of_the_contact(), others=404, look="contact.viewed"),
    Guarded("web:admin_contacts_to_fix_contact", Tool.ADMIN_CONTACTS_TO_FIX, R, 200, 200, 405, 200,
            data=a_contact, of=of_the_contact(), look="contact.viewed"),
    Guarded("web:contacts_to_fix_contact_state", Tool.CONTACTS_TO_FIX, W, 405, 405, 302, 405, also=(R,),
            data=a_contact, of=of_the_contact(), others=404, does="contact.state_changed", form=family_told),
    Guarded("web:admin_contacts_to_fix_contact_state", Tool.ADMIN_CONTACTS_TO_FIX, W, 405, 405, 302, 405, also=(R,),
            data=a_contact, of=of_the_contact(), does="contact.state_changed", form=family_told),
    # No list of the provider has it, so nothing is asked; tests/mailgun_sync/test_allow_again.py asks.
    Guarded("web:contacts_to_fix_contact_allow", Tool.CONTACTS_TO_FIX, W, 405, 405, 302, 405, also=(R,),
            data=a_contact, of=of_the_contact(), others=404),
    Guarded("web:admin_contacts_to_fix_contact_allow", Tool.ADMIN_CONTACTS_TO_FIX, W, 405, 405, 302, 405, also=(R,),
            data=a_contact, of=of_the_contact()),
    Guarded("web:replies", Tool.REPLIES, R,   200, 200, 302, 200, data=a_reply,
            look="list.viewed", file="export.replies"),
    Guarded("web:ambiguous_events", Tool.MAILGUN_SYNC, R,   200, 200, 302, 200, data=an_ambiguous_event,
            look="list.viewed", file="export.mailgun_sync"),
    Guarded("web:mailgun_message_log", Tool.MAILGUN_MESSAGE_LOG, R,  200, 200, 302, 200, data=an_event, others=HIDDEN,
            look="list.viewed", file="export.mailgun_message_log"),
    Guarded("web:admin_mailgun_message_log",  Tool.ADMIN_MAILGUN_MESSAGE_LOG, R, 200, 200, 302, 200, data=an_event,
            look="list.viewed", file="export.admin_mailgun_message_log"),
    Guarded("web:mailgun_message_log_email", Tool.MAILGUN_MESSAGE_LOG, R,  200, 200, 405, 200,
            data=an_event, of=of_the_event, others=404, look="email.viewed"),
    Guarded("web:admin_mailgun_message_log_email", Tool.ADMIN_MAILGUN_MESSAGE_LOG, R, 200, 200, 405, 200,
            data=an_event, of=of_the_event, look="email.viewed"),
    Guarded("web:mailgun_message_log_groups", Tool.MAILGUN_MESSAGE_LOG, R,  200, 200, 302, 200,
            data=a_failed_event, others=HIDDEN,
            look="list.viewed", file="export.mailgun_message_log"),
    Guarded("web:admin_mailgun_message_log_groups", Tool.ADMIN_MAILGUN_MESSAGE_LOG, R, 200, 200, 302, 200,
            data=a_failed_event,
            look="list.viewed", file="export.admin_mailgun_message_log"),
    Guarded("web:sent_message_log", Tool.SENT_MESSAGE_LOG, R,     200, 200, 302, 200, data=a_message, others=HIDDEN,
            file="export.sent_message_log"),
    Guarded("web:olr_email_log",  Tool.SENT_MESSAGE_LOG, R,     200, 200, 302, 200,
            data=an_olr_email, others=HIDDEN,
            file="export.sent_message_log"),
    Guarded("web:sent_message_log_message",  Tool.SENT_MESSAGE_LOG, R,     200, 200, 405, 200,
            data=a_message, of=of_the_message(), others=404,
            look="message.viewed"),
    Guarded("web:sent_message_log_message_recipients", Tool.SENT_MESSAGE_LOG, R, 200, 200, 302, 200,
            data=a_message, of=of_the_message(), others=404,
            look="message.viewed", file="export.sent_message_log"),
    Guarded("web:sent_message_log_message_body", Tool.SENT_MESSAGE_LOG, R, 200, 200, 405, 200,
            data=a_message, of=of_the_message(mode="email"), others=404,
            look="message.viewed"),
    Guarded("web:sent_message_log_message_cancel", Tool.SENT_MESSAGE_LOG, W, 200, 200, 302, 200,
            data=a_waiting_message, of=of_the_message(), others=404, also=(R,),
            look="message.viewed", does="message.canceled"),
    Guarded("web:sent_message_log_2",    Tool.SENT_MESSAGE_LOG_2, R,   200, 200, 302, 200,
            data=a_message_2, others=HIDDEN, also=OWN_GENERAL,
            file="export.sent_message_log_2"),
    Guarded("web:sent_message_log_2_message", Tool.SENT_MESSAGE_LOG_2, R,  200, 200, 405, 200,
            data=a_message_2, of=of_the_message(), others=404, also=OWN_GENERAL,
            look="message.viewed"),
    Guarded("web:sent_message_log_2_message_recipients", Tool.SENT_MESSAGE_LOG_2, R, 200, 200, 302, 200,
            data=a_message_2, of=of_the_message(), others=404, also=OWN_GENERAL,
            look="message.viewed", file="export.sent_message_log_2"),
    Guarded("web:sent_message_log_2_message_body", Tool.SENT_MESSAGE_LOG_2, R, 200, 200, 405, 200,
            data=a_message_2, of=of_the_message(mode="email"), others=404, also=OWN_GENERAL,
            look="message.viewed"),
    Guarded("web:upcoming_messages", Tool.UPCOMING_MESSAGES, R,    200, 200, 302, 200,
            data=a_scheduled_message, others=HIDDEN,
            file="export.upcoming_messages"),
    Guarded("web:upcoming_messages_message", Tool.UPCOMING_MESSAGES, R, 200, 200, 405, 200,
            data=a_scheduled_message, of=of_the_message(), others=404,
            look="message.viewed"),
    Guarded("web:upcoming_messages_message_recipients", Tool.UPCOMING_MESSAGES, R, 200, 200, 302, 200,
            data=a_scheduled_message, of=of_the_message(), others=404,
            look="message.viewed", file="export.upcoming_messages"),
    Guarded("web:upcoming_messages_message_body", Tool.UPCOMING_MESSAGES, R, 200, 200, 405, 200,
            data=a_scheduled_message, of=of_the_message(mode="email"), others=404,
            look="message.viewed"),
    Guarded("web:upcoming_messages_message_cancel", Tool.UPCOMING_MESSAGES, W, 200, 200, 302, 200,
            data=a_waiting_message, of=of_the_message(), others=404, also=(R,),
            look="message.viewed", does="message.canceled"),
    Guarded("web:admin_sent_message_log",     Tool.ADMIN_SENT_MESSAGE_LOG, R, 200, 200, 302, 200, data=a_message,
            file="export.admin_sent_message_log"),
    Guarded("web:admin_olr_email_log", Tool.ADMIN_SENT_MESSAGE_LOG, R, 200, 200, 302, 200, data=an_olr_email,
            file="export.admin_sent_message_log"),
    Guarded("web:admin_sent_message_log_message", Tool.ADMIN_SENT_MESSAGE_LOG, R, 200, 200, 405, 200,
            data=a_message, of=of_the_message(),
            look="message.viewed"),
    Guarded("web:admin_sent_message_log_message_recipients", Tool.ADMIN_SENT_MESSAGE_LOG, R, 200, 200, 302, 200,
            data=a_message, of=of_the_message(),
            look="message.viewed", file="export.admin_sent_message_log"),
    Guarded("web:admin_sent_message_log_message_body", Tool.ADMIN_SENT_MESSAGE_LOG, R, 200, 200, 405, 200,
            data=a_message, of=of_the_message(mode="email"),
            look="message.viewed"),
    Guarded("web:admin_sent_message_log_message_cancel", Tool.ADMIN_SENT_MESSAGE_LOG, W, 200, 200, 302, 200,
            data=a_waiting_message, of=of_the_message(), also=(R,),
            look="message.viewed", does="message.canceled"),

    Guarded("web:sent_message_log_message_retry", Tool.SENT_MESSAGE_LOG, W, 200, 200, 302, 200, also=(R,),
            data=a_message, others=404, of=of_the_message(),
            look="message.viewed"),
    Guarded("web:admin_sent_message_log_message_retry", Tool.ADMIN_SENT_MESSAGE_LOG, W, 200, 200, 302, 200, also=(R,),
            data=a_message, of=of_the_message(),
            look="message.viewed"),
    Guarded("web:upcoming_messages_message_retry", Tool.UPCOMING_MESSAGES, W, 200, 200, 302, 200, also=(R,),
            data=a_waiting_message, others=404, of=of_the_message(),
            look="message.viewed"),

    Guarded("web:sent_message_log_message_unreached", Tool.SENT_MESSAGE_LOG, R, 200, 200, 302, 200,
            data=an_unreached_message, of=of_the_message(), others=404,
            look="message.viewed", file="export.sent_message_log"),
    # Without choices it is a page that offers them.
    Guarded("web:sent_message_log_message_call_sheet", Tool.SENT_MESSAGE_LOG, R, 200, 200, 405, 200,
            data=an_unreached_message, of=of_the_message(), others=404),
    Guarded("web:admin_sent_message_log_message_unreached", Tool.ADMIN_SENT_MESSAGE_LOG, R, 200, 200, 302, 200,
            data=an_unreached_message, of=of_the_message(),
            look="message.viewed", file="export.admin_sent_message_log"),
    # Without choices it is a page that offers them.
    Guarded("web:admin_sent_message_log_message_call_sheet", Tool.ADMIN_SENT_MESSAGE_LOG, R, 200, 200, 405, 200,
            data=an_unreached_message, of=of_the_message()),
    Guarded("web:sent_message_log_2_message_unreached", Tool.SENT_MESSAGE_LOG_2, R, 200, 200, 302, 200,
            data=an_unreached_message_2, of=of_the_message(), others=404, also=OWN_GENERAL,
            look="message.viewed", file="export.sent_message_log_2"),
    # Without choices it is a page that offers them.
    Guarded("web:sent_message_log_2_message_call_sheet", Tool.SENT_MESSAGE_LOG_2, R, 200, 200, 405, 200,
            data=an_unreached_message_2, of=of_the_message(), others=404, also=OWN_GENERAL),
    Guarded("web:upcoming_messages_message_unreached", Tool.UPCOMING_MESSAGES, R, 200, 200, 302, 200,
            data=an_unreached_running_message, of=of_the_message(), others=404,
            look="message.viewed", file="export.upcoming_messages"),
    # Without choices it is a page that offers them.
    Guarded("web:upcoming_messages_message_call_sheet", Tool.UPCOMING_MESSAGES, R, 200, 200, 405, 200,
            data=an_unreached_running_message, of=of_the_message(), others=404),
    # Without choices it is a page that offers them.
    Guarded("web:sent_message_log_message_certificate", Tool.SENT_MESSAGE_LOG, R, 200, 200, 405, 200,
            data=a_canceled_message, of=of_the_message(), others=404),
    Guarded("web:admin_sent_message_log_message_certificate", Tool.ADMIN_SENT_MESSAGE_LOG, R, 200, 200, 405, 200,
            data=a_canceled_message, of=of_the_message()),
    Guarded("web:sent_message_log_2_message_certificate", Tool.SENT_MESSAGE_LOG_2, R, 200, 200, 405, 200,
            data=a_canceled_message_2, of=of_the_message(), others=404, also=OWN_GENERAL),
    # It is upcoming no more: only the person who canceled it comes back to it here.
    Guarded("web:upcoming_messages_message_certificate", Tool.UPCOMING_MESSAGES, R, 200, 200, 405, 200,
            data=a_canceled_message, of=of_the_message(), others=404),
    Guarded("web:reach", Tool.REACH, R, 200, 200, 302, 200, data=a_message, others=HIDDEN,
            file="export.reach"),
    Guarded("web:drill", Tool.REACH, R, 200, 200, 302, 200,
            data=a_drill, of=of_the_message(), others=404,
            look="message.viewed", file="export.reach"),
    Guarded("web:drill_mark", Tool.REACH, W, 405, 405, 302, 405,
            data=a_drill, of=of_the_message(), others=404, also=(R,),
            does="message.marked_as_no_drill"),
    Guarded("web:admin_reach", Tool.ADMIN_REACH, R, 200, 200, 302, 200, data=a_message,
            file="export.admin_reach"),
    Guarded("web:admin_drill", Tool.ADMIN_REACH, R, 200, 200, 302, 200,
            data=a_drill, of=of_the_message(),
            look="message.viewed", file="export.admin_reach"),
    Guarded("web:admin_drill_mark", Tool.ADMIN_REACH, W, 405, 405, 302, 405,
            data=a_drill, of=of_the_message(), also=(R,),
            does="message.marked_as_no_drill"),
    Guarded("web:message_import", Tool.MESSAGE_IMPORT, W, 200, 200, 405, 200, data=a_csv_file, others=HIDDEN),
    Guarded("web:import_upload", Tool.MESSAGE_IMPORT, W, 405, 405, 302, 405,
            does="import.uploaded", form=an_upload),
    Guarded("web:import_job", Tool.MESSAGE_IMPORT, W, 200, 200, 405, 200,
            data=a_csv_file, of=of_the_csv_file, others=404, look="import.viewed"),
    Guarded("web:import_check", Tool.MESSAGE_IMPORT, W, 405, 405, 302, 405,
            data=a_csv_file, of=of_the_csv_file, others=404, does="import.check_asked",
            form=lambda: {"map": "recipients"}),
    Guarded("web:import_map", Tool.MESSAGE_IMPORT, W, 200, 200, 302, 200,
            data=a_queued_csv_file, of=of_the_csv_file, others=404, does="import_map.saved",
            form=lambda: {"name": "Ours", "column_0": "name", "date_order": "mdy"}),
    Guarded("web:import_start", Tool.MESSAGE_IMPORT, W, 405, 405, 302, 405,
            data=a_csv_file, of=of_the_csv_file, others=404, does="import.started"),
    Guarded("web:import_cancel", Tool.MESSAGE_IMPORT, W, 405, 405, 302, 405,
            data=a_queued_csv_file, of=of_the_csv_file, others=404, does="import.canceled"),
    Guarded("web:import_remove", Tool.MESSAGE_IMPORT, W, 405, 405, 302, 405,
            data=a_csv_file, of=of_the_csv_file, others=404, does="import.removed"),
    Guarded("web:import_map_delete", Tool.MESSAGE_IMPORT, W, 405, 405, 302, 405, of=a_kept_map,
            does="import_map.deleted"),

    Guarded("web:roster",           Tool.ROSTER, R,         200, 200, 405, 200, data=a_roster_run),
    Guarded("web:roster_ask",       Tool.ROSTER, W,         405, 405, 302, 405, does="roster.run_asked"),
    Guarded("web:roster_upload",    Tool.ROSTER, W,         405, 405, 302, 405,
            does="roster.check_asked", form=a_roster),
    Guarded("web:roster_run",       Tool.ROSTER, R,         200, 200, 405, 200,
            data=a_roster_run, of=of_the_roster_run, look="roster.viewed"),
    Guarded("web:roster_start",     Tool.ROSTER, W,         405, 405, 302, 405,
            data=a_roster_run, of=of_the_roster_run, does="roster.run_asked"),

    Guarded("web:alerts",            Tool.ALERTS, R,         200, 200, 302, 200,
            data=an_alert, file="export.alerts"),
    Guarded("web:alert",             Tool.ALERTS, R,         200, 200, 405, 200, data=an_alert, of=of_the_alert),
    Guarded("web:acknowledge_alert", Tool.ALERTS, W,         405, 405, 302, 405, data=an_alert, of=of_the_alert,
            does="alert.acknowledged"),
    Guarded("web:alert_channels",    Tool.ALERTS, W,         200, 200, 405, 200, data=a_channel),
    Guarded("web:new_alert_channel", Tool.ALERTS, W,         200, 200, 302, 200, of=lambda: {"kind": "email"},
            does="alert_channel.added", form=a_channel_form),
    Guarded("web:alert_channel",     Tool.ALERTS, W,         200, 200, 302, 200, data=a_channel, of=of_the_channel,
            does="alert_channel.changed", form=a_channel_form),
    Guarded("web:test_alert_channel", Tool.ALERTS, W,        405, 405, 302, 405, data=a_channel, of=of_the_channel,
            does="alert_channel.tested"),
    Guarded("web:remove_alert_channel", Tool.ALERTS, W,      405, 405, 302, 405, data=a_channel, of=of_the_channel,
            does="alert_channel.removed"),


    # Without choices it is a page that offers them.
    Guarded("web:sent_message_log_message_report", Tool.SENT_MESSAGE_LOG, R,         200, 200, 405, 200,
            data=a_message, of=of_the_message(), others=404),
    Guarded("web:admin_sent_message_log_message_report", Tool.ADMIN_SENT_MESSAGE_LOG, R, 200, 200, 405, 200,
            data=a_message, of=of_the_message()),
    Guarded("web:sent_message_log_2_message_report", Tool.SENT_MESSAGE_LOG_2, R,         200, 200, 405, 200,
            data=a_message_2, of=of_the_message(), others=404, also=OWN_GENERAL),

    Guarded("web:retention",         Tool.RETENTION, R,            200, 200, 405, 200, look="list.viewed",
            data=a_held_sender),
    Guarded("web:retention_periods", Tool.RETENTION, W,            405, 405, 302, 405, also=(R,),
            does="retention.period_set", form=lambda: {"people": 800, "events": 400}),
    Guarded("web:add_hold",          Tool.RETENTION, W,            405, 405, 302, 405, also=(R,),
            does="retention.hold_set", form=lambda: {"kind": "sender", "value": "principal", "reason": "A case"}),
    Guarded("web:lift_hold",         Tool.RETENTION, W,            405, 405, 302, 405, of=a_hold, also=(R,),
            does="retention.hold_lifted"),
    Guarded("web:erase",             Tool.ERASE, W,                200, 200, 405, 200, look="list.viewed",
            data=an_erased_person),
    Guarded("web:erase_show",        Tool.ERASE, W,                405, 405, 200, 405, does="person.viewed",
            data=a_family, form=lambda: {"person_id": MARK}),
    Guarded("web:erase_confirm",     Tool.ERASE, W,                405, 405, 302, 405, does="person.erase_asked",
            data=a_family, form=an_erasure),

    # The help of each other tool asks for the right of that tool: tests/web/test_help.py.
    Guarded("web:tool_help",         Tool.SCHEDULED_REPORTS, R,    200, 200, 405, 200,
            of=lambda: {"slug": "scheduled-reports"}),
    Guarded("web:scheduled_reports", Tool.SCHEDULED_REPORTS, R,    200, 200, 405, 200),
    Guarded("web:schedule_attachments", Tool.SCHEDULED_REPORTS, W, 405, 405, 302, 405, of=a_schedule,
            does="scheduled_report.attachments_allowed", form=lambda: {"allowed": "yes"}),
    Guarded("web:end_schedule",      Tool.SCHEDULED_REPORTS, W,    405, 405, 302, 405, of=a_schedule,
            does="scheduled_report.ended"),

    Guarded("web:system_health",    Tool.MAILGUN_SYNC, R,         200, 200, 405, 200),
    Guarded("web:mailgun_sync",     Tool.MAILGUN_SYNC, R,         301, 301, 405, 301),
    Guarded("web:dispatch_status",  Tool.MAILGUN_SYNC, R,         301, 301, 405, 301),
    Guarded("web:domain_health",    Tool.MAILGUN_SYNC, R,         200, 200, 405, 200),
    Guarded("web:check_domain",     Tool.MAILGUN_SYNC, W,         405, 405, 302, 405, of=a_domain,
            does="domain_health.asked"),
    Guarded("web:sync_now",   Tool.MAILGUN_SYNC, W,         405, 405, 302, 405, of=a_domain,
            does="mailgun_sync.asked"),
    Guarded("web:read_suppressions", Tool.MAILGUN_SYNC, W,  405, 405, 302, 405, of=a_domain,
            does="mailgun_sync.suppressions_asked"),
    Guarded("web:pause_sync",      Tool.MAILGUN_SYNC, W,         405, 405, 302, 405, of=a_domain,
            does="mailgun_sync.paused"),
    Guarded("web:resume_sync",     Tool.MAILGUN_SYNC, W,         405, 405, 302, 405, of=a_paused_domain,
            does="mailgun_sync.resumed"),
    Guarded("web:backfill_sync",   Tool.MAILGUN_SYNC, W,         405, 405, 302, 405, of=a_synced_domain,
            does="mailgun_sync.backfill_asked"),
    Guarded("web:retry_event",      Tool.MAILGUN_SYNC, W,         405, 405, 302, 405, of=a_quarantined_event,
            does="mailgun_sync.retried"),
]

OPEN = [
    #    address                                  signed out: GET, htmx, POST, ?export=csv    signed in
    # Its fragment refreshes: to htmx, the way to the sign-in page is an answer of its own.
    Open("web:home",                   (302, 200, 302, 302),                       (200, 200, 405, 200)),
    # What it finds depends on the rights: tests/messenger_logs/test_search.py.
    Open("web:search",                 (302, 302, 302, 302),                       (200, 200, 302, 200)),
    Open("web:help",                   (302, 302, 302, 302),                       (200, 200, 405, 200)),
    Open("web:keys",                   (302, 302, 302, 302),                       (200, 200, 302, 200)),
    # Without a language it is not understood; tests/web/test_languages.py has the others.
    Open("web:language",               (405, 405, 400, 405),                       (405, 405, 400, 405)),
    # Everybody's own: tests/reports/test_jobs.py tries those of others.
    Open("web:my_reports",                    (302, 302, 302, 302),                       (200, 200, 405, 200)),
    Open("web:report_job",                           (302, 302, 302, 302),                       (404, 404, 405, 404),
         of={"pk": 1}),
    Open("web:report_file",                          (302, 302, 302, 302),                       (404, 404, 405, 404),
         of={"pk": 1}),
    Open("web:report_cancel",                        (405, 405, 302, 405),                       (405, 405, 404, 405),
         of={"pk": 1}),
    Open("web:report_remove",                        (405, 405, 302, 405),                       (405, 405, 404, 405),
         of={"pk": 1}),
    # Everybody's own: tests/saved_views/test_pages.py tries those of others.
    Open("web:saved_views",                          (302, 302, 302, 302),                       (200, 200, 405, 200)),
    Open("web:save_view",                            (405, 405, 302, 405),                       (405, 405, 302, 405)),
    # Nobody has a list without an address.
    Open("web:choose_columns",                       (405, 405, 302, 405),                       (405, 405, 404, 405)),
    Open("web:saved_view",                           (302, 302, 302, 302),                       (404, 404, 405, 404),
         of={"pk": 1}),
    Open("web:change_view",                          (405, 405, 302, 405),                       (405, 405, 404, 405),
         of={"pk": 1}),
    Open("web:delete_view",                          (405, 405, 302, 405),                       (405, 405, 404, 405),
         of={"pk": 1}),
    Open("web:schedule_view",                        (405, 405, 302, 405),                       (405, 405, 404, 405),
         of={"pk": 1}),
    Open("web:remove_schedule",                      (405, 405, 302, 405),                       (405, 405, 404, 405),
         of={"pk": 1}),
    Open("web:my_notifications",                     (302, 302, 302, 302),                       (200, 200, 405, 200)),
    Open("web:choose_digest",                        (405, 405, 302, 405),                       (405, 405, 400, 405)),
    Open("web:choose_report",                        (405, 405, 302, 405),                       (405, 405, 404, 405),
         of={"pk": 1}),
    # Without a view it leads on to the home page; tests/web/test_view_as.py has the views.
    Open("web:end_view_as",                          (405, 405, 302, 405),                       (405, 405, 302, 405)),
    Open("api:documentation",                     (302, 302, 302, 302),                       (200, 200, 405, 200)),
    Open("api:schema",                            (401, 401, 401, 401),                       (200, 200, 405, 200)),
    Open("account_login",                         (200, 200, 200, 200),                       (302, 302, 302, 302)),
    Open("account_logout",                        (302, 302, 302, 302),                       (200, 200, 302, 200)),
    Open("account_help",                          (200, 200, 405, 200),                       (200, 200, 405, 200)),
    Open("account_reauthenticate",                (302, 302, 302, 302),                       (200, 200, 200, 200)),
    # Who has no second factor is asked for the password before one is set up.
    Open("mfa_index",                             (302, 302, 302, 302),                       (200, 200, 405, 200)),
    Open("mfa_authenticate",                      (302, 302, 302, 302),                       (302, 302, 302, 302)),
    Open("mfa_reauthenticate",                    (302, 302, 302, 302),                       (302, 302, 302, 302)),
    Open("mfa_reauthenticate_webauthn",           (302, 302, 302, 302),                       (302, 302, 302, 302)),
    Open("mfa_activate_totp",                     (302, 302, 302, 302),                       (302, 302, 302, 302)),
    Open("mfa_deactivate_totp",                   (302, 302, 302, 302),                       (404, 404, 404, 404)),
    Open("mfa_view_recovery_codes",               (302, 302, 302, 302),                       (404, 404, 405, 404)),
    Open("mfa_download_recovery_codes",           (302, 302, 302, 302),                       (404, 404, 404, 404)),
    Open("mfa_generate_recovery_codes",           (302, 302, 302, 302),                       (302, 302, 302, 302)),
    Open("mfa_list_webauthn",                     (302, 302, 302, 302),                       (200, 200, 405, 200)),
    Open("mfa_add_webauthn",                      (302, 302, 302, 302),                       (302, 302, 302, 302)),
    Open("mfa_remove_webauthn",                   (302, 302, 302, 302),                       (302, 302, 302, 302),
         of={"pk": 1}),
    Open("mfa_edit_webauthn",                     (302, 302, 302, 302),                       (302, 302, 302, 302),
         of={"pk": 1}),
    Open("mfa_login_webauthn",                    (302, 302, 302, 302),                       (302, 302, 302, 302)),
    Open("web:my_sessions",                       (302, 302, 302, 302),                       (200, 200, 405, 200)),
    Open("web:end_session",                       (405, 405, 302, 405),                       (405, 405, 404, 405),
         of={"pk": 1}),
    Open("web:end_other_sessions",                (405, 405, 302, 405),                       (405, 405, 302, 405)),
    Open("account_change_password",               (302, 302, 302, 302),                       (200, 200, 200, 200)),
    Open("account_reset_password",                (200, 200, 200, 200),                       (200, 200, 200, 200)),
    Open("account_reset_password_done",           (200, 200, 405, 200),                       (200, 200, 405, 200)),
    Open("account_reset_password_from_key",       (200, 200, 200, 200),                       (200, 200, 200, 200),
         of={"uidb36": "1", "key": "no-such-key"}),
    Open("account_reset_password_from_key_done",  (200, 200, 405, 200),                       (200, 200, 405, 200)),
    # Without a provider in the settings there is nothing; tests/accounts/sso has some.
    Open("sign_in_by",                            (405, 405, 404, 405),                       (405, 405, 404, 405),
         of={"provider": "no-such"}),
    Open("openid_connect_callback",               (404, 404, 404, 404),                       (404, 404, 404, 404),
         of={"provider_id": "no-such"}),
    Open("saml_acs",                              (405, 405, 404, 405),                       (405, 405, 404, 405),
         of={"organization_slug": "no-such"}),
    Open("saml_finish_acs",                       (404, 404, 404, 404),                       (404, 404, 404, 404),
         of={"organization_slug": "no-such"}),
    Open("saml_sls",                              (404, 404, 404, 404),                       (404, 404, 404, 404),
         of={"organization_slug": "no-such"}),
    Open("saml_metadata",                         (404, 404, 404, 404),                       (404, 404, 404, 404),
         of={"organization_slug": "no-such"}),
    # The credentials of a program open it: tests/web/api/test_service_accounts.py.
    Open("api:service_token",                     (405, 405, 400, 405),                       (405, 405, 400, 405)),
    # For Mailgun, which signs its calls. Without a key in the settings it is asked to come again.
    Open("web:mailgun_webhook",                       (405, 405, 503, 405),                       (405, 405, 503, 405)),
    # For the provider of voice and text, under an address that nobody else knows.
    Open("web:voxology_call_flow",                    (405, 405, 404, 405),                       (405, 405, 404, 405),
         of={"secret": "no-such-secret"}),
    Open("web:voxology_texts",                        (405, 405, 404, 405),                       (405, 405, 404, 405),
         of={"secret": "no-such-secret"}),
]

API = [
    #   address                       method   right                                 answer
    Api("api:tokens",                 "post",   None, R,                              400),
    Api("api:tokens",                 "delete", None, R,                              204, row="api_token.ended"),
    Api("api:messages",               "get",    Tool.SENT_MESSAGE_LOG, R,             200, query="log=sent",
        data=a_message, others=HIDDEN),
    Api("api:messages",               "get",    Tool.ADMIN_SENT_MESSAGE_LOG, R,       200,
        query="log=sent_administration", data=a_message),
    Api("api:messages",               "get",    Tool.SENT_MESSAGE_LOG, R,             200, query="log=olr",
        data=an_olr_email, others=HIDDEN),
    Api("api:messages",               "get",    Tool.ADMIN_SENT_MESSAGE_LOG, R,       200,
        query="log=olr_administration", data=an_olr_email),
    Api("api:messages",               "get",    Tool.SENT_MESSAGE_LOG_2, R,           200, query="log=log_2"),
    Api("api:messages",               "get",    Tool.UPCOMING_MESSAGES, R,            200, query="log=upcoming",
        data=a_waiting_message, others=HIDDEN),
    Api("api:messages",               "post",   Tool.MESSAGE_IMPORT, W,               400),
    Api("api:messages",               "post",   Tool.MESSAGE_IMPORT, W,               201, body=A_MESSAGE,
        row="import.messages"),
    Api("api:messages",               "post",   Tool.MESSAGE_IMPORT, Right.SEND,      201, also=(W,),
        body=A_MESSAGE | {"sent_by": "here", "sender_name": "", "external_id": "matrix-2"}, row="import.messages"),
    Api("api:messages_in_bulk",       "post",   Tool.MESSAGE_IMPORT, W,               200, body=[{}]),
    Api("api:messages_in_bulk",       "post",   Tool.MESSAGE_IMPORT, W,               200, body=[A_MESSAGE],
        row="import.messages"),
    Api("api:message_search",         "post",   Tool.SENT_MESSAGE_LOG, R,             200, query="log=sent",
        body={"sender": MARK}, data=a_message, others=HIDDEN, row="person.searched"),
    Api("api:message_search",         "post",   Tool.ADMIN_SENT_MESSAGE_LOG, R,       200,
        query="log=sent_administration", body={"sender": MARK}, data=a_message, row="person.searched"),
    Api("api:message",                "get",    Tool.SENT_MESSAGE_LOG, R,             200, of=of_the_message(),
        data=a_message, others=404, only=False, row="message.viewed"),
    Api("api:message",                "get",    Tool.ADMIN_SENT_MESSAGE_LOG, R,       200, of=of_the_message(),
        data=a_message, only=False, row="message.viewed"),
    Api("api:message",                "get",    Tool.UPCOMING_MESSAGES, R,            200, of=of_the_message(),
        data=a_waiting_message, others=404, only=False, row="message.viewed"),
    Api("api:deliveries",             "get",    Tool.SENT_MESSAGE_LOG, R,             200, of=of_the_message(),
        data=a_message, others=404, only=False, row="message.viewed"),
    Api("api:deliveries",             "get",    Tool.ADMIN_SENT_MESSAGE_LOG, R,       200, of=of_the_message(),
        data=a_message, only=False, row="message.viewed"),
    Api("api:delivery_search",        "post",   Tool.SENT_MESSAGE_LOG, R,             200, of=of_the_message(),
        body={"recipient": MARK}, data=a_message, others=404, only=False, row="message.viewed"),
    Api("api:delivery_search",        "post",   Tool.ADMIN_SENT_MESSAGE_LOG, R,       200, of=of_the_message(),
        body={"recipient": MARK}, data=a_message, only=False, row="message.viewed"),
    Api("api:people",                 "get",    Tool.SENT_MESSAGE_LOG, R,             200, of=of_the_message(),
        data=an_unreached_message, others=404, only=False, row="message.viewed"),
    Api("api:people",                 "get",    Tool.ADMIN_SENT_MESSAGE_LOG, R,       200, of=of_the_message(),
        data=an_unreached_message, only=False, row="message.viewed"),
    Api("api:people_search",          "post",   Tool.SENT_MESSAGE_LOG, R,             200, of=of_the_message(),
        body={"recipient": MARK}, data=an_unreached_message, others=404, only=False, row="message.viewed"),
    Api("api:people_search",          "post",   Tool.ADMIN_SENT_MESSAGE_LOG, R,       200, of=of_the_message(),
        body={"recipient": MARK}, data=an_unreached_message, only=False, row="message.viewed"),
    Api("api:reach",                  "get",    Tool.REACH, R,                        200, query="log=own",
        data=a_message, others=HIDDEN),
    Api("api:reach",                  "get",    Tool.ADMIN_REACH, R,                  200, query="log=all",
        data=a_message),
    Api("api:cancel",                 "post",   Tool.SENT_MESSAGE_LOG, W,             200, of=of_the_message(),
        data=a_waiting_message, others=404, only=False, also=(R,), row="message.canceled"),
    Api("api:cancel",                 "post",   Tool.ADMIN_SENT_MESSAGE_LOG, W,       200, of=of_the_message(),
        data=a_waiting_message, only=False, also=(R,), row="message.canceled"),
    Api("api:cancel",                 "post",   Tool.UPCOMING_MESSAGES, W,            200, of=of_the_message(),
        data=a_waiting_message, others=404, only=False, also=(R,), row="message.canceled"),
    Api("api:recipients",             "post",   Tool.MESSAGE_IMPORT, W,               400, of=an_imported_message),
    Api("api:statuses",               "post",   Tool.MESSAGE_IMPORT, W,               200, of=an_imported_message,
        body=[{}]),
    Api("api:contacts",               "get",    Tool.CONTACTS_TO_FIX, R,              200, query="log=own",
        data=a_contact, others=HIDDEN, row="list.viewed"),
    Api("api:contacts",               "get",    Tool.ADMIN_CONTACTS_TO_FIX, R,        200, query="log=all",
        data=a_contact, row="list.viewed"),
    Api("api:contact_search",         "post",   Tool.CONTACTS_TO_FIX, R,              200, query="log=own",
        body={"people": MARK}, data=a_contact, others=HIDDEN, row="person.searched"),
    Api("api:contact_search",         "post",   Tool.ADMIN_CONTACTS_TO_FIX, R,        200, query="log=all",
        body={"people": MARK}, data=a_contact, row="person.searched"),
    Api("api:contact_state",          "post",   Tool.CONTACTS_TO_FIX, W,              200, of=of_the_contact(),
        body={"state": "told"}, data=a_contact, others=404, only=False, also=(R,), row="contact.state_changed"),
    Api("api:contact_state",          "post",   Tool.ADMIN_CONTACTS_TO_FIX, W,        200, of=of_the_contact(),
        body={"state": "told"}, data=a_contact, only=False, also=(R,), row="contact.state_changed"),
    Api("api:contact_allow_again",    "post",   Tool.CONTACTS_TO_FIX, W,              200, of=of_the_contact(),
        data=a_contact, others=404, only=False, also=(R,)),
    Api("api:contact_allow_again",    "post",   Tool.ADMIN_CONTACTS_TO_FIX, W,        200, of=of_the_contact(),
        data=a_contact, only=False, also=(R,)),
    Api("api:replies",                "get",    Tool.REPLIES, R,                      200,
        data=a_reply, row="list.viewed"),
    Api("api:reply_search",           "post",   Tool.REPLIES, R,                      200, body={"text": MARK},
        data=a_reply, row="person.searched"),
    Api("api:alerts",                 "get",    Tool.ALERTS, R,                       200, data=an_alert),
    Api("api:acknowledge_alert",      "post",   Tool.ALERTS, W,                       200, data=an_alert,
        of=of_the_alert, row="alert.acknowledged"),
    Api("api:mailgun_domains",        "get",    Tool.MAILGUN_SYNC, R,                 200),
    Api("api:saved_views",            "get",    None, R,                              200),
    Api("api:saved_views",            "post",   Tool.SENT_MESSAGE_LOG, R,             201, body=A_VIEW,
        row="saved_view.saved"),
    # Those of others, and their own: tests/saved_views/test_api.py.
    Api("api:saved_view",             "get",    None, R,                              404, of=lambda: {"pk": 1},
        row="access.refused"),
    Api("api:saved_view",             "delete", None, R,                              404, of=lambda: {"pk": 1},
        row="access.refused"),
    Api("api:inbox_search",           "post",   Tool.PORTAL_INBOX, R,                 200, body={"person_id": MARK},
        row="person.viewed"),
    Api("api:mailgun_events",         "get",    Tool.MAILGUN_MESSAGE_LOG, R,          200, query="log=own",
        data=an_event, others=HIDDEN, row="list.viewed"),
    Api("api:mailgun_events",         "get",    Tool.ADMIN_MAILGUN_MESSAGE_LOG, R,    200, query="log=all",
        data=an_event, row="list.viewed"),
    Api("api:ambiguous_events",       "get",    Tool.MAILGUN_SYNC, R,                 200, data=an_ambiguous_event,
        row="list.viewed"),
    Api("api:ambiguous_event_search", "post",   Tool.MAILGUN_SYNC, R,                 200, data=an_ambiguous_event,
        body={"subject": MARK}, row="list.viewed"),
    Api("api:mailgun_groups",         "get",    Tool.MAILGUN_MESSAGE_LOG, R,          200, query="log=own",
        data=a_failed_event, others=HIDDEN, row="list.viewed"),
    Api("api:mailgun_groups",         "get",    Tool.ADMIN_MAILGUN_MESSAGE_LOG, R,    200, query="log=all",
        data=a_failed_event, row="list.viewed"),
    Api("api:mailgun_event_search",   "post",   Tool.MAILGUN_MESSAGE_LOG, R,          200, query="log=own",
        body={"subject": MARK}, data=an_event, others=HIDDEN, row="list.viewed"),
    Api("api:mailgun_event_search",   "post",   Tool.ADMIN_MAILGUN_MESSAGE_LOG, R,    200, query="log=all",
        body={"subject": MARK}, data=an_event, row="list.viewed"),
]
# fmt: on

# What these tools show is of no school, so only a right for all schools shows it.
OF_ALL_SCHOOLS = DISTRICT_WIDE | {Tool.AUDIT_TRAIL, Tool.MAILGUN_SYNC}
# Django's admin site is one rule instead of lines: nobody but superusers gets in anywhere.
BY_RULE = {"admin"}

REQUESTS: dict[str, Callable[[Client, str, dict[str, Any]], HttpResponse]] = {
    "get": lambda client, address, form: client.get(address),
    "htmx": lambda client, address, form: client.get(address, headers={"HX-Request": "true"}),
    "post": lambda client, address, form: client.post(address, form),
    "export": lambda client, address, form: client.get(address, {"export": "csv"}),
}
REFUSED = ["access.refused"]

pytestmark = [pytest.mark.django_db, pytest.mark.every_case]


@pytest.fixture(autouse=True)
def no_worker(monkeypatch, settings, tmp_path):
    """What is asked for is not started, and no mail is sent."""
    settings.REPORT_FOLDER = tmp_path
    settings.REPORT_ATTACHMENTS = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    settings.ROSTER_FILE = str(tmp_path / "roster.zip")
    of_mailgun = (tasks.sync_one, tasks.check_domain, tasks.read_suppressions)
    for task in (*of_mailgun, import_tasks.run, roster_tasks.run_queued, alert_tasks.send):
        note_queued(monkeypatch, task)


def test_every_address_is_in_the_matrix():
    addresses = {name for name, _ in patterns() if name.split(":")[0] not in BY_RULE}
    lines = [line.name for line in [*GUARDED, *OPEN]] + sorted({line.name for line in API})
    assert addresses - set(lines) == set(), "these have no line in the tables"
    assert set(lines) - addresses == set(), "these lines have no address"
    assert len(lines) == len(set(lines))


def each_line(lines: list[Any]) -> Any:
    return pytest.mark.parametrize("line", lines, ids=lambda line: line.name)


@contextmanager
def on_its_own(subtests: pytest.Subtests, kind: str) -> Iterator[None]:
    """Ask in a transaction that is undone, so that no request sees what one of another kind left."""
    with subtests.test(kind), transaction.atomic():
        yield
        transaction.set_rollback(True)


def kinds_of(line: Guarded) -> list[str]:
    """The kinds of request to ask with: all of them in CI. From day to day one that reads, and one of the others."""
    if many():
        return list(REQUESTS)
    written = line.post != 405
    return ["post" if written else "export", "get" if line.get != 405 or written else "htmx"]


def ask(client: Client, line: Guarded | Open, kind: str) -> HttpResponse:
    kwargs = line.of() if callable(line.of) else line.of
    form = line.form() if isinstance(line, Guarded) and kind == "post" else {}
    return audited(lambda: REQUESTS[kind](client, reverse(line.name, kwargs=kwargs), form))


def audited(request: Callable[[], HttpResponse]) -> HttpResponse:
    """The answer, with the actions of the rows that it left in the audit trail as its `rows`."""
    before = AuditEvent.objects.aggregate(last=Max("pk", default=0))["last"]
    response: Any = request()
    left = AuditEvent.objects.filter(pk__gt=before).order_by("pk")
    response.rows = list(left.values_list("action", flat=True))
    return response


def row(action: str) -> list[str]:
    return [action] if action else []


def answers(line: Guarded, kind: str) -> int:
    number: int = getattr(line, kind)
    return number


def body(response: HttpResponse) -> str:
    return response.getvalue().decode()


@each_line(GUARDED)
def test_signed_out(client, line, subtests):
    for kind in kinds_of(line):
        with on_its_own(subtests, kind):
            response = ask(client, line, kind)
            if answers(line, kind) == 405:
                assert response.status_code == 405
            elif kind == "htmx":
                assert response["HX-Redirect"].startswith("/accounts/login/?next=/")
                assert body(response) == ""
            else:
                assert response.status_code == 302
                assert response["Location"].startswith("/accounts/login/?next=/")
            assert response.rows == [], "nobody was refused: the way leads on to the sign-in page"


@pytest.mark.slow
@each_line(GUARDED)
def test_every_other_right_but_this(make_user, signed_in, line, subtests):
    user = make_user(*(cell for cell in every_right() if cell != (line.tool, line.right)))
    client = signed_in(user)
    for kind in kinds_of(line):
        with on_its_own(subtests, kind):
            if line.data:
                line.data(user)
            response = ask(client, line, kind)
            assert response.status_code == (405 if answers(line, kind) == 405 else 403)
            assert response.rows == ([] if response.status_code == 405 else REFUSED)
            assert MARK not in body(response)


@pytest.mark.slow
@each_line(GUARDED)
def test_this_right_alone_and_own_data(make_user, signed_in, line, subtests):
    user = make_user(*line.rights, username="owner")
    if (line.tool, line.right) == (Tool.USER_GROUPS, W):
        make_user(groups=["System Administrators"])
    client = signed_in(user)
    for kind in kinds_of(line):
        with on_its_own(subtests, kind):
            if line.data:
                line.data(user)
            response = ask(client, line, kind)
            assert response.status_code == answers(line, kind)
            assert response.rows == ([] if response.status_code == 405 else row(line.row(kind)))
            assert response["Cache-Control"] == "private, no-store"
            if line.data and response.status_code == 200:
                assert MARK in body(response)


@pytest.mark.slow
@each_line([line for line in GUARDED if line.look])
def test_who_reloads_a_page_or_its_fragment_goes_on_with_the_same_look(make_user, signed_in, line, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    user = make_user(*line.rights)
    line.data(user)
    client, kwargs = signed_in(user), line.of()
    address = reverse(line.name, kwargs=kwargs)
    rows = [audited(lambda kind=kind: REQUESTS[kind](client, address, {})).rows for kind in ("htmx", "get", "htmx")]
    assert rows == [[line.look], [], []]
    time_machine.shift(LOOK)
    client.force_login(user)
    assert audited(lambda: client.get(address)).rows == [line.look], "later it is another look"


@pytest.mark.slow
@each_line([line for line in GUARDED if line.data])
def test_this_right_alone_and_the_data_of_somebody_else(make_user, signed_in, line, subtests):
    owner, client = make_user(username="owner"), signed_in(make_user(*line.rights))
    for kind in kinds_of(line):
        with on_its_own(subtests, kind):
            line.data(owner)
            response = ask(client, line, kind)
            if isinstance(line.others, int):
                assert response.status_code == (405 if answers(line, kind) == 405 else line.others)
                assert response.rows == ([] if response.status_code == 405 else REFUSED)
                assert MARK not in body(response)
            else:
                assert response.status_code == answers(line, kind)
                assert response.rows == ([] if response.status_code == 405 else row(line.row(kind)))
                if response.status_code == 200:
                    assert (MARK in body(response)) == (line.others == SHOWN)


def of_schools(lines: list[Any]) -> list[Any]:
    """The lines where the right shows what others made. Accounts are of no school, and no family is there."""
    return [line for line in lines if line.data and line.others == SHOWN and line.tool is not Tool.USER_GROUPS]


@pytest.fixture
def of_school(monkeypatch: pytest.MonkeyPatch) -> Callable[[School], None]:
    """Let what a line makes from now on be of a school: messages with what follows from them, and records requests."""

    def make_of(school: School) -> None:
        monkeypatch.setitem(globals(), "make_message", partial(make_message, school=school))
        monkeypatch.setitem(globals(), "a_request", partial(RecordsRequest.objects.create, schools=[school.pk]))

    return make_of


@pytest.mark.slow
@each_line(of_schools(GUARDED))
def test_this_right_for_one_school(make_user, signed_in, of_school, line, subtests):
    owner, ours, theirs = make_user(username="owner"), make_school("Ours"), make_school("Theirs")
    user = hold_for(make_user(*line.rights), ours)
    for kind, school in product(kinds_of(line), (ours, theirs)):
        with on_its_own(subtests, f"{kind} {school}"):
            of_school(school)
            line.data(owner)
            # Another visit: else a page has the note that the last answer left for the next page.
            response = ask(signed_in(user), line, kind)
            seen = school == ours and line.tool not in OF_ALL_SCHOOLS
            assert seen or MARK not in body(response)
            if line.tool in OF_ALL_SCHOOLS:
                changes = kind == "post" and line.does
                assert response.status_code in ((403, 404) if changes else (200, 302, 403, 404, 405))
                continue
            hidden = 404 if not seen and line.of is not dict and answers(line, kind) != 405 else 0
            assert response.status_code == (hidden or answers(line, kind))
            if response.status_code == 200:
                assert (MARK in body(response)) == seen


@pytest.mark.slow
@each_line(OPEN)
def test_pages_that_need_no_right(make_user, signed_in, line, subtests):
    user = make_user()
    for position, kind in enumerate(REQUESTS):
        for knows_user, number in ((False, line.signed_out[position]), (True, line.signed_in[position])):
            visitor = signed_in(user) if knows_user else Client()
            with on_its_own(subtests, kind):
                response = ask(visitor, line, kind)
                assert response.status_code == number
                signs_out = knows_user and (line.name, kind) == ("account_logout", "post")
                assert response.rows == (
                    REFUSED if number in (401, 403, 404) else row("sign_out.succeeded" if signs_out else "")
                )


def call(line: Api, user: User | None, method: str = "", *, as_program: bool = False) -> HttpResponse:
    address = reverse(line.name, kwargs=line.of()) + (f"?{line.query}" if line.query else "")
    headers = {"Authorization": f"Token {issue_token(user=user)[0]}"} if user and not as_program else {}
    if user and as_program:
        headers = {"Authorization": f"Bearer {program_token(user)}"}
    method, text = (method or line.method).upper(), "" if line.body is None else json.dumps(line.body)
    return audited(lambda: Client().generic(method, address, text, content_type="application/json", headers=headers))


def each_api_line(lines: list[Api]) -> Any:
    ids = [
        f"{line.name}-{line.method}-{line.tool.name if line.tool else ''}-{line.right.name}-{line.query}"
        for line in lines
    ]
    return pytest.mark.parametrize("line", lines, ids=ids)


@each_api_line([line for line in API if (line.name, line.method) != ("api:tokens", "post")])
def test_the_api_without_a_token(signed_in, make_user, line):
    everything = make_user(*every_right())
    if line.data:
        line.data(everything)
    response = call(line, None)
    assert response.status_code == 401
    assert response.rows == REFUSED
    assert MARK not in body(response)
    # Nor does the session of a browser open it: then any page could make it write.
    assert signed_in(everything).generic(line.method.upper(), response.request["PATH_INFO"]).status_code == 401


@each_api_line([line for line in API if line.tool and line.only])
def test_the_api_with_every_other_right_but_this(make_user, line):
    user = make_user(*(cell for cell in every_right() if cell != (line.tool, line.right)))
    if line.data:
        line.data(user)
    response = call(line, user)
    assert response.status_code == 403
    assert response.rows == REFUSED
    assert MARK not in body(response)


@each_api_line([line for line in API if line.tool and not line.only])
def test_the_api_with_no_right_at_all(make_user, line):
    user = make_user()
    line.data(user)
    response = call(line, user)
    assert response.status_code == 403
    assert response.rows == REFUSED
    assert MARK not in body(response)


@each_api_line(API)
def test_the_api_with_this_right_alone_and_own_data(make_user, line):
    user = make_user(*line.rights)
    if line.data:
        line.data(user)
    response = call(line, user)
    assert response.status_code == line.answer
    assert response.rows == row(line.row)
    assert response["Cache-Control"] == "private, no-store"
    if line.data:
        assert MARK in body(response)


@pytest.mark.slow
@each_api_line([line for line in API if line.tool])
def test_a_program_has_this_right_alone_or_every_other(make_user, line):
    """The same rule as for a person, and each call names the program."""
    user = make_user(*line.rights)
    if line.data:
        line.data(user)
    response = call(line, user, as_program=True)
    assert response.status_code == line.answer
    assert response.rows == ["api.called", *row(line.row)]
    if line.only:
        other = make_user(*(cell for cell in every_right() if cell != (line.tool, line.right)))
        response = call(line, other, as_program=True)
        assert response.status_code == 403
        assert response.rows == ["api.called", *REFUSED]
        assert MARK not in body(response)


@each_api_line([line for line in API if line.data])
def test_the_api_with_this_right_alone_and_the_data_of_somebody_else(make_user, line):
    line.data(make_user(username="owner"))
    response = call(line, make_user(*line.rights))
    assert response.status_code == (line.others if isinstance(line.others, int) else line.answer)
    assert response.rows == (REFUSED if isinstance(line.others, int) else row(line.row))
    assert (MARK in body(response)) == (line.others == SHOWN)


@pytest.mark.slow
@each_api_line(of_schools(API))
def test_the_api_with_this_right_for_one_school(make_user, of_school, line, subtests):
    owner, ours, theirs = make_user(username="owner"), make_school("Ours"), make_school("Theirs")
    user = hold_for(make_user(*line.rights), ours)
    for school in (ours, theirs):
        with on_its_own(subtests, str(school)):
            of_school(school)
            line.data(owner)
            response = call(line, user)
            seen = school == ours and line.tool not in OF_ALL_SCHOOLS
            refused = 403 if line.tool in DISTRICT_WIDE else 404 if not seen and line.of is not dict else 0
            assert response.status_code == (refused or line.answer)
            assert (MARK in body(response)) == seen


@pytest.mark.parametrize("name", sorted({line.name for line in API}))
def test_the_api_knows_no_other_method(make_user, name):
    lines = [line for line in API if line.name == name]
    user = make_user(*every_right())
    for method in {"get", "post", "put", "patch", "delete"} - {line.method for line in lines}:
        assert call(lines[0], user, method).status_code == 405, method


def admin_addresses(user: User) -> Iterator[str]:
    pk = str(user.pk)
    samples = {"object_id": pk, "id": pk, "content_type_id": "1", "app_label": "accounts", "url": "x"}
    for name, pattern in patterns():
        if name.startswith("admin:") and pattern.name:
            yield reverse(name, kwargs={key: samples[key] for key in pattern.pattern.regex.groupindex})


@pytest.mark.slow
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_admin_site_lets_nobody_in_but_superusers(client, make_user, signed_in, method):
    everything = list(every_right())
    staff = make_user(*everything, is_staff=True)
    addresses = list(admin_addresses(staff))
    assert len(addresses) > 8
    for address in addresses:
        for visitor in (client, signed_in(make_user(*everything))):
            response = getattr(visitor, method)(address, follow=True)
            assert response.status_code == 403 or response.request["PATH_INFO"] == "/accounts/login/", address
        if address.startswith("/admin/accounts/"):
            assert getattr(signed_in(staff), method)(address, follow=True).status_code in (403, 404), address
