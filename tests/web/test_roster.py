"""Roster: the way of a person from a file to accounts."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import GroupScope, User
from accounts.scopes import ScopeReach
from accounts.tools import Right, Tool
from roster import tasks
from roster.models import RosterRun
from tests.queue import do_at_once
from tests.roster.files import district, people, write_zip

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PAGE = "/system-administration/roster/"


@pytest.fixture
def client(make_user, signed_in, settings, tmp_path, monkeypatch):
    settings.REPORT_FOLDER = tmp_path / "reports"
    settings.ROSTER_ROLE_GROUPS = ["administrator=Principals", "teacher="]
    do_at_once(monkeypatch, tasks.run_queued)
    return signed_in(make_user(groups=["System Administrators"]))


def file(tmp_path, users):
    return SimpleUploadedFile("sis.zip", write_zip(tmp_path / "sis.zip", district(users)).read_bytes())


def test_a_file_is_checked_run_and_stopped_where_too_many_would_leave(client, tmp_path):
    answer = client.post(f"{PAGE}upload/", {"file": file(tmp_path, people())})
    checked = RosterRun.objects.get()
    assert answer["Location"] == f"{PAGE}{checked.pk}/"
    page = client.get(answer["Location"]).text
    for text in ("nothing is changed yet", "Vang, Pam", "Oak Elementary", "OneRoster 1.1, CSV", "Run it</button>"):
        assert text in page, text
    assert not User.objects.filter(username="pam").exists()

    answer = client.post(f"{PAGE}{checked.pk}/start/")
    assert "What changed" in client.get(answer["Location"]).text
    assert User.objects.filter(username="pam").exists()
    assert "Run it</button>" not in client.get(f"{PAGE}{checked.pk}/").text

    answer = client.post(f"{PAGE}upload/", {"file": file(tmp_path, people()[1:])})
    page = client.get(answer["Location"]).text
    assert "More than 5" in page
    assert "Run it anyway" in page
    client.post(f"{answer['Location']}start/")
    assert not User.objects.get(username="pam").is_active

    listed = client.get(PAGE, headers={"HX-Request": "true"}).text
    assert "sis.zip" in listed
    assert "<html" not in listed


def test_the_page_says_what_is_not_set_up_and_what_is_wrong_with_the_form(client, settings):
    assert "No roster is set up" in client.get(PAGE).text
    assert "Choose a file." in client.post(f"{PAGE}upload/").text
    client.post(f"{PAGE}ask/")
    assert "neither ROSTER_URL nor ROSTER_FILE" in client.get(PAGE).text


def test_who_may_only_see_has_no_button(make_user, signed_in):
    page = signed_in(make_user(Tool.ROSTER)).get(PAGE).text
    assert "No runs." in page
    assert "Upload and check" not in page


def test_who_has_the_right_for_some_schools_sees_and_runs_nothing(client, make_user, signed_in, tmp_path):
    client.post(f"{PAGE}upload/", {"file": file(tmp_path, people())})
    run = RosterRun.objects.get()
    user = make_user(Tool.ROSTER, (Tool.ROSTER, Right.WRITE))
    GroupScope.objects.create(group=user.groups.get(), reach=ScopeReach.MEMBERS)
    some = signed_in(user)
    assert [some.get(PAGE + path).status_code for path in ("", f"{run.pk}/")] == [403, 403]
    assert [some.post(PAGE + action).status_code for action in ("ask/", "upload/", f"{run.pk}/start/")] == [403] * 3
