import pytest
from django.contrib.auth.models import Permission

from accounts.tools import Right, Tool, every_right
from web.menu import page_url

R, W = Right.READ, Right.WRITE


def test_the_registry_is_the_table_of_tools_and_rights():
    assert [(tool.path, list(tool.rights)) for tool in Tool] == [
        ("Messenger > Sent Message Log", [R, W]),
        (
            "Messenger > Sent Message Log 2.0",
            [
                R,
                Right.MY_MESSAGES,
                Right.ALL_MESSAGES,
                Right.TYPE_GENERAL,
                Right.TYPE_PRIORITY,
                Right.TYPE_EMERGENCY,
                Right.TYPE_TEXT_OPT,
            ],
        ),
        ("Messenger > Upcoming Messages", [R, W, Right.VIEW_CANCEL_ALL]),
        ("Messenger > Mailgun Message Log", [R]),
        ("Messenger > Recipient Log", [R]),
        ("Messenger > Reach", [R, W]),
        ("Messenger > Contacts to Fix", [R, W]),
        ("Messenger Administration > Sent Message Log", [R, W, Right.MERGE_FIELD_VALUES]),
        ("Messenger Administration > Mailgun Message Log", [R]),
        ("Messenger Administration > Recipient Log", [R]),
        ("Messenger Administration > Reach", [R, W]),
        ("Messenger Administration > Contacts to Fix", [R, W]),
        ("Messenger Administration > Replies", [R]),
        ("Messenger Administration > System Health", [R, W]),
        ("Messenger Administration > Alerts", [R, W]),
        ("Messenger Administration > Message Import", [W, Right.SEND, Right.SEND_AS_OTHERS]),
        ("Messenger Administration > Portal Inbox (API)", [R]),
        ("System Administration > User Groups and Tool Rights", [R, W]),
        ("System Administration > Roster", [R, W]),
        ("System Administration > Audit Trail", [R]),
        ("System Administration > Records Requests", [R, W]),
        ("System Administration > Retention and Holds", [R, W]),
        ("System Administration > Erase a Person", [W]),
        ("System Administration > Scheduled Reports", [R, W]),
    ]


@pytest.mark.django_db
def test_every_right_is_a_permission_of_django_and_there_is_no_other_in_this_app():
    in_database = Permission.objects.filter(content_type__app_label="accounts").values_list("codename", flat=True)
    codenames = [cell.codename for cell in every_right()]
    assert sorted(in_database) == sorted(codenames)
    assert len(set(codenames)) == len(codenames)


def test_a_right_that_a_tool_does_not_have_cannot_be_asked_for():
    with pytest.raises(ValueError, match="Audit Trail has no right Change"):
        Tool.AUDIT_TRAIL.permission(Right.WRITE)


def test_every_page_that_the_registry_names_exists():
    of_programs = {Tool.PORTAL_INBOX}
    assert all(page_url(tool) for tool in Tool if tool not in of_programs)
    assert not any(map(page_url, of_programs))


@pytest.mark.django_db
def test_rights_add_up_across_groups(make_user):
    user = make_user(Tool.AUDIT_TRAIL, groups=["Counselors"])
    assert user.may(Tool.AUDIT_TRAIL)
    assert user.may(Tool.SENT_MESSAGE_LOG, Right.WRITE)
    assert not user.may(Tool.ADMIN_SENT_MESSAGE_LOG)


@pytest.mark.django_db
def test_write_does_not_bring_read(make_user):
    user = make_user((Tool.MAILGUN_SYNC, Right.WRITE))
    assert user.may(Tool.MAILGUN_SYNC, Right.WRITE)
    assert not user.may(Tool.MAILGUN_SYNC)


@pytest.mark.django_db
def test_messages_come_in_by_a_right_of_its_own(make_user):
    reader = make_user(*(tool for tool in Tool if Right.READ in tool.rights))
    assert not reader.may(Tool.MESSAGE_IMPORT, Right.WRITE)
    assert make_user(groups=["System Administrators"]).may(Tool.MESSAGE_IMPORT, Right.WRITE)


@pytest.mark.django_db
def test_a_closed_account_may_nothing(make_user):
    assert not make_user(Tool.AUDIT_TRAIL, is_active=False).may(Tool.AUDIT_TRAIL)
    assert not make_user(is_superuser=True, is_active=False).may(Tool.AUDIT_TRAIL)
