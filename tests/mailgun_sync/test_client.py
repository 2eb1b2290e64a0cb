"""The Events API client against the stand-in provider, over HTTP."""

import time
from datetime import datetime, timedelta

import pytest
import requests
import responses
from pytest_django import Settings

from mailgun_sync.client import EventsApi, ProviderError, read_page
from sandbox.server import Sandbox

EMPTY = {"items": [], "paging": {"next": "https://api.mailgun.net/v3/x/events/end"}}


@pytest.fixture
def source(mailgun: Sandbox) -> EventsApi:
    return EventsApi.of(mailgun.domain)


def read(source: EventsApi, now: datetime, hours: int = 1) -> list[str]:
    pages = list(source.pages(now - timedelta(hours=hours), now))
    return [event.raw for page in pages for event in page]


def fill(mailgun: Sandbox, now: datetime, count: int = 700) -> None:
    mailgun.add_many(count, now - timedelta(minutes=50), now)


def test_it_reads_to_the_empty_page_in_order(mailgun: Sandbox, source: EventsApi, now: datetime) -> None:
    ids = mailgun.add_many(700, now - timedelta(minutes=50), now)

    raws = read(source, now)

    assert [id for id in ids if any(id in raw for raw in raws)] == ids
    assert [request.page for request in mailgun.requests] == [1, 2, 3, 4]


def test_the_first_request_asks_as_the_manual_says(mailgun: Sandbox, source: EventsApi, now: datetime) -> None:
    read(source, now)

    query = dict(pair.split("=") for pair in mailgun.requests[0].query.split("&"))
    assert query.keys() == {"begin", "end", "ascending", "limit"}
    assert (query["ascending"], query["limit"]) == ("yes", "300")
    assert int(query["begin"]) <= (now - timedelta(hours=1)).timestamp() <= int(query["begin"]) + 1
    assert int(query["end"]) - 1 <= now.timestamp() <= int(query["end"])


def test_a_short_page_is_not_the_end(mailgun: Sandbox, source: EventsApi, now: datetime) -> None:
    fill(mailgun, now)
    mailgun.fail("short", size=1, page=1)

    assert len(read(source, now)) == 700


@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_errors_are_tried_again_at_the_same_address(
    mailgun: Sandbox, source: EventsApi, now: datetime, status: int
) -> None:
    fill(mailgun, now)
    mailgun.fail(status, page=2, times=3)

    assert len(read(source, now)) == 700
    second = [request.path for request in mailgun.requests if request.page == 2]
    assert len(second) == 4
    assert len({*second}) == 1


@pytest.mark.parametrize("fault", ["cut", "half"])
def test_an_answer_that_broke_off_is_asked_for_again(
    mailgun: Sandbox, source: EventsApi, now: datetime, fault: str
) -> None:
    fill(mailgun, now)
    mailgun.fail(fault, page=2, times=2)

    assert len(read(source, now)) == 700


def test_it_gives_up_when_errors_go_on(mailgun: Sandbox, source: EventsApi, now: datetime, settings: Settings) -> None:
    settings.MAILGUN_ATTEMPTS = 3
    mailgun.fail(503, times=None)

    with pytest.raises(ProviderError, match="503"):
        read(source, now)

    assert len(mailgun.requests) == 3


@pytest.mark.parametrize(
    ("status", "words"), [(400, "status 400"), (401, "API key"), (403, "may not read"), (404, "does not know")]
)
def test_refusals_are_not_tried_again(
    mailgun: Sandbox, source: EventsApi, now: datetime, status: int, words: str
) -> None:
    mailgun.fail(status, times=None)

    with pytest.raises(ProviderError, match=words):
        read(source, now)

    assert len(mailgun.requests) == 1


def test_a_wrong_key_is_told_in_words(mailgun: Sandbox, now: datetime) -> None:
    with pytest.raises(ProviderError, match="did not accept the API key"):
        read(EventsApi(mailgun.domain, mailgun.url, "wrong"), now)


@pytest.mark.slow
def test_it_waits_until_the_rate_limit_is_reset(mailgun: Sandbox, source: EventsApi, now: datetime) -> None:
    fill(mailgun, now)
    mailgun.fail(429, page=2, reset_ms=2500)

    assert len(read(source, now)) == 700

    refused, again = (request for request in mailgun.requests if request.page == 2)
    assert again.path == refused.path
    # The Date header, which the wait is counted from, has whole seconds.
    assert again.at - refused.at >= 2.4


@pytest.mark.slow
def test_the_later_of_reset_and_retry_after_counts(mailgun: Sandbox, source: EventsApi, now: datetime) -> None:
    mailgun.fail(429, reset_ms=100, retry_after=2)

    read(source, now)

    assert mailgun.requests[1].at - mailgun.requests[0].at >= 2


@pytest.mark.slow
def test_the_reset_is_read_on_the_providers_clock(mailgun: Sandbox, source: EventsApi) -> None:
    mailgun.clock.move(-3600)
    mailgun.fail(429, reset_ms=1000)

    begun = time.monotonic()
    source.now()

    assert 0.9 <= time.monotonic() - begun < 10


