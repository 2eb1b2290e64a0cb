"""A real web server while Valkey or PostgreSQL is away, busy, or full: every answer comes soon, and says what is so."""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import Client

from accounts.database_roles import give_rights
from accounts.models import AuditEvent, User
from accounts.services import issue_token
from accounts.tools import Tool
from devtools.processes import spawn, tail
from messenger_logs.choices import CANCELED
from messenger_logs.models import MessageModeTotals, SentMessage
from tests.dispatch.conftest import database_url
from tests.fixtures.accounts import PASSWORD
from tests.fixtures.cancel import Make
from tests.full_disk import small_disk
from tests.valkey import Valkey, kill, short_folder
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SOON = 0.9  # seconds, which an answer may take longer without Valkey
LOCK_SECONDS = 1


class Site:
    """The web server as in production, with one process, so that a count in its memory is exact."""

    def __init__(self, folder: Path, valkey: Valkey, **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url, self.log = f"http://127.0.0.1:{port}", folder / "web.log"
        given = {"DATABASE_URL": database_url(), "REDIS_URL": valkey.url, "WEB_CONCURRENCY": "1"}
        self.process = spawn(
            [sys.executable, "-m", "gunicorn", "--config=config/gunicorn.conf.py", f"--bind=127.0.0.1:{port}"],
            log=self.log,
            env=os.environ | given | {"LOCK_SECONDS": str(LOCK_SECONDS)} | environment,
        )
        self.browser = requests.Session()
        wait_until(self.answers)

    def answers(self) -> bool:
        try:
            return self.get("/accounts/help/").status_code < 500
        except requests.ConnectionError:
            return False

    def get(self, path: str, **more: object) -> requests.Response:
        return self.browser.get(self.url + path, timeout=30, allow_redirects=False, **more)

    def post(self, path: str, **fields: str) -> requests.Response:
        """Send a form as a browser does, from the page that has it."""
        self.get(path)
        form = fields | {"csrfmiddlewaretoken": self.browser.cookies["csrftoken"]}
        return self.browser.post(self.url + path, data=form, timeout=30, allow_redirects=False)

    def call(self, method: str, path: str, token: str) -> requests.Response:
        return requests.request(method, self.url + path, headers={"Authorization": f"Token {token}"}, timeout=30)

    def sign_in(self, user: User) -> None:
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        self.browser.cookies.set(name, client.cookies[name].value)


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with short_folder() as folder:
        valkey = Valkey(folder)
        yield valkey
        kill(valkey.process)


@pytest.fixture
def start(tmp_path: Path, valkey: Valkey) -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def start(**environment: str) -> Site:
        sites.append(Site(tmp_path, valkey, **environment))
        return sites[-1]

    yield start
    for site in sites:
        print(tail(site.log))  # where the test failed, pytest shows it
        kill(site.process)


@pytest.fixture
def site(start: Callable[..., Site]) -> Site:
    return start()


@pytest.fixture(params=["killed", "frozen"])
def away(request: pytest.FixtureRequest, valkey: Valkey) -> Callable[[], None]:
    return valkey.kill if request.param == "killed" else valkey.freeze


@pytest.fixture
def person(sender: User) -> User:
    """The sender of a message, with a password that the real server can check."""
    sender.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt")
    sender.save()
    return sender


def seconds_of(ask: Callable[[], object]) -> float:
    began = time.monotonic()
    ask()
    return time.monotonic() - began


@contextmanager
def soon(usual: float, wait: float = SOON) -> Iterator[None]:
    """What is done here takes at most so many seconds more than usual, on a machine that may be busier by now."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 4 * usual + wait


class TestWithoutValkey:
    def test_a_person_sees_and_cancels(
        self, site: Site, person: User, under_way: Make, away: Callable[[], None]
    ) -> None:
        message = under_way()
        site.sign_in(person)
        page = f"/messenger/sent-message-log/{message.pk}/"
        paths = ("/", "/messenger/sent-message-log/", page, "/my-reports/")
        usual = max(seconds_of(partial(site.get, path)) for path in paths)
        away()

        for path in paths:
            with soon(usual):
                assert site.get(path).status_code == 200
        with soon(2 * usual):  # the page that asks, and the cancel
            assert site.post(f"{page}cancel/").status_code == 302
        assert SentMessage.objects.get(pk=message.pk).status in CANCELED

    def test_a_person_signs_in_and_out(self, site: Site, person: User, away: Callable[[], None]) -> None:
        away()

        assert site.post("/accounts/login/", login=person.username, password=PASSWORD).status_code == 302
        assert site.get("/").status_code == 200
        assert site.post("/accounts/logout/").status_code == 302
        assert site.get("/").status_code == 302

    def test_wrong_passwords_are_still_counted(self, site: Site, person: User, away: Callable[[], None]) -> None:
        away()
        for _ in range(5):
            assert "with this password" in site.post("/accounts/login/", login="sender", password="wrong").text

        assert "Sign-in is locked" in site.post("/accounts/login/", login="sender", password=PASSWORD).text

    def test_a_program_reads_and_cancels(
        self, site: Site, person: User, under_way: Make, away: Callable[[], None]
    ) -> None:
        message = under_way()
        token, _ = issue_token(user=person)
        usual = seconds_of(lambda: site.call("GET", "/api/v1/messages/?log=sent", token))
        away()

        with soon(usual):
            assert site.call("GET", "/api/v1/messages/?log=sent", token).status_code == 200
        with soon(usual):
            assert site.call("POST", f"/api/v1/messages/{message.pk}/cancel/", token).json()["result"] == "canceled"

    @pytest.mark.thorough
    def test_the_limit_of_the_api_still_counts(
        self, start: Callable[..., Site], person: User, away: Callable[[], None]
    ) -> None:
        site = start(API_RATE="3/min")
        token, _ = issue_token(user=person)
        away()

        answers = [site.call("GET", "/api/v1/messages/?log=sent", token).status_code for _ in range(4)]

        assert answers == [200, 200, 200, 429]

    def test_administrators_see_that_it_is_away(
        self, site: Site, make_user: Callable[..., User], away: Callable[[], None]
    ) -> None:
        site.sign_in(make_user(Tool.MAILGUN_SYNC))
        page = "/messenger-administration/system-health/"
        sentence = "The task queue (Valkey) does not answer"
        assert sentence not in site.get(page).text
        assert site.get("/readyz").status_code == 200
        away()

        assert sentence in site.get(page).text
        assert site.get("/readyz").status_code == 503
        assert site.get("/healthz").status_code == 200

    def test_whoever_was_signed_in_stays_so(
        self, site: Site, person: User, valkey: Valkey, away: Callable[[], None]
    ) -> None:
        site.post("/accounts/login/", login=person.username, password=PASSWORD)
        away()
        assert site.get("/").status_code == 200
        if valkey.process.poll() is None:
            valkey.thaw()
        else:
            valkey.forget()
            valkey.start()

        assert site.get("/").status_code == 200


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Another session holds the table, as a migration does."""
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    yield
    other.rollback()
    other.close()


class TestABusyDatabase:
    @pytest.mark.thorough
    @pytest.mark.parametrize("table", ["django_session", "accounts_user", "messenger_logs_sentmessage"])
    def test_a_page_behind_a_locked_table_ends_with_words(self, site: Site, person: User, table: str) -> None:
        site.sign_in(person)
        usual = seconds_of(lambda: site.get("/"))
        with locked(table), soon(usual, wait=LOCK_SECONDS + 1):
            answer = site.get("/")

        assert answer.status_code == 503
        assert "The database is busy" in answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert "no-store" in answer.headers["Cache-Control"]
        assert site.get("/").status_code == 200

    def test_a_list_behind_a_locked_table_is_a_page_that_says_so(self, site: Site, person: User) -> None:
        site.sign_in(person)
        with locked("messenger_logs_sentmessage"):
            answer = site.get("/messenger/sent-message-log/")

        assert answer.status_code == 200
        assert "This took too long and was stopped" in answer.text

    def test_a_program_behind_a_locked_table_gets_json(self, site: Site, person: User) -> None:
        token, _ = issue_token(user=person)
        with locked("accounts_user"):
            answer = site.call("GET", "/api/v1/messages/?log=sent", token)

        assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/json")
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json() == {"detail": "The database is busy and did not answer in time. Try again in a minute."}

    def test_more_pages_than_threads_behind_a_lock_do_not_fill_the_server(self, site: Site, person: User) -> None:
        site.sign_in(person)
        usual = seconds_of(lambda: site.get("/accounts/password/change/"))
        # Eight requests wait in four threads, for one lock each.
        with locked("messenger_logs_sentmessage"), requests_under_way(site, 8), soon(usual, wait=2 * LOCK_SECONDS + 2):
            assert site.get("/accounts/password/change/").status_code == 200

    def test_a_database_full_of_connections_is_said_and_passes(self, start: Callable[..., Site], person: User) -> None:
        role = "messenger_logs_test_crowd"
        give_rights(role=role, password="")
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER ROLE {role} CONNECTION LIMIT 0")
        try:
            site = start(DATABASE_URL=database_url().replace("//messenger_logs@", f"//{role}@"))
            site.sign_in(person)
            assert site.get("/").status_code == 503
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER ROLE {role} CONNECTION LIMIT -1")
            assert site.get("/").status_code == 200
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [role])
                cursor.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")

    def test_a_database_that_takes_a_connection_and_says_nothing_is_given_up(
        self, start: Callable[..., Site], person: User
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            site = start(DATABASE_URL=f"postgres://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing")
            site.sign_in(person)
            answer = site.get("/")  # gives up after 30 seconds, which is more than connect_timeout

        assert answer.status_code == 503
        assert "cannot be reached" in answer.text

    def test_a_session_that_the_database_ended_costs_no_page(self, site: Site, person: User) -> None:
        """A restart of PostgreSQL ends all of them."""
        site.sign_in(person)
        assert site.get("/").status_code == 200
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid != pg_backend_pid()"
            )
            assert cursor.fetchone()[0] > 0

        assert site.get("/").status_code == 200


