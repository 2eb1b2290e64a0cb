"""The faults that tests can set."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import requests

from sandbox.server import Sandbox
from tests.sandbox.conftest import Api, ids
from tests.wait import PATIENCE, wait_until


@pytest.fixture
def many(sandbox: Sandbox) -> list[str]:
    now = time.time()
    return sandbox.add_many(25, now - 100, now)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502, 503])
def test_a_status_for_so_many_requests(sandbox: Sandbox, api: Api, status: int) -> None:
    sandbox.fail(status, times=2)
    assert [api.get().status_code for _ in range(3)] == [status, status, 200]


def test_a_fault_can_last_until_it_is_cleared(sandbox: Sandbox, api: Api) -> None:
    sandbox.fail(500, times=None)
    assert {api.get().status_code for _ in range(5)} == {500}
    sandbox.clear_faults()
    assert api.get().status_code == 200


@pytest.mark.usefixtures("many")
def test_a_fault_can_wait_for_a_page_of_a_traversal(sandbox: Sandbox, api: Api) -> None:
    sandbox.fail(503, page=2)
    for _ in range(2):
        first = api.get(begin=0, ascending="yes", limit=10)
        assert len(ids(first)) == 10
    assert api.follow(first).status_code == 503
    assert len(ids(api.follow(first))) == 10


def test_a_fault_can_skip_requests_and_look_at_domain_and_path(sandbox: Sandbox, api: Api) -> None:
    sandbox.add_domain("mg.two.example")
    sandbox.fail(500, domain="mg.two.example")
    sandbox.fail(502, path="limit=7")
    sandbox.fail(503, skip=1)
    assert api.get(begin=0, ascending="yes").status_code == 200
    assert api.get(begin=0, ascending="yes", limit=7).status_code == 502
    assert api.get(begin=0, ascending="yes").status_code == 503
    two = f"{sandbox.url}/v3/mg.two.example/events?begin=0&ascending=yes"
    assert [api.session.get(two, timeout=10).status_code for _ in range(2)] == [500, 200]


def test_too_many_requests_say_when_to_come_again(sandbox: Sandbox, api: Api) -> None:
    sandbox.clock.move(-600)
    sandbox.fail(429, reset_ms=2500, retry_after=4)
    sandbox.fail(429, reset_ms=2500)
    answer = api.get()
    assert answer.status_code == 429
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert int(answer.headers["X-RateLimit-Limit"]) > 0
    ahead = int(answer.headers["X-RateLimit-Reset"]) - sandbox.clock.now() * 1000
    assert 1000 < ahead <= 2500
    assert answer.headers["Retry-After"] == "4"
    assert "Retry-After" not in api.get().headers


def test_a_rate_limit_counts_for_real(sandbox: Sandbox, api: Api) -> None:
    sandbox.clock.stop(1_700_000_001)
    sandbox.limit_rate(2, seconds=10)
    answers = [api.get() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["X-RateLimit-Reset"] for answer in answers} == {"1700000010000"}
    sandbox.clock.move(9)
    assert api.get().status_code == 200


def test_an_answer_can_be_delayed(sandbox: Sandbox, api: Api) -> None:
    sandbox.fail("delay", seconds=0.3)
    begun = time.perf_counter()
    assert api.get().status_code == 200
    assert time.perf_counter() - begun >= 0.3


@pytest.mark.slow
def test_every_answer_can_take_its_time_and_several_at_once_take_no_longer(sandbox: Sandbox, api: Api) -> None:
    sandbox.latency = 1
    begun = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: Api(sandbox).get(), range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert time.perf_counter() - begun >= 1
    assert sandbox.most_at_once == 4, "they waited side by side"


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("mid_body", [False, True])
def test_an_answer_can_be_held_until_it_is_released(sandbox: Sandbox, api: Api, mid_body: bool) -> None:
    hold = sandbox.hold(mid_body=mid_body)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(api.get)
        assert hold.held.wait(PATIENCE)
        assert {Api(sandbox).get().status_code for _ in range(5)} == {200}, "others are served meanwhile"
        assert not answer.done()
        sandbox.release()
        assert len(ids(answer.result(PATIENCE))) == 25


@pytest.mark.parametrize("mid_body", [False, True])
def test_a_client_that_goes_away_while_it_is_held_does_no_harm(
    sandbox: Sandbox, api: Api, mid_body: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    sandbox.add_many(5000, time.time() - 100, time.time())
    hold = sandbox.hold(mid_body=mid_body)
    address = f"{sandbox.url}/v3/{sandbox.domain}/events?begin=0&ascending=yes&limit=300"
    with pytest.raises(requests.RequestException):
        requests.get(address, auth=("api", sandbox.api_key), timeout=0.2)
    assert hold.held.wait(PATIENCE)
    sandbox.release()
    wait_until(lambda: not any("process_request" in thread.name for thread in threading.enumerate()))
    assert api.get().status_code == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_server_that_stops_lets_go_what_it_holds() -> None:
    def ask() -> None:
        # By chance, either the answer comes, or the connection ends first.
        with suppress(requests.RequestException):
            Api(sandbox).get()

    with Sandbox() as sandbox:
        hold = sandbox.hold()
        client = threading.Thread(target=ask)
        client.start()
        assert hold.held.wait(PATIENCE)
    client.join(PATIENCE)
    assert not client.is_alive()


@pytest.mark.usefixtures("many")
def test_the_connection_can_end_in_the_middle_of_the_body(sandbox: Sandbox, api: Api) -> None:
    sandbox.fail("cut")
    with pytest.raises(requests.RequestException):
        api.get()
    assert len(ids(api.get())) == 25


@pytest.mark.usefixtures("many")
def test_half_of_the_json_can_come_as_if_it_were_all(sandbox: Sandbox, api: Api) -> None:
    sandbox.fail("half")
    answer = api.get()
    assert answer.status_code == 200
    assert answer.text.startswith('{"items":[{')
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_a_web_page_can_come_with_status_200(sandbox: Sandbox, api: Api) -> None:
    sandbox.fail("html")
    answer = api.get()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.text.startswith("<!doctype html>")


@pytest.mark.usefixtures("many")
def test_next_can_lead_to_a_foreign_host(sandbox: Sandbox, api: Api) -> None:
    sandbox.fail("foreign-next")
    sandbox.fail("foreign-next", host="https://127.0.0.1:1")
    right = f"/v3/{sandbox.domain}/events/"
    assert api.get().json()["paging"]["next"].startswith(f"http://events.elsewhere.example{right}")
    assert api.get().json()["paging"]["next"].startswith(f"https://127.0.0.1:1{right}")
    assert api.get().json()["paging"]["next"].startswith(f"{sandbox.url}{right}")


@pytest.mark.usefixtures("many")
def test_next_can_be_the_page_itself(sandbox: Sandbox, api: Api) -> None:
    sandbox.fail("repeated-next", page=2)
    second = api.follow(api.get(begin=0, ascending="yes", limit=10))
    assert second.json()["paging"]["next"] == second.url
    sandbox.fail("repeated-next", page=1)
    first = api.get(begin=0, ascending="yes", limit=10)
    assert first.json()["paging"]["next"] == first.url


@pytest.mark.parametrize("value", [None, {}, "none", 0])
def test_items_can_be_something_else_than_a_list(sandbox: Sandbox, api: Api, value: object) -> None:
    sandbox.fail("items", value=value)
    page = api.get().json()
    assert page["items"] == value
    assert page["paging"]["next"]


def test_a_page_can_be_short_though_more_follow(sandbox: Sandbox, api: Api, many: list[str]) -> None:
    sandbox.fail("short", size=3, page=2)
    pages = list(api.pages(begin=0, ascending="yes", limit=10))
    assert [len(ids(page)) for page in pages] == [10, 3, 10, 2, 0]
    assert [id for page in pages for id in ids(page)] == many


def test_a_page_can_have_one_poisoned_event(sandbox: Sandbox, api: Api, many: list[str]) -> None:
    sandbox.fail("poison", text='{"id":"poison","timestamp":"\\u0000"}')
    with_it, without = api.get(), api.get()
    assert ids(with_it) == [*many[:12], "poison", *many[12:]]
    assert with_it.json()["paging"] == without.json()["paging"]


def test_an_unknown_kind_of_fault_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="hiccup"):
        sandbox.fail("hiccup")


class Control:
    """The control endpoint, as a test of a separate program uses it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.url = f"{sandbox.url}/sandbox/"

    def __call__(self, method: str, path: str = "", **body: object) -> dict[str, object]:
        answer = requests.request(method, self.url + path, json=body or None, timeout=10)
        assert answer.status_code == 200, answer.text
        result: dict[str, object] = answer.json()
        return result


