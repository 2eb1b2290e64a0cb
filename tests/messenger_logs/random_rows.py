"""A district at random with what follows from its messages: events, contacts to fix, replies, inboxes, reach."""

from collections import defaultdict

from django.utils import timezone

from accounts.tools import Tool
from dispatch.models import InboxMessage
from mailgun_sync.models import MailgunEvent, RecipientAddress, SendingDomain
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.models import ContactToFix, Delivery, PersonReach, Reply, SentMessage
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.derive_contacts import derive_contacts
from messenger_logs.services.replies import record_reply
from messenger_logs.statuses import OUTCOMES
from tests.messenger_logs.random_scopes import ALL, District, all_deliveries, holds, school_of

# Two of the people share a number.
NUMBERS = {"p0": "+16125550101", "p1": "+16125550101", "p2": "+16125550102"}
REPLIES, CONTACTS, OWN_CONTACTS = Tool.REPLIES, Tool.ADMIN_CONTACTS_TO_FIX, Tool.CONTACTS_TO_FIX


def mark_duplicates(rows: list[Delivery]) -> None:
    """Of the rows of a message with one address, all but the first."""
    seen: set[str] = set()
    for row in rows:
        row.duplicate = row.address in seen
        seen.add(row.address)


class WholeDistrict(District):
    """Each e-mail has an event, each number texted back, and the portal shows each person what was sent there.

    The last part says in plain Python what a person may see of it. With a `person`, only what is of that person.
    """

    def __post_init__(self) -> None:
        for model in (MailgunEvent, ContactToFix, Reply):
            model.objects.all().delete()  # those of the example before
        super().__post_init__()
        self.deliveries = all_deliveries()
        self._add_events()
        self._add_inboxes()
        note_contacts(deliveries=[row.pk for row in self.deliveries])
        derive_contacts()
        for number in sorted(set(NUMBERS.values())):
            record_reply(number=number, text="Thank you", at=timezone.now(), taken_as="", raw="{}")

    def _people(self, message: SentMessage) -> None:
        """Of each person all rows have the same address and number, which fail in some messages."""
        super()._people(message)
        rows = list(message.deliveries.exclude(address="").select_related("recipient"))
        for row in rows:
            row.address = f"{row.recipient.person_id}@example.com"
            row.email_outcome = self.random.choice(["", "delivered", "failed-permanent", "failed-permanent"])
        mark_duplicates(rows)
        Delivery.objects.bulk_update(rows, ["address", "email_outcome", "duplicate"])
        status = self.random.choice([DeliveryStatus.SENT, DeliveryStatus.OPT_OUT])
        fields = {"message": message, "mode": Mode.TEXT, "status": status, "outcome": OUTCOMES[status]}
        texts = [Delivery(recipient=row.recipient, address=NUMBERS[row.recipient.person_id], **fields) for row in rows]
        mark_duplicates(texts)
        Delivery.objects.bulk_create(texts)

    def _add_events(self) -> None:
        domain = SendingDomain.objects.get_or_create(name="mg.example.org")[0]
        mailed = [row for row in self.deliveries if row.mode == Mode.EMAIL and row.address]
        MailgunEvent.objects.bulk_create(
            MailgunEvent(
                domain=domain,
                event="delivered",
                event_id=str(row.pk),
                occurred_at=timezone.now(),
                recipient=row.address,
                subject=row.message.subject,
                person_id=row.recipient.person_id,
                sender=row.message.sender,
                sent_message=row.message,
                delivery=row,
                school_id=school_of(row),
                raw="{}",
            )
            for row in mailed
        )
        addresses = (RecipientAddress(address=address) for address in {row.address for row in mailed})
        RecipientAddress.objects.bulk_create(addresses, ignore_conflicts=True)

    def _add_inboxes(self) -> None:
        InboxMessage.objects.bulk_create(
            InboxMessage(delivery=row, person_id=row.recipient.person_id, subject=row.message.subject)
            for row in self.deliveries
        )

    # What the person may see, in plain Python: the ids

    def messages_reached(self, tool: Tool) -> set[int]:
        return {one.pk for one in self.messages if self.sees(tool, one) and one.status != "waiting"}

    def people_counted(self, tool: Tool, message: SentMessage) -> int:
        """How many people of the message the figures of Reach count: of own messages, everybody."""
        everybody = PersonReach.objects.filter(message=message)
        scope = ALL if tool is Tool.REACH else self.everybodys(tool)
        return sum(holds(scope, one.school_id) for one in everybody)

    def people_of(self, tool: Tool, message: SentMessage) -> set[int]:
        """The recipients who stand for the people of a message that the tool shows."""
        scope = ALL if self.is_own(tool, message) else self.everybodys(tool)
        return {one.pk for one in PersonReach.objects.filter(message=message) if holds(scope, one.school_id)}

    def events(self, tool: Tool, person: str = "") -> set[int]:
        rows = {row.pk: row for row in self.deliveries}
        found = [event for event in MailgunEvent.objects.all() if self.sees_row(tool, rows[event.delivery_id or 0])]
        return {event.pk for event in found if person in ("", event.person_id)}

    def behind(self, tool: Tool) -> dict[int, list[Delivery]]:
        """The deliveries to each contact whose people the tool shows: in own messages, or of the schools."""
        found: dict[int, list[Delivery]] = defaultdict(list)
        contacts = {(one.mode, one.address): one.pk for one in ContactToFix.objects.all()}
        for row in self.deliveries:
            own = tool is OWN_CONTACTS and row.message.sender_id == self.user.pk
            if (row.mode, row.address) in contacts and (own or holds(self.everybodys(tool), school_of(row))):
                found[contacts[row.mode, row.address]].append(row)
        return dict(found)

    def contacts(self, tool: Tool, person: str = "") -> set[int]:
        behind = self.behind(tool).items()
        return {pk for pk, rows in behind if any(person in ("", row.recipient.person_id) for row in rows)}

    def replies(self, tool: Tool, person: str = "") -> set[int]:
        named = {reply.pk: self.named(reply.number) for reply in Reply.objects.all()}
        scope = self.everybodys(tool)
        return {pk for pk, people in named.items() if (person in people if person else people or scope is ALL)}

    def named(self, number: str) -> set[str]:
        """The people with a number whose newest message with a school of theirs is of the schools of the right."""
        schools: dict[str, tuple[int, set[int | None]]] = {}
        people = set()
        for row in self.deliveries:
            if row.mode == Mode.TEXT and row.address == number:
                person, school = row.recipient.person_id, school_of(row)
                people.add(person)
                newest, known = schools.get(person, (0, set()))
                if school and row.message_id >= newest:
                    schools[person] = row.message_id, {school} | (known if row.message_id == newest else set())
        scope = self.everybodys(REPLIES)
        return people if scope is ALL else {person for person, (_, known) in schools.items() if known & scope}

    def inbox(self, tool: Tool, person: str) -> set[int]:
        of_person = [row for row in self.deliveries if row.recipient.person_id == person]
        return {row.pk for row in of_person if holds(self.everybodys(tool), school_of(row))}
