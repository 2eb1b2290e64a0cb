"""How long a session lasts, and how a person sees and ends the others."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.sessions import UNATTENDED, device_name, sessions_of
from accounts.tasks import delete_expired_sessions
from tests.accounts.test_sign_in import is_signed_in
from tests.fixtures.accounts import PASSWORD
from tests.fixtures.factors import enter_password

pytestmark = pytest.mark.django_db

LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def dexter(make_user) -> User:
    return make_user(username="dexter")


@pytest.fixture
def pass_time(time_machine):
    """Let so many minutes pass at once."""
    time_machine.move_to(timezone.now(), tick=False)
    return lambda minutes: time_machine.shift(timedelta(minutes=minutes))


def browser(user: User, agent: str = LINUX) -> Client:
    client = Client(headers={"User-Agent": agent})
    enter_password(client, user)
    return client


def endings() -> list[tuple[str, str]]:
    events = AuditEvent.objects.filter(action="session.ended").order_by("pk")
    return [(event.who, event.details["because"]) for event in events]


@pytest.mark.parametrize(("minutes", "alive"), [(1, True), (59, True), (60, False), (599, False)])
def test_a_session_ends_after_an_hour_without_a_request(dexter, pass_time, minutes, alive):
    client = browser(dexter)
    pass_time(minutes)
    assert is_signed_in(client) == alive
    assert endings() == ([] if alive else [("dexter", "60 minutes without activity")])


@pytest.mark.slow
def test_who_is_at_work_stays_signed_in_for_ten_hours_and_no_longer(dexter, pass_time):
    client = browser(dexter)
    for _ in range(11):
        pass_time(50)
        assert is_signed_in(client)
    pass_time(50)
    response = client.get("/my-reports/", follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/login/?next=/my-reports/"
    assert "You were signed out after 10 hours." in response.text
    assert endings() == [("dexter", "10 hours")]
    assert not UserSession.objects.exists()


@pytest.mark.slow
def test_a_page_that_refreshes_keeps_nobody_signed_in(dexter, pass_time):
    client = browser(dexter)
    for _ in range(4):
        pass_time(14)
        assert client.get("/my-reports/", headers={UNATTENDED: "true", "HX-Request": "true"}).status_code == 200
    pass_time(14)
    answer = client.get("/my-reports/", headers={UNATTENDED: "true", "HX-Request": "true"})
    assert answer["Location"].startswith("/accounts/login/")


def test_the_limits_are_those_of_the_environment(dexter, pass_time, settings):
    settings.SESSION_IDLE_MINUTES = 5
    client = browser(dexter)
    pass_time(5)
    assert not is_signed_in(client)
    assert endings() == [("dexter", "5 minutes without activity")]


def test_a_session_of_an_earlier_version_goes_on_and_is_listed(signed_in, dexter, pass_time):
    client = signed_in(dexter)
    session = client.session
    del session["begun_at"], session["seen_at"]
    session.save()
    pass_time(90)
    assert is_signed_in(client)
    assert len(sessions_of(dexter)) == 1
    pass_time(60)
    assert not is_signed_in(client)


@pytest.mark.slow
def test_a_request_writes_at_most_once_a_minute(dexter, pass_time, django_assert_num_queries):
    client = browser(dexter)
    headers = {"HX-Request": "true"}
    pass_time(0.5)
    with django_assert_num_queries(5):  # session, user, rights (2), one's reports
        client.get("/my-reports/", headers=headers)
    pass_time(1)
    client.get("/my-reports/", headers=headers)
    with django_assert_num_queries(5):
        client.get("/my-reports/", headers=headers)


# The list


@pytest.mark.slow
def test_a_person_sees_the_own_sessions_and_ends_one(dexter, make_user):
    here, there, elsewhere = browser(dexter), browser(dexter), browser(make_user(username="other"))
    page = here.get("/my-sessions/")
    here_or_not = [
        (device, session.session_key == page.context["here"]) for session, device in page.context["sessions"]
    ]
    assert here_or_not == [("Firefox on Linux", False), ("Firefox on Linux", True)]
    other = UserSession.objects.get(session_key=there.session.session_key)
    assert here.post(f"/my-sessions/{other.pk}/end/").status_code == 302
    assert not is_signed_in(there)
    assert is_signed_in(here)
    foreign = UserSession.objects.get(session_key=elsewhere.session.session_key)
    assert here.post(f"/my-sessions/{foreign.pk}/end/").status_code == 404
    assert is_signed_in(elsewhere)
    assert endings() == [("dexter", "ended by the person")]


@pytest.mark.slow
def test_all_others_end_at_once_and_this_one_stays(dexter):
    here, *others = [browser(dexter) for _ in range(3)]
    assert here.post("/my-sessions/end-others/", follow=True).status_code == 200
    assert is_signed_in(here)
    assert not any(map(is_signed_in, others))
    assert len(endings()) == 2


@pytest.mark.slow
def test_a_new_password_ends_the_other_sessions(dexter):
    here, there = browser(dexter), browser(dexter)
    form = {"oldpassword": PASSWORD, "password1": "another battery staple", "password2": "another battery staple"}
    assert here.post("/accounts/password/change/", form).status_code == 302
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert len(sessions_of(dexter)) == 1
    assert endings() == [("dexter", "a new password")]


def test_a_session_that_is_over_is_not_listed_and_deleted_at_night(dexter, pass_time):
    browser(dexter)
    assert len(sessions_of(dexter)) == 1
    pass_time(62)
    assert len(sessions_of(dexter)) == 0
    pass_time(600)
    delete_expired_sessions()
    assert not Session.objects.exists()
    assert not UserSession.objects.exists()


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (LINUX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; CrOS x86_64 1.0) Chrome/140.0 Safari/537.36", "Chrome on ChromeOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.0 Safari/605.1", "Safari on macOS"),
        ("", "Another browser on another system"),
        ("<script>", "Another browser on another system"),
    ],
)
def test_a_device_has_a_name(agent, name):
    assert device_name(UserSession(user_agent=agent)) == name
