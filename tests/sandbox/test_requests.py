"""The key, the parameters and the filters of the Events API, and the log of requests."""

import time
from email.utils import formatdate
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox
from tests.sandbox.conftest import Api, ids


@pytest.mark.parametrize("auth", [None, ("api", "another-key"), ("someone", "key-sandbox"), ("api", "")])
def test_it_asks_for_the_api_key(sandbox: Sandbox, auth: tuple[str, str] | None) -> None:
    answer = requests.get(f"{sandbox.url}/v3/{sandbox.domain}/events?begin=0&ascending=yes", auth=auth, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["message"]


def test_it_refuses_an_authorization_header_that_is_no_base64(sandbox: Sandbox) -> None:
    headers = {"Authorization": "Basic ###"}
    answer = requests.get(f"{sandbox.url}/v3/{sandbox.domain}/events", headers=headers, timeout=10)
    assert answer.status_code == 401


def test_a_domain_of_somebody_else_is_not_found(sandbox: Sandbox, api: Api) -> None:
    answer = api.session.get(f"{sandbox.url}/v3/mg.other.example/events?begin=0&ascending=yes", timeout=10)
    assert answer.status_code == 404
    assert "mg.other.example" in answer.json()["message"]


@pytest.mark.parametrize("path", ["/", "/v3", "/v3/mg.harrison.example", "/v3/mg.harrison.example/events/a/b", "/v4/x"])
def test_other_addresses_are_not_found(sandbox: Sandbox, api: Api, path: str) -> None:
    assert api.session.get(sandbox.url + path, timeout=10).status_code == 404


def test_events_can_only_be_read(sandbox: Sandbox, api: Api) -> None:
    answer = api.session.post(f"{sandbox.url}/v3/{sandbox.domain}/events", json={}, timeout=10)
    assert answer.status_code == 405


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"ascending": "yes"}, "begin"),
        ({"begin": 100}, "ascending"),
        ({"begin": 100, "ascending": "maybe"}, "ascending"),
        ({"begin": 100, "end": 200, "ascending": "no"}, "agree"),
        ({"begin": 200, "end": 100, "ascending": "yes"}, "agree"),
        ({"begin": "yesterday", "ascending": "yes"}, "begin"),
        ({"begin": 100, "end": "soon"}, "end"),
        ({"begin": "nan", "ascending": "yes"}, "begin"),
        ({"begin": "inf", "ascending": "yes"}, "begin"),
        ({"begin": -5, "ascending": "yes"}, "begin"),
        ({"begin": "99999999999999", "ascending": "yes"}, "begin"),
        ({"begin": "Fri, 32 May 2013 09:00:00 -0000", "ascending": "yes"}, "begin"),
        ({"begin": 0, "ascending": "yes", "limit": 301}, "limit"),
        ({"begin": 0, "ascending": "yes", "limit": 0}, "limit"),
        ({"begin": 0, "ascending": "yes", "limit": "-1"}, "limit"),
        ({"begin": 0, "ascending": "yes", "limit": "many"}, "limit"),
        ({"begin": 0, "ascending": "yes", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_question_is_refused_in_words(api: Api, parameters: dict[str, Any], word: str) -> None:
    answer = api.get(**parameters)
    assert answer.status_code == 400
    assert word in answer.json()["message"]


def test_pages_have_100_events_unless_asked_otherwise_and_300_at_most(sandbox: Sandbox, api: Api) -> None:
    sandbox.add_many(400, time.time() - 400, time.time())
    assert len(ids(api.get(begin=0, ascending="yes"))) == 100
    assert len(ids(api.get(begin=0, ascending="yes", limit=7))) == 7
    assert len(ids(api.get(begin=0, ascending="yes", limit=300))) == 300


def test_begin_and_end_are_epoch_seconds_or_rfc_2822(sandbox: Sandbox, api: Api) -> None:
    noon = int(time.time()) - 86_400
    sandbox.add_many(60, noon, noon + 60)
    with_numbers = api.traverse(begin=noon + 10, end=noon + 19.5, limit=300)
    with_dates = api.traverse(begin=formatdate(noon + 10), end=formatdate(noon + 19), limit=300)
    assert len(with_numbers) == 10
    assert with_numbers == with_dates


def test_both_ends_belong_to_the_range(sandbox: Sandbox, api: Api) -> None:
    moment = int(time.time()) - 3600
    for second in range(5):
        sandbox.add(id=str(second), timestamp=moment + second)
    assert api.traverse(begin=moment + 1, end=moment + 3) == ["1", "2", "3"]


def test_an_end_older_than_begin_means_newest_first(sandbox: Sandbox, api: Api) -> None:
    now = time.time()
    made = sandbox.add_many(50, now - 50, now)
    assert api.traverse(begin=now, end=now - 60, limit=20) == made[::-1]
    assert api.traverse(begin=now, end=now - 60, ascending="no", limit=20) == made[::-1]


def test_newest_first_without_an_end_goes_as_far_back_as_there_is(sandbox: Sandbox, api: Api) -> None:
    now = time.time()
    made = sandbox.add_many(50, now - 86_400 * 20, now)
    assert api.traverse(begin=now, ascending="no", limit=20) == made[::-1]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"event": "failed"}, ["temporary", "permanent"]),
        ({"event": "failed", "severity": "permanent"}, ["permanent"]),
        ({"event": "failed OR rejected"}, ["temporary", "permanent", "rejected"]),
        ({"recipient": "Lor@Example.com"}, ["delivered"]),
        ({"recipient": "lor"}, []),
        ({"subject": "Snow day"}, ["rejected"]),
        ({"message-id": "m1@mg.harrison.example"}, ["rejected"]),
        ({"tags": "attendance"}, ["permanent"]),
    ],
)
def test_events_are_filtered_by_fields(sandbox: Sandbox, api: Api, filters: dict[str, str], found: list[str]) -> None:
    sandbox.add(id="delivered", recipient="lor@example.com")
    sandbox.add(id="temporary", event="failed", severity="temporary")
    sandbox.add(id="permanent", event="failed", severity="permanent", tags=["attendance", "am"])
    sandbox.add(id="rejected", event="rejected", subject="Snow day", message_id="m1@mg.harrison.example")
    sandbox.add_raw("no JSON")
    assert set(api.traverse(begin=0, ascending="yes", limit=1, **filters)) == set(found)


