"""The pages of a traversal, also when events come in meanwhile."""

import time
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest

from sandbox.server import Sandbox
from tests.sandbox.conftest import Api, ids


def test_a_traversal_gives_every_event_once_and_ends_with_an_empty_page(sandbox: Sandbox, api: Api) -> None:
    now = time.time()
    made = sandbox.add_many(1000, now - 1000, now)
    pages = list(api.pages(begin=now - 2000, end=now, limit=300))
    assert [len(ids(page)) for page in pages] == [300, 300, 300, 100, 0]
    assert [id for page in pages for id in ids(page)] == made


def test_every_page_has_all_four_addresses_on_the_servers_own_host(sandbox: Sandbox, api: Api) -> None:
    sandbox.add()
    for page in api.pages():
        paging = page.json()["paging"]
        assert set(paging) == {"next", "previous", "first", "last"}
        for address in paging.values():
            assert address.startswith(f"{sandbox.url}/v3/{sandbox.domain}/events/")
            assert "?" not in address


def test_events_stand_in_the_order_of_milliseconds_and_then_of_ids(sandbox: Sandbox, api: Api) -> None:
    second = int(time.time()) - 100
    sandbox.add(id="c", timestamp=second + 0.0015)
    sandbox.add(id="b", timestamp=second + 0.0019)
    sandbox.add(id="a", timestamp=second + 0.002)
    sandbox.add(id="z", timestamp=second)
    assert api.traverse() == ["z", "b", "c", "a"]


def test_events_that_share_id_and_time_are_all_given(sandbox: Sandbox, api: Api) -> None:
    moment = time.time() - 100
    kinds = ["accepted", "delivered", "opened", "clicked"]
    for kind in kinds:
        sandbox.add(event=kind, id="same", timestamp=moment)
    pages = list(api.pages(begin=0, ascending="yes", limit=1))
    assert [item["event"] for page in pages for item in page.json()["items"]] == kinds


@pytest.mark.parametrize("newest_first", [False, True])
def test_previous_first_and_last_lead_where_they_say(sandbox: Sandbox, api: Api, newest_first: bool) -> None:
    now = time.time()
    made = sandbox.add_many(25, now - 25, now)
    begin, end = (now, now - 60) if newest_first else (now - 60, now)
    if newest_first:
        made.reverse()
    first = api.get(begin=begin, end=end, limit=10)
    second = api.follow(first)
    third = api.follow(second)
    empty = api.follow(third)
    assert ids(api.follow(third, "previous")) == ids(second) == made[10:20]
    assert ids(api.follow(empty, "previous")) == made[15:]
    assert ids(api.follow(third, "first")) == ids(first) == made[:10]
    assert ids(api.follow(first, "last")) == made[15:]
    before = api.follow(first, "previous")
    assert ids(before) == []
    assert ids(api.follow(before)) == ids(first)


def test_a_page_address_can_be_called_again_with_the_same_result(sandbox: Sandbox, api: Api) -> None:
    now = time.time()
    sandbox.add_many(30, now - 30, now)
    first = api.get(begin=now - 60, end=now, limit=10)
    assert api.follow(first).content == api.follow(first).content


def test_without_an_end_the_traversal_goes_on_with_what_has_come_since(sandbox: Sandbox, api: Api) -> None:
    sandbox.add(id="a", timestamp=time.time() - 2)
    *_, empty = api.pages(begin=0, ascending="yes")
    assert ids(api.follow(empty)) == []
    sandbox.add(id="b")
    assert ids(api.follow(empty)) == ["b"]
    assert ids(api.follow(api.follow(empty))) == []


def test_an_empty_range_goes_on_too(sandbox: Sandbox, api: Api) -> None:
    empty = api.get(begin=time.time() - 10, ascending="yes")
    assert ids(empty) == []
    sandbox.add(id="a")
    assert ids(api.follow(empty)) == ["a"]


def test_with_an_end_nothing_newer_shows(sandbox: Sandbox, api: Api) -> None:
    now = time.time()
    sandbox.add(id="a", timestamp=now - 2)
    *_, empty = api.pages(begin=now - 10, end=now - 1)
    sandbox.add(id="b", timestamp=now)
    assert ids(api.follow(empty)) == []


@pytest.mark.parametrize("token", ["x", "W10", "bnVsbA", "e30", "%00", "eyJzZWFyY2giOiB7fX0"])
def test_a_page_address_that_is_not_ours_is_refused(sandbox: Sandbox, api: Api, token: str) -> None:
    answer = api.session.get(f"{sandbox.url}/v3/{sandbox.domain}/events/{token}", timeout=10)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_a_parameter_added_to_a_page_address_is_refused(sandbox: Sandbox, api: Api) -> None:
    sandbox.add()
    answer = api.session.get(api.get().json()["paging"]["next"] + "?limit=10", timeout=10)
    assert answer.status_code == 400


