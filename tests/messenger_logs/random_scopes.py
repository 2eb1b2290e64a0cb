"""A small district at random: groups with scopes, messages, people; and in plain Python what a person may see of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import TypeVar

from django.contrib.auth.models import Group
from django.utils import timezone
from hypothesis import Phase, settings

from accounts.models import GroupScope, User
from accounts.querysets import tool_permissions
from accounts.scopes import ScopeReach
from accounts.tools import Right, Tool
from messenger_logs.models import Calendar, Delivery, School, SentMessage
from messenger_logs.services.totals import recount
from tests.examples import often
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

R, W = Right.READ, Right.WRITE
Cell = tuple[Tool, Right]
Schools = set[int | None]
LOG, ADMIN, LOG_2 = Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG, Tool.SENT_MESSAGE_LOG_2
UPCOMING, PEOPLE, ADMIN_PEOPLE = Tool.UPCOMING_MESSAGES, Tool.RECIPIENT_LOG, Tool.ADMIN_RECIPIENT_LOG
TOOLS = [LOG, ADMIN, LOG_2, UPCOMING, PEOPLE, ADMIN_PEOPLE]
# The tools of what follows from messages.
OWN_ROWS = (Tool.REACH, Tool.CONTACTS_TO_FIX, Tool.MAILGUN_MESSAGE_LOG)
EVERYBODYS_ROWS = (
    *(Tool.ADMIN_REACH, Tool.ADMIN_CONTACTS_TO_FIX, Tool.ADMIN_MAILGUN_MESSAGE_LOG),
    *(Tool.REPLIES, Tool.PORTAL_INBOX),
)
CELLS: list[Cell] = [
    *((LOG, right) for right in (R, W)),
    *((ADMIN, right) for right in (R, W, Right.MERGE_FIELD_VALUES)),
    *((LOG_2, right) for right in (R, Right.MY_MESSAGES, Right.ALL_MESSAGES, Right.TYPE_GENERAL)),
    *((UPCOMING, right) for right in (R, W, Right.VIEW_CANCEL_ALL)),
    *((PEOPLE, R), (ADMIN_PEOPLE, R)),
    *((tool, R) for tool in (*OWN_ROWS, *EVERYBODYS_ROWS)),
]
OWN: dict[Tool, Cell] = {
    LOG: (LOG, R),
    LOG_2: (LOG_2, Right.MY_MESSAGES),
    UPCOMING: (UPCOMING, R),
    PEOPLE: (PEOPLE, R),
    **{tool: (tool, R) for tool in OWN_ROWS},
}
EVERYBODYS: dict[Tool, Cell] = {
    ADMIN: (ADMIN, R),
    LOG_2: (LOG_2, Right.ALL_MESSAGES),
    UPCOMING: (UPCOMING, Right.VIEW_CANCEL_ALL),
    ADMIN_PEOPLE: (ADMIN_PEOPLE, R),
    **{tool: (tool, R) for tool in EVERYBODYS_ROWS},
}
ALL = None
# A district that fails is as good as a smaller one, which takes minutes to find.
DISTRICTS = settings(max_examples=often(60, of=20), phases=(Phase.explicit, Phase.generate))
_numbers = count(1)
T = TypeVar("T")


def school_of(row: Delivery) -> int | None:
    """That of the student; where it is not known, that of the message."""
    return row.recipient.student_school_id or row.message.school_id


def holds(scope: Schools | None, school: int | None) -> bool:
    return scope is ALL or school in scope


def all_deliveries() -> list[Delivery]:
    found = Delivery.objects.select_related("message", "recipient").prefetch_related("message__calendars")
    return list(found.order_by("pk"))


@dataclass
class District:
    """The person who looks, and everything there is."""

    random: Random
    rights: list[tuple[ScopeReach | None, set[int], list[Cell]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for model in (SentMessage, Calendar):
            model.objects.all().delete()  # those of the example before
        self.schools = [School.objects.create(name=f"School {next(_numbers)}") for _ in range(3)]
        self.calendars = [
            Calendar.objects.create(school=school, name=f"Calendar {next(_numbers)}", school_year="2026-27")
            for school in self.schools
        ]
        self.user = User.objects.create(username=f"principal{next(_numbers)}")
        self.other = User.objects.create(username=f"other{next(_numbers)}")
        self.of_user = {school.pk for school in self._some(self.schools)}
        self.user.schools.set(self.of_user)
        for _ in range(self.random.randint(1, 3)):
            self._add_group()
        self.messages = [self._message() for _ in range(4)]
        for message in self.messages:
            self._people(message)
            recount(message_id=message.pk)

    def _some(self, things: Iterable[T]) -> list[T]:
        return [thing for thing in things if self.random.random() < 0.5]

    def _add_group(self) -> None:
        group = Group.objects.create(name=f"Group {next(_numbers)}")
        cells = [cell for cell in CELLS if self.random.random() < 0.7]
        group.permissions.set(tool_permissions([tool.codename(right) for tool, right in cells]))
        self.user.groups.add(group)
        reach = self.random.choice([None, *ScopeReach, ScopeReach.CHOSEN])
        chosen = {school.pk for school in self._some(self.schools)}
        if reach:
            GroupScope.objects.create(group=group, reach=reach).schools.set(chosen)
        self.rights.append((reach, chosen, cells))

    def _message(self) -> SentMessage:
        engine = self.random.choice(["classic", "v2", "v2", "olr"])
        message = make_message(
            engine=engine,
            message_type="Messenger 2.0 - General" if engine == "v2" else "Attendance",
            school=self.random.choice([None, *self.schools]),
            sender=self.random.choice([self.user, self.other, self.other]),
            status=self.random.choice(["waiting", "in_progress", "sent", "sent"]),
            subject=f"News {next(_numbers)}",
            bodies={"email": "Hello"},
        )
        message.calendars.set(self._some(self.calendars) if self.random.random() < 0.5 else [])
        message.refresh_from_db()
        return message

    def _people(self, message: SentMessage) -> None:
        for person in range(3):
            for school in self.random.sample([None, *self.schools], self.random.randint(0, 2)):
                recipient = make_recipient(
                    message,
                    person_id=f"p{person}",
                    name=f"Vang, Person {person}",
                    student_name=f"Vang, Student {next(_numbers)}",
                    student_school=school,
                    merge_fields={"student.firstName": "Mai"},
                )
                device = self.random.choice([True, True, False])
                make_delivery(recipient, **({} if device else {"address": ""}), last_attempt_at=timezone.now())

    # What the person may see, in plain Python

    def may(self, cell: Cell) -> bool:
        return any(cell in cells for _, _, cells in self.rights)

    def scope(self, cell: Cell) -> Schools | None:
        """The schools for which the person holds a right; ALL for all of them."""
        found: Schools = set()
        for reach, chosen, cells in self.rights:
            if cell in cells:
                match reach:
                    case None | ScopeReach.ALL:
                        return ALL
                    case ScopeReach.CHOSEN:
                        found |= chosen
                    case ScopeReach.MEMBERS:
                        found |= self.of_user
        return found

    def everybodys(self, tool: Tool) -> Schools | None:
        return self.scope(EVERYBODYS[tool]) if tool in EVERYBODYS else set()

    def is_own(self, tool: Tool, message: SentMessage) -> bool:
        return tool in OWN and self.may(OWN[tool]) and message.sender_id == self.user.pk

    def sees(self, tool: Tool, message: SentMessage) -> bool:
        if not self.may((tool, R)) or not self._shows(tool, message):
            return False
        scope = self.everybodys(tool)
        if self.is_own(tool, message) or scope is ALL:
            return True
        of_calendars = {calendar.school_id for calendar in message.calendars.all()}
        return bool(scope) and (message.school_id is None or bool(scope & {message.school_id, *of_calendars}))

    def _shows(self, tool: Tool, message: SentMessage) -> bool:
        match tool:
            case Tool.SENT_MESSAGE_LOG | Tool.ADMIN_SENT_MESSAGE_LOG:
                return message.engine != "v2"
            case Tool.SENT_MESSAGE_LOG_2:
                return message.engine == "v2" and self.may((LOG_2, Right.TYPE_GENERAL))
            case Tool.UPCOMING_MESSAGES:
                return message.engine != "olr" and message.status in {"waiting", "in_progress"}
        return True

    def changes(self, tool: Tool, message: SentMessage) -> bool:
        """Whether the person may cancel the message with a tool that shows it."""
        if not (self.may((tool, R)) and self.may((tool, W))):
            return False
        held = [scope for scope in (self.everybodys(tool), self.scope((tool, W))) if scope is not ALL]
        if self.is_own(tool, message) or not held:
            return True
        of_message = {message.school_id, *(calendar.school_id for calendar in message.calendars.all())}
        return all(of_message <= scope for scope in held)

    def sees_row(self, tool: Tool, delivery: Delivery) -> bool:
        message = delivery.message
        scope = self.everybodys(tool)
        return self.sees(tool, message) and (self.is_own(tool, message) or holds(scope, school_of(delivery)))

    def rows(self, tool: Tool, message: SentMessage | None = None) -> list[Delivery]:
        """The deliveries that a tool shows to the person: of one message, or of all."""
        found = all_deliveries()
        shown = [row for row in found if self.sees_row(tool, row)]
        return [row for row in shown if message is None or row.message_id == message.pk]
