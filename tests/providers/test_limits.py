"""Answers that do not end, or are too large, cost a request its time limit and no more, from each provider."""

import asyncio
import gzip
import time
from collections.abc import Callable, Iterator

import pytest
import requests
import responses
from pytest_django import Settings

from providers import mailgun, voxology
from providers.http import MOST_BYTES, Api, Content, NoAnswerError, Reply, TooLargeError, UnknownError
from providers.many_requests import connections
from providers.transport import new_session, time_limit
from sandbox.server import Sandbox
from tests.loop import run

LIMIT = 1
MARGIN = 4  # seconds, for a busy machine
FAULTS = [("drip", {"seconds": 0.05}), ("drip-head", {"seconds": 0.05}), ("hold", {}), ("hold", {"mid_body": True})]


@pytest.fixture(params=["mailgun", "voxology"])
def asked(request: pytest.FixtureRequest, sandbox: Sandbox, settings: Settings) -> Iterator[tuple[Api, str]]:
    """The API of each provider, with a path that it answers."""
    settings.PROVIDER_TIMEOUT_SECONDS = LIMIT
    settings.MAILGUN_API_BASE, settings.MAILGUN_API_KEY = sandbox.url, sandbox.api_key
    settings.VOXOLOGY_API_BASE, settings.VOXOLOGY_API_KEY = f"{sandbox.url}/v1", sandbox.api_key
    if request.param == "mailgun":
        yield mailgun.api(), mailgun.events_path(sandbox.domain, begin=0, end=1)
    else:
        yield voxology.api(), voxology.path("call_log", "nobody")
    sandbox.clear_faults()


def ask(api: Api, path: str) -> Reply:
    return api.ask("GET", path, expected=[404])


def hand_over(api: Api, path: str) -> Reply:
    async def before() -> None:
        await asyncio.sleep(LIMIT / 2)  # what waits at its gate does not count

    async def do() -> Reply:
        async with connections():
            return await api.hand_over(path, Content.json({}), before=before, begun=lambda: None)

    return run(do())


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "options"), FAULTS)
@pytest.mark.parametrize("way", [ask, hand_over])
def test_an_answer_that_does_not_end_costs_its_time_limit(
    sandbox: Sandbox, asked: tuple[Api, str], way: Callable[[Api, str], Reply], fault: str, options: dict[str, object]
) -> None:
    api, path = asked
    sandbox.fail(fault, times=None, **options)
    begun = time.monotonic()

    with pytest.raises(UnknownError, match="did not finish its answer within 1 seconds"):
        way(api, path)

    assert LIMIT * 0.9 <= time.monotonic() - begun < LIMIT + MARGIN
    assert len(sandbox.requests) == 1, "it may have been accepted, so it is not repeated"


@pytest.mark.parametrize("way", [ask, hand_over])
def test_an_answer_without_an_end_is_read_up_to_the_size_limit(
    sandbox: Sandbox, asked: tuple[Api, str], settings: Settings, way: Callable[[Api, str], Reply]
) -> None:
    settings.PROVIDER_TIMEOUT_SECONDS = 60
    api, path = asked
    sandbox.fail("endless")

    with pytest.raises(UnknownError, match=f"more than {MOST_BYTES:,} bytes"):
        way(api, path)


@responses.activate
def test_an_answer_counts_as_large_as_it_is_unpacked() -> None:
    responses.get(
        "https://api.provider.example/v1/things",
        body=gzip.compress(bytes(MOST_BYTES + 1)),
        headers={"Content-Encoding": "gzip"},
    )
    with pytest.raises(TooLargeError):
        Api("Provider", "https://api.provider.example").request("GET", "https://api.provider.example/v1/things")


def test_a_slow_answer_within_the_limit_is_an_answer(sandbox: Sandbox, asked: tuple[Api, str]) -> None:
    api, path = asked
    sandbox.fail("delay", seconds=0.3)

    assert api.ask("GET", path, expected=[404]).status in (200, 404)


@pytest.mark.slow
def test_a_session_serves_again_after_an_answer_that_did_not_end(sandbox: Sandbox, settings: Settings) -> None:
    settings.PROVIDER_TIMEOUT_SECONDS = LIMIT
    api = mailgun.api(base=sandbox.url, key=sandbox.api_key)
    url = sandbox.url + mailgun.events_path(sandbox.domain, begin=0, end=1)
    with new_session() as session:
        assert api.request("GET", url, session=session).ok
        sandbox.fail("drip", seconds=0.05)
        with pytest.raises(NoAnswerError) as none:
            api.request("GET", url, session=session)
        assert none.value.connected
        time.sleep(LIMIT)
        assert api.request("GET", url, session=session).ok, "an old limit does not hold for a new request"


@pytest.mark.slow
def test_without_a_limit_a_session_reads_as_usual(sandbox: Sandbox) -> None:
    url = sandbox.url + mailgun.events_path(sandbox.domain, begin=0, end=1)
    sandbox.fail("drip", seconds=0.001)
    with new_session() as session, session.get(url, auth=("api", sandbox.api_key), timeout=30) as answer:
        assert answer.json()["items"] == []
    sandbox.fail("drip", seconds=0.05)
    with new_session() as session, time_limit(0.3), pytest.raises(requests.ConnectionError):
        session.get(url, auth=("api", sandbox.api_key), timeout=30)
