"""Reading a roster over HTTP: both versions, each way to sign in, pages, and servers that fail."""

from __future__ import annotations

import pytest

from providers.http import NotSetUpError
from providers.oneroster import OneRoster
from roster.reading import ChangedMeanwhile, Part, Reading, Unreadable
from roster.rest import read_rest
from sandbox.oneroster import BASES, TOKEN
from tests.roster.files import TERMS, people, rest_orgs, rest_user

READ = {Part.ORGS: "d high oak", Part.TERMS: "y27", Part.PEOPLE: "bao lia mom pam sue tom"}


@pytest.fixture
def server(sandbox, settings):
    """The district on the stand-in, in version 1.2 and with OAuth 2; `server.version = "1.1"` is the other one."""
    settings.ROSTER_AUTH, settings.ROSTER_PAGE, settings.ROSTER_MINUTES = "oauth2", 1000, 1
    settings.ROSTER_TOKEN_URL = sandbox.url + TOKEN
    settings.ROSTER_CLIENT_ID, settings.ROSTER_CLIENT_SECRET = "roster-client", "roster-secret"
    speak(sandbox, settings, "1.2")
    return sandbox


def speak(sandbox, settings, version):
    settings.ROSTER_VERSION, settings.ROSTER_URL = version, sandbox.url + BASES[version]
    sandbox.roster.orgs = rest_orgs()
    sandbox.roster.academicSessions = [{**row, "status": "active"} for row in TERMS]
    sandbox.roster.users = [rest_user(row, version) for row in people()]


def read() -> tuple[dict[Part, list[str]], Reading]:
    with Reading.open() as reading:
        read_rest(reading)
        return {part: reading.file_of(part).read().splitlines() for part in Part}, reading


def ids(rows) -> dict[Part, str]:
    return {part: " ".join(line.split(",")[0] for line in rows[part]) for part in READ}


@pytest.mark.parametrize("page", [1000, 4, 1])
@pytest.mark.parametrize("tells", ["total", "next", "nothing"])
def test_pages_come_to_their_end_whatever_the_server_tells(server, settings, page, tells):
    settings.ROSTER_PAGE = page
    server.roster.tells_total, server.roster.tells_next = tells == "total", tells == "next"
    rows, reading = read()
    assert ids(rows) == READ
    assert reading.problems == []
    assert reading.complete == {Part.ORGS, Part.TERMS, Part.PEOPLE, Part.ROLES}


def test_a_server_that_gives_smaller_pages_than_asked_for(server):
    server.roster.most = 2
    assert ids(read()[0]) == READ


@pytest.mark.parametrize(
    ("version", "auth", "signature"),
    [
        ("1.1", "oauth1", "HMAC-SHA256"),
        ("1.1", "oauth1", "HMAC-SHA1"),
        ("1.1", "oauth2", ""),
        ("1.2", "oauth2", ""),
        ("1.1", "bearer", ""),
    ],
)
def test_both_versions_and_each_way_to_sign_in(server, settings, version, auth, signature):
    speak(server, settings, version)
    settings.ROSTER_AUTH, settings.ROSTER_SIGNATURE, settings.ROSTER_TOKEN = auth, signature, "a-token"
    settings.ROSTER_PAGE = 2
    server.roster.tokens.add("a-token")
    rows, reading = read()
    assert ids(rows) == READ
    assert reading.label == f"OneRoster {version}, REST"
    pam = [line for line in rows[Part.ROLES] if line.startswith("pam,")]
    assert [line.split(",")[:3] for line in pam] == [["pam", "administrator", "d"], ["pam", "administrator", "high"]]


@pytest.mark.parametrize("auth", ["oauth1", "oauth2", "bearer"])
def test_wrong_credentials_are_said_once_and_not_tried_again(server, settings, auth):
    settings.ROSTER_AUTH, settings.ROSTER_TOKEN, settings.ROSTER_CLIENT_SECRET = auth, "wrong", "wrong"
    with pytest.raises(Unreadable, match=r"did not accept our credentials \(401\)"):
        read()
    assert len(server.requests) == 1
    assert "wrong" not in repr(server.requests)


