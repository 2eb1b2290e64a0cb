"""The messages API, and the events that follow."""

import json
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox
from tests.sandbox.conftest import Api


@pytest.fixture
def send(sandbox: Sandbox) -> Any:
    """Post a mail, as multipart; by default a good one to two families."""

    def post(**given: Any) -> requests.Response:
        fields = {
            "from": "Office <office@mg.harrison.example>",
            "to": ["mai@example.com", "abdi@example.org"],
            "subject": "About %recipient.student%",
            "text": "Dear %recipient.name%, %recipient.unknown%",
            "recipient-variables": json.dumps(
                {
                    "mai@example.com": {"name": "Mai", "student": "Tou", "id": "1"},
                    "abdi@example.org": {"name": "Abdi", "student": "Zoë", "id": "2"},
                }
            ),
            "v:person": "%recipient.id%",
            "h:Message-Id": "<ours@mg.harrison.example>",
            **given,
        }
        parts = [
            (name, (None, value))
            for name, values in fields.items()
            for value in (values if isinstance(values, list) else [values])
            if value is not None
        ]
        return requests.post(
            f"{sandbox.url}/v3/{sandbox.domain}/messages", files=parts, auth=("api", sandbox.api_key), timeout=10
        )

    return post


def events(sandbox: Sandbox, **parameters: Any) -> list[dict[str, Any]]:
    return Api(sandbox).get(begin=0, ascending="yes", limit=300, **parameters).json()["items"]


def test_each_recipient_gets_a_mail_with_his_own_values(sandbox: Sandbox, send: Any) -> None:
    assert send().json()["id"] == "<ours@mg.harrison.example>"
    mai, abdi = sandbox.accepted.list("mail")
    assert (mai["to"], mai["subject"], mai["text"]) == ("mai@example.com", "About Tou", "Dear Mai, %recipient.unknown%")
    assert (abdi["to"], abdi["subject"], abdi["variables"]) == ("abdi@example.org", "About Zoë", {"person": "2"})
    assert mai["shown"] == 1, "nobody sees who else got it"


def test_without_recipient_variables_everybody_sees_everybody(sandbox: Sandbox, send: Any) -> None:
    send(**{"recipient-variables": None})
    assert [mail["shown"] for mail in sandbox.accepted.list()] == [2, 2]


def test_events_come_over_time_and_name_the_senders_variables(sandbox: Sandbox, send: Any) -> None:
    sandbox.decide("mail", "mai@example.com", "good")
    sandbox.decide("mail", "abdi@example.org", "unknown")
    sandbox.clock.stop()
    send()
    assert events(sandbox) == []
    sandbox.clock.move(1800)
    told = events(sandbox)
    assert {event["message"]["headers"]["message-id"] for event in told} == {"ours@mg.harrison.example"}
    of = {
        address: [(event["event"], event.get("severity")) for event in told if event["recipient"] == address]
        for address in ("mai@example.com", "abdi@example.org")
    }
    assert of["mai@example.com"][:2] == [("accepted", None), ("delivered", None)]
    assert of["abdi@example.org"] == [("accepted", None), ("failed", "permanent")]
    assert {event["recipient"]: event["user-variables"] for event in told} == {
        "mai@example.com": {"person": "1"},
        "abdi@example.org": {"person": "2"},
    }


def test_events_are_found_by_the_message_id(sandbox: Sandbox, send: Any) -> None:
    send()
    send(**{"h:Message-Id": "<other@mg.harrison.example>"})
    sandbox.clock.move(3600)
    found = events(sandbox, **{"message-id": "other@mg.harrison.example"})
    assert {event["message"]["headers"]["message-id"] for event in found} == {"other@mg.harrison.example"}
    assert events(sandbox, **{"message-id": "never@mg.harrison.example"}) == []