def test_everything_can_be_set_over_http(sandbox: Sandbox, api: Api) -> None:
    control = Control(sandbox)
    now = time.time()
    text = '{"id" : "raw"}'
    control("POST", "events", events=[{"id": "a", "timestamp": now - 9}], raw=[{"text": text, "timestamp": now - 5}])
    control("POST", "events", events=[{"id": "late"}], visible_at=now + 100)
    assert api.traverse() == ["a", "raw"]
    assert text.encode() in api.get().content

    control("POST", "faults", what=503, times=2)
    control("POST", "faults", what="html")
    assert [api.get().status_code for _ in range(2)] == [503, 503]
    control("DELETE", "faults")
    assert ids(api.get()) == ["a", "raw"]

    control("POST", "settings", move=200)
    assert ids(api.get()) == ["a", "raw", "late"]
    control("POST", "settings", latency=0.1, retention_days=1, now=now + 86_400 * 2)
    assert ids(api.get()) == []
    control("POST", "settings", rate_limit={"calls": 1, "seconds": 3600}, latency=0, now=now - now % 3600 + 1)
    assert [api.get().status_code for _ in range(2)] == [200, 429]
    assert control("GET")["events"] == {sandbox.domain: 3}


def test_the_log_can_be_read_and_emptied_over_http(sandbox: Sandbox, api: Api) -> None:
    control = Control(sandbox)
    api.get(begin=5, ascending="yes")
    log = control("GET", "requests")
    assert json.dumps(log).count('"path"') == 1, "the control endpoint is no part of the log"
    assert '"query": "begin=5&ascending=yes"' in json.dumps(log)
    assert sandbox.api_key not in json.dumps(log)
    control("DELETE", "requests")
    assert control("GET", "requests") == {"requests": []}


