import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from demo.staff import PASSWORD, STAFF

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_people_of_the_demo_can_sign_in_and_have_the_rights_of_their_group(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("make_demo")

    assert PASSWORD in capsys.readouterr().out
    for person in STAFF:
        assert Client().login(username=person.username, password=PASSWORD)
        user = User.objects.get(username=person.username)
        assert [group.name for group in user.groups.all()] == ([person.group] if person.group else [])


def test_a_second_start_changes_nothing_and_tells_the_sign_ins_again(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_demo", if_empty=True)
    first = capsys.readouterr().out
    before = list(User.objects.order_by("pk").values())

    call_command("make_demo", if_empty=True)

    assert capsys.readouterr().out == first
    assert list(User.objects.order_by("pk").values()) == before


def test_it_does_not_touch_a_database_with_users(capsys: pytest.CaptureFixture[str]) -> None:
    User.objects.create_user("somebody", password="something else entirely")

    with pytest.raises(CommandError, match="users"):
        call_command("make_demo")

    call_command("make_demo", if_empty=True)
    assert User.objects.count() == 1
    assert PASSWORD not in capsys.readouterr().out
