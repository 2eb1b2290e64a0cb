"""As whom an administrator may see the product, and in whose name that is in the audit trail."""

from collections.abc import Callable, Collection

import pytest
from django.contrib.auth.models import Group

from accounts.default_groups import DEFAULT_GROUPS
from accounts.models import AuditEvent, GroupScope, User
from accounts.querysets import tool_permissions
from accounts.scopes import ScopeReach
from accounts.services import record_audit_event, record_look
from accounts.tools import OWN_RIGHTS, SCOPED_RIGHTS, Right, Tool, ToolAndRight, every_right
from accounts.view_as import WIDER, NoView, ViewRefused, start_view, why_no_view
from messenger_logs.models import School

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
R, W = Right.READ, Right.WRITE
RIGHT = (Tool.USER_GROUPS, W)
LOG, ADMIN_LOG, LOG_2 = Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG, Tool.SENT_MESSAGE_LOG_2

# Tools of everybody's messages beside which there is none for own ones.
NOBODYS_OWN = {Tool.REPLIES, Tool.MAILGUN_SYNC, Tool.PORTAL_INBOX, Tool.AUDIT_TRAIL}

# The rights of the administrator besides the one to change groups, those of the person, and whether that is too much.
RIGHTS = [
    ([], [], False),
    ([], [ADMIN_LOG], True),
    ([ADMIN_LOG], [ADMIN_LOG], False),
    ([ADMIN_LOG], [(ADMIN_LOG, W)], True),
    # Own messages of somebody else are seen with the right on everybody's.
    ([LOG], [LOG], True),
    ([ADMIN_LOG], [LOG], False),
    ([ADMIN_LOG], [LOG, (LOG, W)], True),
    ([ADMIN_LOG, (ADMIN_LOG, W)], [LOG, (LOG, W)], False),
    ([LOG_2, (LOG_2, Right.MY_MESSAGES)], [LOG_2, (LOG_2, Right.MY_MESSAGES)], True),
    ([LOG_2, (LOG_2, Right.ALL_MESSAGES)], [LOG_2, (LOG_2, Right.MY_MESSAGES)], False),
    ([Tool.UPCOMING_MESSAGES], [Tool.UPCOMING_MESSAGES], True),
    ([(Tool.UPCOMING_MESSAGES, Right.VIEW_CANCEL_ALL)], [Tool.UPCOMING_MESSAGES], True),
    ([(Tool.UPCOMING_MESSAGES, Right.VIEW_CANCEL_ALL), Tool.UPCOMING_MESSAGES], [Tool.UPCOMING_MESSAGES], False),
    ([Tool.AUDIT_TRAIL], [RIGHT, Tool.AUDIT_TRAIL], False),
]


@pytest.mark.parametrize(("held", "wanted", "too_much"), RIGHTS)
def test_nobody_sees_the_product_as_a_person_with_more_rights(
    make_user: MakeUser, held: list[Tool], wanted: list[Tool], too_much: bool
) -> None:
    viewer, person = make_user(RIGHT, *held), make_user(*wanted)
    assert why_no_view(viewer, person) is (NoView.MORE_RIGHTS if too_much else None)


@pytest.mark.slow
def test_a_system_administrator_may_see_what_each_group_sees(make_user: MakeUser) -> None:
    viewer = make_user(groups=["System Administrators"])
    for name in DEFAULT_GROUPS:
        assert why_no_view(viewer, make_user(groups=[name])) is None, name


def test_each_right_on_own_messages_has_a_wider_one() -> None:
    assert {ToolAndRight(*own) for own in OWN_RIGHTS.items()} <= WIDER.keys()
    shown = {wide for own, wide in WIDER.items() if own.right is not W}
    assert shown == {ToolAndRight(*all_) for all_ in SCOPED_RIGHTS.items() if all_[0] not in NOBODYS_OWN}


# The schools of the administrator's right and of the person's; "*" are all.
SCOPES = [
    ("*", "*", False),
    ("*", "A", False),
    ("A", "A", False),
    ("AB", "A", False),
    ("A", "AB", True),
    ("A", "*", True),
]


def member(make_user: MakeUser, tool: Tool, schools: str, *rights: tuple[Tool, Right]) -> User:
    user, group = make_user(*rights), Group.objects.create(name=f"{tool.name} {schools} {Group.objects.count()}")
    group.permissions.set(tool_permissions([tool.codename()]))
    group.user_set.add(user)
    if schools != "*":
        chosen = [School.objects.get_or_create(name=name)[0] for name in schools]
        GroupScope.objects.create(group=group, reach=ScopeReach.CHOSEN).schools.set(chosen)
    return user


@pytest.mark.parametrize(("held", "wanted", "too_much"), SCOPES)
def test_nobody_sees_the_product_as_a_person_with_more_schools(
    make_user: MakeUser, held: str, wanted: str, too_much: bool
) -> None:
    viewer, person = member(make_user, ADMIN_LOG, held, RIGHT), member(make_user, ADMIN_LOG, wanted)
    assert why_no_view(viewer, person) is (NoView.MORE_RIGHTS if too_much else None)


@pytest.mark.parametrize(("held", "too_much"), [("*", False), ("A", True)])
def test_own_messages_may_be_of_any_school(make_user: MakeUser, held: str, too_much: bool) -> None:
    viewer, person = member(make_user, ADMIN_LOG, held, RIGHT), member(make_user, LOG, "A")
    assert why_no_view(viewer, person) is (NoView.MORE_RIGHTS if too_much else None)


def whom(make_user: MakeUser) -> Collection[tuple[User, User, NoView]]:
    viewer, everything = make_user(RIGHT), make_user(*every_right())
    viewing = make_user()
    viewing.viewed_by = everything
    return [
        (make_user((Tool.USER_GROUPS, R)), make_user(), NoView.NO_RIGHT),
        (make_user(RIGHT, is_active=False), make_user(), NoView.NO_RIGHT),
        (viewer, viewer, NoView.ONESELF),
        (viewer, make_user(is_active=False), NoView.CLOSED),
        (viewer, make_user(is_superuser=True), NoView.SUPERUSER),
        (make_user(is_superuser=True), make_user(is_superuser=True), NoView.SUPERUSER),
        (viewing, make_user(), NoView.NO_RIGHT),
    ]


def test_as_whom_nobody_sees_the_product(make_user: MakeUser) -> None:
    for viewer, person, why in whom(make_user):
        with pytest.raises(ViewRefused) as refused:
            start_view(by=viewer, person=person)
        assert refused.value.why is why
    assert not AuditEvent.objects.exists()


def test_what_is_recorded_in_a_view_is_the_administrators(make_user: MakeUser) -> None:
    viewer, person = make_user(username="admin", last_name="Lee"), make_user(username="mai")
    record_look(by=person, action="message.viewed", target="A", details={"message": 1})
    person.viewed_by = viewer
    for _ in range(2):
        record_look(by=person, action="message.viewed", target="A", details={"message": 1})
    record_audit_event(by=person, action="list.viewed")
    rows = AuditEvent.objects.order_by("pk").values_list("who", "who_id", "action", "details")
    assert list(rows) == [
        ("mai", person.pk, "message.viewed", {"message": 1}),
        ("Lee", viewer.pk, "message.viewed", {"message": 1, "as": "mai"}),
        ("Lee", viewer.pk, "list.viewed", {"as": "mai"}),
    ]