def test_it_keeps_a_log_of_what_was_requested_without_credentials(sandbox: Sandbox, api: Api) -> None:
    sandbox.add()
    first = api.get(begin=0, ascending="yes")
    api.follow(first)
    api.get(begin="never", ascending="yes")
    one, two, three = sandbox.requests
    assert (one.method, one.path, one.query) == ("GET", f"/v3/{sandbox.domain}/events", "begin=0&ascending=yes")
    assert [(request.page, request.status) for request in (one, two, three)] == [(1, 200), (2, 200), (1, 400)]
    assert one.domain == sandbox.domain
    assert abs(one.at - time.time()) < 5
    assert sandbox.api_key not in repr(sandbox.requests)


def test_a_domain_has_a_state_and_records_of_which_one_can_be_broken(sandbox: Sandbox, api: Api) -> None:
    def ask(name: str = sandbox.domain, method: str = "GET") -> requests.Response:
        return api.session.request(method, f"{sandbox.url}/v4/domains/{name}", timeout=10)

    assert ask().json()["domain"]["state"] == "active"
    sandbox.fail("broken-record", record="DKIM", domain=sandbox.domain)
    broken = ask().json()
    assert broken["domain"]["state"] == "unverified"
    assert [record["name"] for record in broken["sending_dns_records"] if record["valid"] == "invalid"] == [
        f"mx._domainkey.{sandbox.domain}"
    ]
    assert ask().json()["domain"]["state"] == "active", "once"
    assert ask("mg.unknown.example").status_code == 404
    assert ask(method="DELETE").status_code == 405
