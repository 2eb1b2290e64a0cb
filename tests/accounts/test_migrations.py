"""An installation of the version before goes on with the new code: its groups can do what they could."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import User
from accounts.tools import Right, Tool

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.thorough]

SENDING = {(Tool.MESSAGE_IMPORT, Right.SEND), (Tool.MESSAGE_IMPORT, Right.SEND_AS_OTHERS)}


def migrate(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    MigrationExecutor(connection).migrate([("accounts", name)])


def current(user: User) -> User:
    """Return the user as the newest code reads it, after all migrations."""
    executor = MigrationExecutor(connection)
    executor.migrate([node for node in executor.loader.graph.leaf_nodes() if node[0] == "accounts"])
    return User.objects.get(pk=user.pk)


def sending_rights(user: User) -> set[tuple[Tool, Right]]:
    user = current(user)
    return {cell for cell in SENDING if user.may(*cell)}


def test_who_could_import_messages_goes_on_sending_and_nobody_else_begins(make_user):
    importer = make_user((Tool.MESSAGE_IMPORT, Right.WRITE))
    alone = make_user()
    alone.user_permissions.add(Permission.objects.get(codename=Tool.MESSAGE_IMPORT.codename(Right.WRITE)))
    other = make_user(groups=["Messenger Administrators"])
    # In the version before there were no such permissions at all.
    Permission.objects.filter(codename__in=[tool.codename(right) for tool, right in SENDING]).delete()
    migrate("0006_looks_of_a_person")
    migrate("0008_importers_go_on_sending")
    assert sending_rights(importer) == sending_rights(alone) == SENDING
    assert sending_rights(other) == set()
    migrate("0007_sending_rights")
    migrate("0008_importers_go_on_sending")
    assert Permission.objects.filter(codename=Tool.MESSAGE_IMPORT.codename(Right.SEND)).count() == 1
    assert Group.objects.get(name="System Administrators").permissions.filter(codename__startswith="send_").count() == 2


def test_who_sees_a_persons_messages_sees_contacts_to_fix_and_who_cancels_acts(make_user):
    reader = make_user(Tool.RECIPIENT_LOG, Tool.ADMIN_RECIPIENT_LOG)
    canceler = make_user(Tool.RECIPIENT_LOG, (Tool.SENT_MESSAGE_LOG, Right.WRITE))
    nobody = make_user(Tool.AUDIT_TRAIL)
    migrate("0009_replies_right")
    migrate("0011_contacts_to_fix_rights")
    own, everybodys = Tool.CONTACTS_TO_FIX, Tool.ADMIN_CONTACTS_TO_FIX
    cells = [(tool, right) for tool in (own, everybodys) for right in (Right.READ, Right.WRITE)]

    def rights(user: User) -> list[tuple[Tool, Right]]:
        user = current(user)
        return [cell for cell in cells if user.may(*cell)]

    assert rights(reader) == [(own, Right.READ), (everybodys, Right.READ)]
    assert rights(canceler) == [(own, Right.READ), (own, Right.WRITE)]
    assert rights(nobody) == []


def test_who_sees_messages_by_person_sees_their_reach_and_who_may_cancel_may_mark_drills(make_user):
    reader = make_user(Tool.RECIPIENT_LOG)
    administrator = make_user(Tool.ADMIN_RECIPIENT_LOG, (Tool.ADMIN_SENT_MESSAGE_LOG, Right.WRITE))
    other = make_user(Tool.AUDIT_TRAIL)
    cells = [(tool, right) for tool in (Tool.REACH, Tool.ADMIN_REACH) for right in tool.rights]
    Permission.objects.filter(codename__in=[tool.codename(right) for tool, right in cells]).delete()
    migrate("0009_replies_right")
    migrate("0010_reach_rights")

    def rights(user):
        return [cell for cell in cells if current(user).may(*cell)]

    assert rights(reader) == [(Tool.REACH, Right.READ)]
    assert rights(administrator) == [(Tool.ADMIN_REACH, Right.READ), (Tool.ADMIN_REACH, Right.WRITE)]
    assert rights(other) == []


def test_who_may_change_rights_may_run_the_roster(make_user):
    administrator, other = make_user((Tool.USER_GROUPS, Right.WRITE)), make_user(Tool.USER_GROUPS, Tool.AUDIT_TRAIL)
    cells = [(Tool.ROSTER, Right.READ), (Tool.ROSTER, Right.WRITE)]
    Permission.objects.filter(codename__in=[tool.codename(right) for tool, right in cells]).delete()
    migrate("0013_rights_by_school")
    migrate("0014_roster_rights")
    rights = [[current(user).may(*cell) for cell in cells] for user in (administrator, other)]
    assert rights == [[True, True], [False, False]]


def test_who_changes_rights_gets_retention_and_erasing(make_user):
    administrator, other = make_user((Tool.USER_GROUPS, Right.WRITE)), make_user(Tool.AUDIT_TRAIL)
    migrate("0017_records_request_rights")
    migrate("0018_retention_rights")
    cells = [(Tool.RETENTION, Right.READ), (Tool.RETENTION, Right.WRITE), (Tool.ERASE, Right.WRITE)]
    found = {user: [current(user).may(*cell) for cell in cells] for user in (administrator, other)}
    assert found == {administrator: [True] * 3, other: [False] * 3}


def test_who_sees_the_sync_sees_alerts_and_who_changes_rights_says_who_gets_them(make_user):
    administrator, reader = make_user((Tool.USER_GROUPS, Right.WRITE)), make_user(Tool.MAILGUN_SYNC)
    other = make_user(Tool.AUDIT_TRAIL)
    migrate("0020_sign_in_by_providers")
    migrate("0022_alert_rights")
    cells = [(Tool.ALERTS, Right.READ), (Tool.ALERTS, Right.WRITE)]
    found = [[current(user).may(*cell) for cell in cells] for user in (administrator, reader, other)]
    assert found == [[True, True], [True, False], [False, False]]