class TestAFullDisk:
    """There is no room for events of the audit trail, so nothing can be done that belongs into it."""

    def test_a_cancel_is_refused_in_words_and_leaves_nothing_half_done(
        self, site: Site, person: User, under_way: Make
    ) -> None:
        message = under_way()
        before = state_of(message)
        token, _ = issue_token(user=person)
        cancel = f"/messenger/sent-message-log/{message.pk}/cancel/"
        with small_disk("accounts_auditevent") as disk:
            site.sign_in(person)
            site.get(cancel)
            # A page of the table that is not full yet would still take some events.
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE accounts_auditevent CASCADE")
            disk.fill()
            answers = [site.post(cancel), site.call("POST", f"/api/v1/messages/{message.pk}/cancel/", token)]

            assert [answer.status_code for answer in answers] == [503, 503]
            assert all("The disk of the database is full." in answer.text for answer in answers)
            assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
            assert "<h1" in answers[0].text
            assert state_of(message) == before
            assert site.get("/").status_code == 200, "what only reads goes on"

            disk.make_room()
            assert site.post(cancel).status_code == 302
            assert SentMessage.objects.get(pk=message.pk).status in CANCELED
            assert AuditEvent.objects.filter(action="message.canceled").count() == 1


def state_of(message: SentMessage) -> list[object]:
    """Everything that a cancel changes."""
    rows = (
        SentMessage.objects.filter(pk=message.pk),
        message.deliveries.order_by("pk"),
        MessageModeTotals.objects.filter(totals=message.pk),
    )
    return [list(each.values()) for each in rows]


@contextmanager
def requests_under_way(site: Site, count: int) -> Iterator[None]:
    """So many requests for the home page, which nobody waits for."""
    name = settings.SESSION_COOKIE_NAME
    host, port = site.url.removeprefix("http://").split(":")
    request = f"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: {name}={site.browser.cookies[name]}\r\n\r\n"
    with ExitStack() as sockets:
        for _ in range(count):
            each = sockets.enter_context(socket.create_connection((host, int(port))))
            each.sendall(request.encode())
        yield
