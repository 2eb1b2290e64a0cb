"""How answers and missing answers are read. The gateways and the sync have their own tests, over real HTTP."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
import responses
import stamina
from responses import matchers
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from providers.http import (
    KEPT_CHARACTERS,
    LONGEST_WAIT,
    MISCONFIGURED_WAIT,
    USUAL_WAIT,
    Api,
    NoAnswerError,
    Reply,
    TryLaterError,
    UnknownError,
    requested_wait,
    wait_of,
)

URL = "https://api.provider.example/v1/things"
NOW = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
API = Api("Provider", "https://api.provider.example/v1/", headers={"X-API-KEY": "secret"}, auth=("api", "secret"))


def unix_ms(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "90"}, 90),
        ({"Retry-After": " 90 "}, 90),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "9" * 30}, None),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=90)).replace("+0000", "-0000")}, 90),
        ({"X-RateLimit-Reset": unix_ms(NOW + timedelta(seconds=5))}, 5),
        ({"X-RateLimit-Reset": "later"}, None),
        ({"X-RateLimit-Reset": "9" * 30}, None),
        ({"X-RateLimit-Reset": unix_ms(NOW + timedelta(seconds=5)), "Retry-After": "7"}, 7),
        ({"X-RateLimit-Reset": unix_ms(NOW + timedelta(seconds=8)), "Retry-After": "7"}, 8),
        ({"X-RateLimit-Reset": unix_ms(NOW - timedelta(seconds=8))}, -8),
    ],
)
def test_the_later_of_two_waits_counts_on_the_providers_clock(headers: dict[str, str], seconds: int | None) -> None:
    wait = wait_of({"Date": format_datetime(NOW, usegmt=True), **headers})
    assert wait == (None if seconds is None else timedelta(seconds=seconds))


def test_a_wait_is_believed_within_limits() -> None:
    assert requested_wait({}) == USUAL_WAIT
    assert requested_wait({"Retry-After": "0"}) == timedelta(0)
    assert requested_wait({"Retry-After": "86400"}) == LONGEST_WAIT


def test_no_answer_is_sorted_by_whether_the_request_may_have_been_read() -> None:
    unconnected = MaxRetryError(
        HTTPConnectionPool("api.provider.example"), URL, NewConnectionError(HTTPConnection("api.provider.example"), "")
    )
    for error, kind in [
        (requests.ConnectTimeout(), TryLaterError),
        (requests.exceptions.SSLError(), TryLaterError),
        (requests.ConnectionError(unconnected), TryLaterError),
        (requests.ReadTimeout(), UnknownError),
        (requests.ConnectionError(ProtocolError("Connection aborted.")), UnknownError),
        (requests.exceptions.ChunkedEncodingError(), UnknownError),
    ]:
        with responses.RequestsMock() as provider, stamina.set_testing(True):
            provider.post(URL, body=error)
            with pytest.raises(kind, match=rf"Provider could not be reached \({type(error).__name__}\)\."):
                API.ask("POST", "/things")
            with pytest.raises(NoAnswerError) as none:
                API.request("POST", URL)
            assert none.value.connected is (kind is UnknownError)


@pytest.mark.parametrize(
    ("status", "after"),
    [
        *((status, MISCONFIGURED_WAIT) for status in (401, 403, 404, 302)),
        (429, USUAL_WAIT),
        (503, USUAL_WAIT),
    ],
)
@responses.activate
def test_an_answer_that_surely_took_nothing_says_when_to_come_again(status: int, after: timedelta) -> None:
    responses.post(URL, status=status, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(TryLaterError) as later:
        API.ask("POST", "/things")
    assert later.value.after == after
    assert len(responses.calls) == 1, "neither a redirect nor another attempt"
    assert "secret" not in repr(API) + str(later.value)


@responses.activate
def test_what_is_expected_and_all_else_is_a_reply() -> None:
    for status in (200, 201, 400, 404, 422, 500, 502):
        responses.post(URL, status=status, json={"status": status}, match=[matchers.json_params_matcher({"a": 1})])
        reply = API.ask("POST", "/things", expected=[404], json={"a": 1})
        assert (reply.status, reply.ok, reply.object()) == (status, status < 300, {"status": status})
        responses.reset()


@responses.activate
def test_bytes_that_are_no_utf8_spoil_one_word() -> None:
    responses.get(URL, body=b'{"name": "caf\xe9"}')
    assert API.ask("GET", "/things").object() == {"name": "caf\N{REPLACEMENT CHARACTER}"}


@pytest.mark.parametrize("raw", ["", "[]", "nul", "[" * 100_000, '{"a": NaN}', "<html>"])
def test_what_is_no_object_is_an_empty_one(raw: str) -> None:
    assert Reply(200, raw).object() == {}


def test_as_much_is_kept_as_can_be_stored() -> None:
    assert Reply(200, "a\0b" * KEPT_CHARACTERS).kept == ("a\ufffdb" * KEPT_CHARACTERS)[:KEPT_CHARACTERS]
