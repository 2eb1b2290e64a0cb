"""One item that is no event, whatever it is, goes into quarantine; the rest of its page and its domain go on."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.tools import Right, Tool
from core.text import storable
from mailgun_sync.client import read_page, reread
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, SendingDomain, SyncRun
from mailgun_sync.services.ingest import StoreResult, retry_quarantined, store_events
from sandbox.server import Sandbox
from tests.examples import examples
from tests.mailgun_sync.conftest import stored_ids

pytestmark = pytest.mark.django_db

DEEP = 3_000


def event(id: str, **fields: Any) -> str:
    return json.dumps({"event": "delivered", "id": id, "timestamp": 1_700_000_000.5, **fields})


def with_value(text: str) -> str:
    """An event with this text as the value of its user variables."""
    return event("odd", **{"user-variables": "VALUE"}).replace('"VALUE"', text)


BROKEN = {
    "deep list": with_value("[" * DEEP + "]" * DEEP),
    "deep object": with_value('{"a":' * DEEP + "1" + "}" * DEEP),
    "deep and mixed": with_value('[{"a":' * DEEP + "1" + "}]" * DEEP),
    "deeper than PostgreSQL takes": with_value("[" * 100_000 + "]" * 100_000),
    "nothing but depth": "[" * DEEP + "]" * DEEP,
    "deep between brackets in texts": '{"a": "]}", "b": ' + "[" * DEEP + '"[{"' + "]" * DEEP + "}",
    "leading zero": with_value("01"),
    "single quotes": "{'event': 'delivered'}",
    "no value": '{"event": }',
    "no comma": '{"event": "delivered" "id": "x"}',
    "trailing comma": '{"event": "delivered",}',
    "bare word": "undefined",
    "half a word": "tru",
    "two values": "1 2",
    "line break in a text": '{"event": "deli\nvered"}',
    "NUL in a text": '{"event": "deli\0vered"}',
    "NUL": "\0",
    "unknown escape": '{"event": "\\x"}',
    "half an escape": '{"event": "\\u12"}',
    "nothing": "",
    "NaN": with_value("NaN"),
    "a number that is too large": with_value("1e999999"),
    "a text": '"an error text"',
    "depth": "9" * 100_000,
}


def store(domain: SendingDomain, *items: str) -> StoreResult:
    events, paging = read_page(f'{{"items": [{", ".join(items)}], "paging": {{"next": "there"}}}}')
    assert paging == {"paging": {"next": "there"}}, "the page is read to its end"
    return store_events(domain_id=domain.pk, events=events or [])


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_item_is_quarantined_and_its_page_goes_on(domain: SendingDomain, broken: str) -> None:
    result = store(domain, event("before"), broken, event("after"))

    assert (result.seen, result.new, result.quarantined) == (3, 2, 1)
    assert stored_ids() == ["after", "before"]
    assert QuarantinedEvent.objects.get().raw == storable(broken)
    assert QuarantinedEvent.objects.get().error
    assert store(domain, event("before"), broken, event("after")) == StoreResult(seen=3), "the next run goes on too"


@pytest.mark.parametrize("variables", ["[" * DEEP + "]" * DEEP, '{"a":' * 900 + "1" + "}" * 900, "{", '"\\ud800"'])
def test_user_variables_in_a_text_stop_nothing(domain: SendingDomain, variables: str) -> None:
    assert store(domain, event("odd", **{"user-variables": variables})).new == 1


@pytest.mark.parametrize("broken", ["deep list", "leading zero", "NUL in a text", "a text", "NaN"])
def test_a_broken_item_stays_when_it_is_tried_again(
    domain: SendingDomain, make_user: Callable[..., User], signed_in: Callable[[User], Client], broken: str
) -> None:
    store(domain, BROKEN[broken])
    kept = QuarantinedEvent.objects.get()

    assert not retry_quarantined(quarantined_id=kept.pk)

    operator = signed_in(make_user((Tool.MAILGUN_SYNC, Right.WRITE)))
    answer = operator.post(reverse("web:retry_event", args=[kept.pk]), follow=True)
    assert "still cannot be stored" in answer.content.decode()
    assert QuarantinedEvent.objects.get().pk == kept.pk


@pytest.mark.parametrize("broken", ["deep list", "deep object", "leading zero", "line break in a text"])
def test_a_domain_with_a_broken_event_goes_on_for_ever(
    mailgun: Sandbox, domain: SendingDomain, sync: Callable[..., SyncRun], now: datetime, broken: str
) -> None:
    mailgun.add_many(350, now - timedelta(minutes=20), now)
    mailgun.add_raw(BROKEN[broken], timestamp=now - timedelta(minutes=10), id="broken")

    run = sync()

    assert (run.outcome, run.events_new, run.quarantined) == ("succeeded", 350, 1)
    mailgun.add(id="newer", timestamp=now)
    assert sync().events_new == 1
    domain.refresh_from_db()
    assert domain.settled_through
    assert not domain.last_error


def test_a_page_that_breaks_off_is_no_page(domain: SendingDomain) -> None:
    whole = f'{{"items": [{event("one")}, {event("two")}], "paging": {{"next": "there"}}}}'
    for length in range(len(whole)):
        with pytest.raises(ValueError):  # noqa: PT011  (any way of breaking off)
            read_page(whole[:length])


parts = st.sampled_from(
    ["01", "tru", "'a'", "\0", "-", "1 2", '"a\nb"', '"\\x"', '"]"', '"{,"', "NaN", "null", "", "\ufeff"]
)
items = st.recursive(
    parts,
    lambda inner: (
        st.builds("[{}]".format, st.lists(inner, max_size=3).map(",".join))
        | st.builds('{{"a":{}}}'.format, inner)
        | st.builds("{{{}}}".format, st.lists(inner, max_size=3).map(":".join))
    ),
    max_leaves=8,
)


@pytest.mark.slow
@given(odd=st.lists(items.filter(lambda text: "," not in text or text[:1] in "[{"), min_size=1, max_size=3))
@examples(60)
def test_of_any_page_the_good_events_are_stored_and_the_others_kept(domain: SendingDomain, odd: list[str]) -> None:
    MailgunEvent.objects.all().delete()
    QuarantinedEvent.objects.all().delete()

    result = store(domain, event("first"), *odd, event("last"))

    assert stored_ids() == ["first", "last"]
    assert set(QuarantinedEvent.objects.values_list("raw", flat=True)) == {storable(text.strip(" ")) for text in odd}
    assert result.seen == len(odd) + 2


@pytest.mark.slow
@given(text=st.text())
@examples(200)
def test_reading_any_text_again_answers(text: str) -> None:
    assert reread(text).raw == text
