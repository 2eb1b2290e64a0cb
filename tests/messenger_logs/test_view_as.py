"""A view shows an administrator no message and no recipient that they do not see without it."""

from itertools import count
from random import Random

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from hypothesis import event, given
from hypothesis import strategies as st

from accounts.models import GroupScope, User
from accounts.querysets import tool_permissions
from accounts.scopes import ScopeReach
from accounts.tools import OWN_RIGHTS, SCOPED_RIGHTS, Right, Tool, ToolAndRight
from accounts.view_as import WIDER, why_no_view
from messenger_logs.models import Recipient, School, SentMessage
from messenger_logs.sight import Sight
from tests.examples import examples
from tests.messenger_logs.factories import make_message, make_recipient, make_school

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

TOOLS = (
    Tool.SENT_MESSAGE_LOG,
    Tool.ADMIN_SENT_MESSAGE_LOG,
    Tool.SENT_MESSAGE_LOG_2,
    Tool.UPCOMING_MESSAGES,
    Tool.RECIPIENT_LOG,
    Tool.ADMIN_RECIPIENT_LOG,
)
CELLS = [cell for tool in TOOLS for cell in tool.cells]
numbers = count()
ADMINISTRATOR = ToolAndRight(Tool.USER_GROUPS, Right.WRITE)


def group(random: Random, cells: list[ToolAndRight], schools: list[School], user: User) -> None:
    made = Group.objects.create(name=f"Group {next(numbers)}")
    made.permissions.set(tool_permissions([cell.codename for cell in cells]))
    made.user_set.add(user)
    reach = random.choice(list(ScopeReach))
    GroupScope.objects.create(group=made, reach=reach).schools.set(random.sample(schools, random.randint(0, 2)))


def make_person(random: Random, name: str, cells: list[ToolAndRight], schools: list[School]) -> User:
    user = User.objects.create(username=f"{name}{next(numbers)}")
    user.schools.set(random.sample(schools, random.randint(0, 2)))
    group(random, cells, schools, user)
    return user


def make_messages(random: Random, schools: list[School], senders: list[User]) -> None:
    kinds = [("classic", "Attendance"), ("v2", "Messenger 2.0 - General"), ("v2", "Messenger 2.0 - Emergency")]
    for _ in range(6):
        engine, kind = random.choice(kinds)
        message = make_message(
            engine=engine,
            message_type=kind,
            sender=random.choice([*senders, None]),
            school=random.choice([*schools, None]),
            status=random.choice(["sent", "waiting"]),
        )
        make_recipient(message, student_school=random.choice([*schools, None]))


def seen(user: User, tools: set[Tool]) -> tuple[set[int], set[int]]:
    """The messages that the tools show to the user, and the recipients."""
    messages, recipients = set[int](), set[int]()
    for tool in tools:
        shown = SentMessage.objects.visible_to(user, tool)
        rows = Recipient.objects.filter(Sight.of(user, tool).rows, message__in=shown)
        messages |= set(shown.values_list("pk", flat=True))
        recipients |= set(rows.values_list("pk", flat=True))
    return messages, recipients


@examples(40)
@given(random=st.randoms(use_true_random=False))
def test_a_view_shows_nothing_beyond_the_administrators_rights(random: Random) -> None:
    with transaction.atomic():
        try_one(random)
        transaction.set_rollback(True)


def try_one(random: Random) -> None:
    schools = [make_school(name) for name in "ABC"]
    person = make_person(random, "person", random.sample(CELLS, random.randint(1, 5)), schools)
    viewer = make_person(random, "viewer", [cell for cell in CELLS if random.random() < 0.95], schools)
    group(random, [ADMINISTRATOR, *random.sample(CELLS, 3)], schools, viewer)
    make_messages(random, schools, [person, viewer])
    allowed = why_no_view(viewer, person) is None
    event(f"allowed: {allowed}")
    if allowed:
        tools = {wide.tool for wide in WIDER.values()} | {*OWN_RIGHTS, *SCOPED_RIGHTS}
        for theirs, own in zip(seen(person, tools), seen(viewer, tools), strict=True):
            assert theirs <= own