def test_a_rate_limit_of_hours_ends_the_run(mailgun: Sandbox, source: EventsApi, now: datetime) -> None:
    mailgun.fail(429, reset_ms=2 * 60 * 60 * 1000)

    with pytest.raises(ProviderError, match="429"):
        read(source, now)


def test_a_web_page_with_status_200_is_no_page_of_events(mailgun: Sandbox, source: EventsApi, now: datetime) -> None:
    mailgun.fail("html")

    with pytest.raises(ProviderError, match="MAILGUN_API_BASE"):
        read(source, now)


@pytest.mark.parametrize("items", [None, {}, "text", 0])
def test_items_must_be_a_list(mailgun: Sandbox, source: EventsApi, now: datetime, items: object) -> None:
    mailgun.fail("items", value=items)

    with pytest.raises(ProviderError, match="no list of events"):
        read(source, now)


@pytest.mark.parametrize("host", ["http://events.elsewhere.example", "https://127.0.0.1", "//evil.example", ""])
def test_the_key_does_not_travel_to_another_host(mailgun: Sandbox, source: EventsApi, now: datetime, host: str) -> None:
    fill(mailgun, now)
    mailgun.fail("foreign-next", host=host, page=1)

    with pytest.raises(ProviderError, match="another host"):
        read(source, now)

    assert len(mailgun.requests) == 1


def test_a_page_that_is_its_own_next_page_ends_the_run(mailgun: Sandbox, source: EventsApi, now: datetime) -> None:
    fill(mailgun, now)
    mailgun.fail("repeated-next", page=2, times=None)

    with pytest.raises(ProviderError, match="given already"):
        read(source, now)


@responses.activate
def test_a_redirect_is_not_followed(now: datetime) -> None:
    responses.get("https://api.mailgun.net/v3/x/events", status=302, headers={"Location": "https://elsewhere.example/"})

    with pytest.raises(ProviderError, match="302"):
        list(EventsApi("x", "https://api.mailgun.net", "key").pages(now - timedelta(hours=1), now))

    assert len(responses.calls) == 1


@responses.activate
def test_a_time_out_is_set_and_tried_again(now: datetime) -> None:
    url = "https://api.mailgun.net/v3/x/events"
    responses.get(url, body=requests.ConnectTimeout())
    responses.get(url, json=EMPTY)

    assert list(EventsApi("x", "https://api.mailgun.net", "key").pages(now - timedelta(hours=1), now)) == []

    assert all(vars(call.request)["req_kwargs"]["timeout"] == (10, 90) for call in responses.calls)
    assert len(responses.calls) == 2


def test_bytes_that_are_no_utf8_spoil_one_word_only(mailgun: Sandbox, source: EventsApi, now: datetime) -> None:
    mailgun.add_raw(b'{"event": "delivered", "id": "x", "recipient": "caf\xe9@example.com"}', timestamp=now)

    (raw,) = read(source, now)

    assert "caf\N{REPLACEMENT CHARACTER}@example.com" in raw


def test_now_is_the_providers_clock(mailgun: Sandbox, source: EventsApi, now: datetime) -> None:
    mailgun.clock.move(-600)

    assert abs(source.now() - (now - timedelta(minutes=10))) < timedelta(seconds=10)


@pytest.mark.parametrize(("region", "base"), [("us", "https://api.mailgun.net"), ("eu", "https://api.eu.mailgun.net")])
def test_the_region_decides_the_host(settings: Settings, region: str, base: str) -> None:
    settings.MAILGUN_API_BASE, settings.MAILGUN_API_KEY, settings.MAILGUN_REGION = "", "key", region

    assert EventsApi.of("x").base == base


def test_settings_that_are_missing_or_wrong_are_told_in_words(settings: Settings) -> None:
    settings.MAILGUN_API_BASE, settings.MAILGUN_API_KEY, settings.MAILGUN_REGION = "", "key", "mars"
    with pytest.raises(ProviderError, match="us or eu"):
        EventsApi.of("x")

    settings.MAILGUN_API_KEY = ""
    with pytest.raises(ProviderError, match="MAILGUN_API_KEY"):
        EventsApi.of("x")


def test_the_key_is_in_no_repr() -> None:
    assert "secret" not in repr(EventsApi("x", "https://api.mailgun.net", "secret"))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"items": [}', '{"items": [{}', '{"items" []}', '{"items": [{}] "paging": {}}', "nul", "5"]
)
def test_what_is_not_a_json_object_is_told_apart(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_page(text)


def test_each_event_keeps_its_own_text() -> None:
    events, members = read_page(' { "paging" : {"next": "n"},\n"items" : [ {"a":  1.50} ,3, "x, ]" ,[ ] ] , "z": 1 } ')

    assert events is not None
    assert [event.raw for event in events] == ['{"a":  1.50}', "3", '"x, ]"', "[ ]"]
    assert members == {"paging": {"next": "n"}, "z": 1}
