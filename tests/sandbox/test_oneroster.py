"""The stand-in's OneRoster API: pages, filters, and who is let in. tests/roster reads it as the product does."""

from __future__ import annotations

from datetime import date

import pytest
import requests

from sandbox.oneroster import BASES, TOKEN
from sandbox.roster_district import STUDENTS, fill
from sandbox.server import Sandbox


@pytest.fixture
def ask(sandbox: Sandbox):
    fill(sandbox.roster, ["Harrison High", "Oak Elementary"], seed=1, today=date(2026, 11, 26))
    scope = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly"
    form = {"grant_type": "client_credentials", "scope": scope}
    token = requests.post(sandbox.url + TOKEN, form, auth=("roster-client", "roster-secret"), timeout=10).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}

    def get(path: str, **query: str) -> requests.Response:
        return requests.get(sandbox.url + BASES["1.2"] + path, params=query, headers=headers, timeout=10)

    return get


def test_pages_have_a_total_and_a_next_one(ask):
    answer = ask("/users", limit="500", offset="1500")
    assert len(answer.json()["users"]) == 500
    assert int(answer.headers["X-Total-Count"]) == STUDENTS + 32
    assert answer.headers["Link"].endswith('offset=2000>; rel="next"')
    assert "next" not in ask("/users", limit="500", offset="2000").headers["Link"]


@pytest.mark.parametrize(
    ("filter", "number"),
    [
        ("type='school'", 2),
        ("type!='school'", 1),
        ("name~'OAK'", 1),
        ("type='school' AND name='Oak Elementary'", 1),
        ("type='district' OR name='Oak Elementary'", 2),
        ("parent.sourcedId='district'", 2),
        ("sourcedId>='school-2'", 1),
    ],
)
def test_filters(ask, filter, number):
    assert len(ask("/orgs", filter=filter).json()["orgs"]) == number


def test_what_it_refuses(ask, sandbox: Sandbox):
    assert ask("/orgs", filter="type is school").status_code == 400
    assert ask("/courses").status_code == 404
    users = sandbox.url + BASES["1.2"] + "/users"
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": 'OAuth oauth_consumer_key="x"'}):
        assert requests.get(users, headers=headers, timeout=10).status_code == 401
    for secret, status in (("x", 401), ("roster-secret", 400)):
        answer = requests.post(sandbox.url + TOKEN, {}, auth=("roster-client", secret), timeout=10)
        assert answer.status_code == status


def test_the_same_seed_gives_the_same_people(sandbox: Sandbox):
    fill(sandbox.roster, ["Harrison High"], seed=7, today=date(2026, 5, 1))
    users = sandbox.roster.users
    fill(sandbox.roster, ["Harrison High"], seed=7, today=date(2026, 5, 1))
    assert sandbox.roster.users == users
    assert sandbox.roster.academicSessions[0]["title"] == "2025-26"
