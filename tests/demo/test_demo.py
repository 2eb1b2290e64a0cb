import pytest
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from demo.staff import PASSWORD, STAFF, Person, make_staff, replace_published_password, sign_ins
from devtools.processes import SetupError
from devtools.run import refuse_published_password

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.mark.thorough
def test_the_people_of_the_demo_can_sign_in_and_have_the_rights_of_their_group(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("make_demo")

    assert PASSWORD in capsys.readouterr().out
    for person in STAFF:
        assert Client().login(username=person.username, password=PASSWORD)
        user = User.objects.get(username=person.username)
        assert [group.name for group in user.groups.all()] == ([person.group] if person.group else [])


@pytest.mark.thorough
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


def test_a_password_of_ones_own_replaces_the_published_one_for_all_of_the_staff() -> None:
    call_command("make_demo", messages=1, recipients=1)
    own = "a password that we chose"

    with pytest.raises(ValidationError):
        replace_published_password("weak")
    assert sign_ins(own).startswith(f"Sign in with the password {PASSWORD}")

    replace_published_password(own)

    for person in STAFF:
        assert not Client().login(username=person.username, password=PASSWORD)
        assert Client().login(username=person.username, password=own)
    assert sign_ins(own).startswith("Sign in with your DEMO_PASSWORD")
    assert own not in sign_ins(own)
    assert sign_ins() == ""


@pytest.mark.parametrize("person", STAFF, ids=lambda person: person.username)
def test_a_single_account_with_the_published_password_keeps_other_machines_out(person: Person) -> None:
    make_staff()
    others = User.objects.exclude(username=person.username)
    others.update(password=make_password("a third password of theirs"))

    assert sign_ins().splitlines()[1:] == [line for line in sign_ins().splitlines() if person.username in line]
    with pytest.raises(SetupError, match="DEMO_PASSWORD="):
        refuse_published_password("0.0.0.0", sign_ins("a third password of theirs"))

    replace_published_password("a password that we chose")
    refuse_published_password("0.0.0.0", sign_ins("a password that we chose"))