@pytest.mark.slow
def test_the_same_seed_tells_the_same_story(send: Any, sandbox: Sandbox) -> None:
    stories = []
    for _ in range(2):
        with Sandbox(seed=5) as other:
            other.clock.stop(1_790_000_000)
            for number in range(40):
                requests.post(
                    f"{other.url}/v3/{other.domain}/messages",
                    data={"from": "a@b.example", "to": f"family{number}@example.com", "text": "x", "h:Message-Id": "1"},
                    auth=("api", other.api_key),
                    timeout=10,
                )
            other.clock.move(86_400)
            stories.append([(e["event"], e["recipient"], e["timestamp"]) for e in events(other)])
    assert stories[0] == stories[1]
    assert len(stories[0]) > 70


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"from": ""}, "'from' parameter is missing"),
        ({"to": ""}, "'to' parameter is missing"),
        ({"to": "nobody"}, "'to' parameter is not a valid address"),
        ({"text": ""}, "Need at least one of"),
        ({"recipient-variables": "{"}, "'recipient-variables' parameter is not a valid JSON"),
        ({"recipient-variables": "[]"}, "'recipient-variables' parameter is not a valid JSON"),
        ({"to": [f"a{number}@example.com" for number in range(1001)]}, "Too many recipients"),
        ({"v:long": "x" * 17_000}, "Send options are limited"),
    ],
)
def test_what_breaks_a_rule_is_refused_whole(sandbox: Sandbox, send: Any, given: dict[str, Any], words: str) -> None:
    refusal = send(**given)
    assert refusal.status_code == 400
    assert words in refusal.json()["message"]
    assert len(sandbox.accepted) == 0


@pytest.mark.slow
def test_a_thousand_recipients_are_taken_at_once(sandbox: Sandbox, send: Any) -> None:
    addresses = [f"family{number}@example.com" for number in range(1000)]
    assert send(to=addresses).status_code == 200
    assert [mail["to"] for mail in sandbox.accepted.list("mail")] == addresses
    sandbox.clock.move(3600)
    assert len(events(sandbox)) == 300


def test_a_key_and_a_known_domain_are_asked_for(sandbox: Sandbox) -> None:
    address = f"{sandbox.url}/v3/{sandbox.domain}/messages"
    fields = {"from": "a@b.example", "to": "c@d.example", "text": "x"}
    assert requests.post(address, data=fields, auth=("api", "wrong"), timeout=10).status_code == 401
    address = f"{sandbox.url}/v3/mg.elsewhere.example/messages"
    assert requests.post(address, data=fields, auth=("api", sandbox.api_key), timeout=10).status_code == 404
    assert requests.get(address, auth=("api", sandbox.api_key), timeout=10).status_code == 404
    assert len(sandbox.accepted) == 0


@pytest.mark.parametrize(("options", "accepted"), [({}, 0), ({"accepted": True}, 2)])
@pytest.mark.parametrize("what", [500, 429])
def test_a_failure_can_be_only_a_seeming_one(
    sandbox: Sandbox, send: Any, what: int, options: dict[str, bool], accepted: int
) -> None:
    sandbox.fail(what, **options)
    assert send().status_code == what
    assert len(sandbox.accepted) == accepted


@pytest.mark.parametrize(("options", "accepted"), [({}, 0), ({"accepted": True}, 2)])
def test_the_connection_can_end_without_an_answer(
    sandbox: Sandbox, send: Any, options: dict[str, bool], accepted: int
) -> None:
    sandbox.fail("lost", **options)
    with pytest.raises(requests.ConnectionError):
        send()
    assert len(sandbox.accepted) == accepted
    assert send().status_code == 200


def test_the_connection_can_end_in_the_answer_to_what_was_taken(sandbox: Sandbox, send: Any) -> None:
    sandbox.fail("cut")
    with pytest.raises(requests.RequestException):
        send()
    assert len(sandbox.accepted) == 2


def test_events_can_be_told_twice(sandbox: Sandbox, send: Any) -> None:
    sandbox.decide("mail", "", "unknown")
    sandbox.fail("twice")
    send(to="mai@example.com")
    sandbox.clock.move(3600)
    told = events(sandbox)
    assert [event["event"] for event in told] == ["accepted", "accepted", "failed", "failed"]
    assert len({event["id"] for event in told}) == 4
    assert len(sandbox.accepted) == 1


def test_the_record_can_be_read_over_http(sandbox: Sandbox, send: Any) -> None:
    send()
    read = requests.get(f"{sandbox.url}/sandbox/accepted?kind=mail&after=1", timeout=10).json()["accepted"]
    assert [(mail["number"], mail["to"]) for mail in read] == [(2, "abdi@example.org")]
    assert requests.get(f"{sandbox.url}/sandbox/", timeout=10).json()["accepted"] == {"mail": 2, "call": 0, "text": 0}
    requests.delete(f"{sandbox.url}/sandbox/accepted", timeout=10)
    send(to="mai@example.com")
    assert [mail["number"] for mail in sandbox.accepted.list(after=2)] == [3]
