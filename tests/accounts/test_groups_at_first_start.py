import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from accounts.tools import Right, Tool

pytestmark = pytest.mark.django_db

SENDERS = [
    "Counselors",
    "Front Office",
    "Health Office Administrators",
    "Messenger User Group",
    "Principals",
    "Registrars",
]


def may_of(make_user, group):
    user = make_user(groups=[group])
    return {(tool, right) for tool in Tool for right in tool.rights if user.may(tool, right)}


def test_a_new_installation_has_its_groups():
    names = Group.objects.order_by("name").values_list("name", flat=True)
    assert list(names) == sorted([*SENDERS, "Messenger Administrators", "System Administrators"])


@pytest.mark.parametrize("group", SENDERS)
def test_senders_have_the_tools_for_their_own_data(make_user, group):
    assert may_of(make_user, group) == {
        (Tool.SENT_MESSAGE_LOG, Right.READ),
        (Tool.SENT_MESSAGE_LOG, Right.WRITE),
        (Tool.SENT_MESSAGE_LOG_2, Right.READ),
        (Tool.SENT_MESSAGE_LOG_2, Right.MY_MESSAGES),
        (Tool.SENT_MESSAGE_LOG_2, Right.TYPE_GENERAL),
        (Tool.SENT_MESSAGE_LOG_2, Right.TYPE_PRIORITY),
        (Tool.SENT_MESSAGE_LOG_2, Right.TYPE_EMERGENCY),
        (Tool.SENT_MESSAGE_LOG_2, Right.TYPE_TEXT_OPT),
        (Tool.UPCOMING_MESSAGES, Right.READ),
        (Tool.UPCOMING_MESSAGES, Right.WRITE),
        (Tool.MAILGUN_MESSAGE_LOG, Right.READ),
        (Tool.RECIPIENT_LOG, Right.READ),
        (Tool.REACH, Right.READ),
        (Tool.REACH, Right.WRITE),
        (Tool.CONTACTS_TO_FIX, Right.READ),
        (Tool.CONTACTS_TO_FIX, Right.WRITE),
    }


def test_messenger_administrators_have_all_logs_and_cancel_but_no_system_administration(make_user):
    rights = may_of(make_user, "Messenger Administrators")
    everything = {(tool, right) for tool in Tool for right in tool.rights}
    assert everything - rights == {
        (Tool.MAILGUN_SYNC, Right.WRITE),
        (Tool.ALERTS, Right.WRITE),
        (Tool.MESSAGE_IMPORT, Right.WRITE),
        (Tool.MESSAGE_IMPORT, Right.SEND),
        (Tool.MESSAGE_IMPORT, Right.SEND_AS_OTHERS),
        (Tool.PORTAL_INBOX, Right.READ),
        (Tool.SCHEDULED_REPORTS, Right.READ),
        (Tool.SCHEDULED_REPORTS, Right.WRITE),
        (Tool.USER_GROUPS, Right.READ),
        (Tool.USER_GROUPS, Right.WRITE),
        (Tool.ROSTER, Right.READ),
        (Tool.ROSTER, Right.WRITE),
        (Tool.AUDIT_TRAIL, Right.READ),
        (Tool.RECORDS_REQUEST, Right.READ),
        (Tool.RECORDS_REQUEST, Right.WRITE),
        (Tool.RETENTION, Right.READ),
        (Tool.RETENTION, Right.WRITE),
        (Tool.ERASE, Right.WRITE),
    }


def test_system_administrators_have_everything(make_user):
    assert may_of(make_user, "System Administrators") == {(tool, right) for tool in Tool for right in tool.rights}


def test_no_group_has_a_permission_of_djangos_admin():
    assert not Permission.objects.filter(group__isnull=False).exclude(content_type__model="toolright").exists()


@pytest.mark.slow
def test_later_starts_leave_changes_and_deletions_alone():
    Group.objects.exclude(name="Counselors").delete()
    Group.objects.get().permissions.clear()
    call_command("migrate", verbosity=0)
    group = Group.objects.get()
    assert group.name == "Counselors"
    assert not group.permissions.exists()


@pytest.mark.slow
def test_migrating_twice_makes_nothing_twice():
    before = list(Group.objects.values_list("name", "permissions").order_by("name", "permissions"))
    call_command("migrate", verbosity=0)
    assert list(Group.objects.values_list("name", "permissions").order_by("name", "permissions")) == before