def test_an_event_does_not_show_before_it_is_visible(sandbox: Sandbox, api: Api) -> None:
    sandbox.clock.stop()
    now = sandbox.clock.now()
    sandbox.add(id="late", timestamp=now - 60, visible_at=now + 1200)
    sandbox.add(id="there", timestamp=now - 30)
    assert api.traverse() == ["there"]
    sandbox.clock.move(1199)
    assert api.traverse() == ["there"]
    sandbox.clock.move(1)
    assert api.traverse() == ["late", "there"]


def test_an_event_indexed_behind_the_page_never_shows_further_on(sandbox: Sandbox, api: Api) -> None:
    now = time.time()
    made = sandbox.add_many(20, now - 100, now)
    first = api.get(begin=now - 200, ascending="yes", limit=10)
    sandbox.add(id="behind", timestamp=now - 99)
    sandbox.add(id="ahead", timestamp=now - 1)
    second = api.follow(first)
    third = api.follow(second)
    assert ids(second) + ids(third) == [*made[10:], "ahead"]
    assert "behind" in api.traverse(begin=now - 200, ascending="yes")


def test_events_past_the_retention_are_not_given(sandbox: Sandbox, api: Api) -> None:
    sandbox.clock.stop()
    now = sandbox.clock.now()
    day = 86_400
    sandbox.add(id="old", timestamp=now - 30 * day - 1)
    sandbox.add(id="kept", timestamp=now - 30 * day + 1)
    first = api.get(begin=0, ascending="yes", limit=1)
    assert ids(first) == ["kept"]
    assert api.traverse(begin=now, ascending="no") == ["kept"]
    sandbox.clock.move(2)
    assert api.traverse() == []
    assert ids(api.follow(first, "first")) == []
    sandbox.retention = timedelta(days=40)
    assert api.traverse() == ["old", "kept"]


def test_the_date_header_is_the_providers_own_time(sandbox: Sandbox, api: Api) -> None:
    def difference() -> float:
        return parsedate_to_datetime(api.get().headers["Date"]).timestamp() - time.time()

    assert abs(difference()) < 3
    sandbox.clock.move(-600)
    assert abs(difference() + 600) < 3
    sandbox.clock.set(1_700_000_000)
    assert parsedate_to_datetime(api.get().headers["Date"]).timestamp() == pytest.approx(1_700_000_000, abs=3)
    sandbox.clock.reset()
    assert abs(difference()) < 3


@pytest.mark.parametrize(
    "text",
    [
        '{ "id" : "spaces" ,\n\t"timestamp":1.5e9 }',
        '{"z":1,"a":2,"id":"key order"}',
        r'{"id":"nul \u0000 and surrogate \ud83d"}',
        '{"id":"seven decimals","timestamp":1666214138.4046676}',
        '{"event":"no id","timestamp":1666214138}',
        '{"id":"no timestamp"}',
        '{"id":"null parts","timestamp":null,"message":null,"delivery-status":null,"user-variables":null}',
        '{"id":7,"timestamp":"yesterday"}',
        '{"id":"twice","id":"twice"}',
        '{"id":"ünï — 苗族","message":{"headers":{}}}',
        "[]",
        "null",
        "1e400",
    ],
)
def test_an_event_given_as_text_comes_out_byte_for_byte(sandbox: Sandbox, api: Api, text: str) -> None:
    now = time.time()
    sandbox.add(id="a", timestamp=now - 20)
    sandbox.add_raw(text, timestamp=now - 10, id="m")
    sandbox.add(id="z", timestamp=now - 5)
    page = api.get(begin=now - 30, ascending="yes")
    assert b"," + text.encode() + b"," in page.content
    assert [item["id"] for item in (page.json()["items"][0], page.json()["items"][2])] == ["a", "z"]


def test_an_event_given_as_text_stands_where_its_own_timestamp_says(sandbox: Sandbox, api: Api) -> None:
    now = time.time()
    sandbox.add(id="b", timestamp=now - 5)
    sandbox.add_raw(f'{{"id":"a","timestamp":{now - 10:.7f}}}')
    assert api.traverse() == ["a", "b"]


def test_an_event_can_be_bytes_that_are_no_text(sandbox: Sandbox, api: Api) -> None:
    sandbox.add_raw(b'{"id":"\xff"}')
    assert b'"items":[{"id":"\xff"}]' in api.get().content


@pytest.mark.thorough
@pytest.mark.slow
def test_a_page_of_300_comes_fast_out_of_100000(sandbox: Sandbox, api: Api) -> None:
    now = time.time()
    sandbox.add_many(100_000, now - 86_400, now)
    page = api.get(begin=now - 50_000, ascending="yes", limit=300)
    begun = time.process_time()
    for _ in range(20):
        page = api.follow(page)
        assert len(ids(page)) == 300
    assert (time.process_time() - begun) / 20 < 0.1