def test_a_token_that_expires_meanwhile_is_renewed(server, settings):
    settings.ROSTER_PAGE = 1
    answered = 0

    def expire() -> None:
        nonlocal answered
        answered += 1
        if answered == 6:
            server.roster.sign_out()

    server.before_answer = expire
    assert ids(read()[0]) == READ
    assert [request.path for request in server.requests].count(TOKEN) == 2


@pytest.mark.slow
@pytest.mark.parametrize("fault", [{"what": 503}, {"what": 429, "retry_after": 0}, {"what": "lost"}, {"what": "cut"}])
def test_a_server_that_fails_for_a_moment_is_asked_again(server, fault):
    server.fail(**fault, path="/users")
    assert ids(read()[0]) == READ


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"what": "html"}, "gave no list of users"),
        ({"what": "half"}, "gave no list of users"),
        ({"what": 404}, "does not know the address"),
        ({"what": 302}, r"did not answer the request \(302\)"),
        ({"what": 429, "retry_after": 3600}, r"asks for patience \(429\)"),
    ],
)
def test_an_answer_that_is_no_list_is_never_taken_for_an_empty_one(server, fault, reason):
    server.fail(**fault, path="/users", times=None)
    with pytest.raises(Unreadable, match=reason):
        read()


def test_an_answer_without_an_end_ends(server, settings, monkeypatch):
    monkeypatch.setattr("providers.http.MOST_BYTES", 100_000)
    server.fail("endless", path="/orgs")
    with pytest.raises(Unreadable, match="Set ROSTER_PAGE to fewer than 1,000"):
        read()


def test_the_whole_reading_has_an_end(server, settings):
    settings.ROSTER_MINUTES = 0
    with pytest.raises(Unreadable, match="Reading took longer than 0 minutes"):
        read()


def test_a_roster_that_changes_meanwhile_is_no_roster(server, settings):
    """Who was read leaves, so that the next page leaves out somebody who stays."""
    settings.ROSTER_PAGE = 2

    def leave() -> None:
        request = server.requests[-1]
        if request.path.endswith("users") and "offset=2" in request.query:
            server.roster.users = [user for user in server.roster.users if user["sourcedId"] != "lia"]

    server.before_answer = leave
    with pytest.raises(ChangedMeanwhile, match="6 users, then 5"):
        read()


def test_the_same_page_again_is_no_next_page(server, settings, monkeypatch):
    settings.ROSTER_PAGE = 2
    server.roster.tells_total = server.roster.tells_next = False
    monkeypatch.setattr("providers.oneroster.urlencode", lambda query: "limit=2")
    with pytest.raises(Unreadable, match="gave the same page of orgs again"):
        read()


def test_items_that_are_none_are_told_and_stop_no_other(server):
    server.roster.users += [{"sourcedId": "zz", "status": "what"}, {"sourcedId": {"a": 1}}]
    server.roster.users[0]["orgs"] = "no list"
    server.roster.users[0]["roles"] = {"role": 7}
    rows, reading = read()
    assert ids(rows)[Part.PEOPLE] == READ[Part.PEOPLE]
    assert sorted(what for _, what in reading.problems) == [
        "has a status that is neither active nor tobedeleted",
        "has no sourcedId",
    ]


def test_the_filter_for_users_is_the_servers(server, settings):
    settings.ROSTER_USER_FILTER = "roles.role='student' OR roles.role='teacher'"
    assert ids(read()[0]) == READ | {Part.PEOPLE: "bao lia tom"}


@pytest.mark.parametrize("name", ["ROSTER_URL", "ROSTER_TOKEN_URL", "ROSTER_CLIENT_ID", "ROSTER_CLIENT_SECRET"])
def test_a_setting_that_is_missing_is_named(server, settings, name):
    setattr(settings, name, "")
    with pytest.raises(NotSetUpError, match=name):
        OneRoster.of_settings()