def test_a_request_can_be_held_and_released_over_http(sandbox: Sandbox) -> None:
    control = Control(sandbox)
    control("POST", "faults", what="hold")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(Api(sandbox).get)
        wait_until(lambda: control("GET")["held"])
        assert not answer.done()
        control("POST", "release")
        assert answer.result(PATIENCE).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "faults", "{", 400),
        ("POST", "faults", "{}", 400),
        ("POST", "faults", '{"what": "hiccup"}', 400),
        ("POST", "settings", '{"colour": 1}', 400),
        ("POST", "settings", "[1]", 400),
        ("POST", "events", '{"events": [{}], "domain": "mg.other.example"}', 400),
        ("GET", "weather", "", 404),
    ],
)
def test_the_control_endpoint_refuses_what_it_does_not_understand(
    sandbox: Sandbox, method: str, path: str, body: str, status: int
) -> None:
    answer = requests.request(method, f"{sandbox.url}/sandbox/{path}", data=body, timeout=10)
    assert answer.status_code == status
    assert answer.json()["message"]


@pytest.mark.slow
@pytest.mark.usefixtures("many")
def test_an_answer_can_drip(sandbox: Sandbox, api: Api) -> None:
    whole = api.get(begin=0, ascending="yes", limit=1)
    sandbox.fail("drip", seconds=0.0001)
    assert ids(api.get(begin=0, ascending="yes", limit=1)) == ids(whole)


@pytest.mark.parametrize("kind", ["drip", "drip-head", "endless"])
def test_an_answer_that_does_not_end_ends_with_its_connection(sandbox: Sandbox, api: Api, kind: str) -> None:
    sandbox.fail(kind, seconds=0.01)
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(f"GET /v3/{sandbox.domain}/events?begin=0&ascending=yes HTTP/1.1\r\n\r\n".encode())
        assert connection.recv(10)
    wait_until(lambda: sandbox._at_once == 0)


@pytest.mark.usefixtures("many")
def test_an_answer_can_be_large_and_is_still_right(sandbox: Sandbox, api: Api) -> None:
    whole = api.get(begin=0, ascending="yes", limit=10)
    sandbox.fail("large", megabytes=2)
    large = api.get(begin=0, ascending="yes", limit=10)
    assert len(large.content) == len(whole.content) + 2 * 1024**2
    assert ids(large) == ids(whole)


@pytest.mark.usefixtures("many")
def test_pages_can_go_in_a_circle_under_new_addresses(sandbox: Sandbox, api: Api) -> None:
    sandbox.fail("loop", times=None)
    first = api.get(begin=0, ascending="yes", limit=10)
    second = api.follow(first)
    third = api.follow(second)
    assert ids(first) == ids(second) == ids(third)
    assert len({answer.json()["paging"]["next"] for answer in (first, second, third)}) == 3
