"""What the lines of the matrix are about: each function makes one thing, or names the arguments of its address."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import ServiceAccount, User
from accounts.querysets import rights_of
from accounts.services import record_audit_event
from alerts.models import Alert, AlertChannel
from dispatch.models import InboxMessage
from imports.models import ImportJob, KeptMap
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, SendingDomain
from messenger_logs.choices import LinkedBy, Mode
from messenger_logs.models import ContactToFix, Recipient, School, SentMessage
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.derive_contacts import derive_contacts
from messenger_logs.services.replies import record_reply
from messenger_logs.services.totals import recount
from records.models import RecordsRequest
from retention.models import Erasure, Hold
from retention.services.erasing import preview
from roster.choices import Kind
from roster.models import RosterRun
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.saved_views.factories import make_schedule, make_view
from tests.stored import path_of
from web.views.erase import seen

MARK = "something-to-look-for"
COUNTS = ("rows", "new", "here", "refused", "recipients", "deliveries", "unusable")


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


def an_inbox_message(owner: User) -> None:
    row = make_delivery(make_recipient(make_message(sender=owner), person_id=MARK), mode=Mode.INBOX)
    InboxMessage.objects.create(delivery=row, person_id=MARK, subject=MARK, sender_name=MARK)


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


def a_records_request_of_somebody(owner: User) -> None:
    """A request of a third person. The list of requests shows nothing of it but who asked, and when."""
    a_records_request(User.objects.get_or_create(username=MARK)[0])


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
