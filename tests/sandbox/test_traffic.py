"""The mail of the made-up district: it is plausible, and it continues."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.announcements import Sender
from sandbox.people import read_people
from sandbox.server import Sandbox
from sandbox.traffic import Traffic
from tests.sandbox.conftest import Api, ids

pytestmark = pytest.mark.slow

CHICAGO = ZoneInfo("America/Chicago")
NIGHT = datetime(2026, 10, 17, 3, 0, tzinfo=CHICAGO)
"""A Saturday: the fortnight before it has two whole school weeks and no snow."""
SENDERS = ["jlee:principal", "attendance", "pthao:teacher", "admin"]
Item = dict[str, Any]


def start(sandbox: Sandbox, moment: datetime = NIGHT, **options: Any) -> None:
    """Let the stand-in have traffic, with its clock stopped at this moment."""
    sandbox.clock.stop(moment)
    senders = [Sender.parse(text) for text in SENDERS]
    settings = {"history_days": 14, "per_day": 1200, **options}
    traffic = Traffic(sandbox, senders=senders, time_zone=CHICAGO, **settings)
    traffic.fill()
    sandbox.before_answer = traffic.fill


def read_all(sandbox: Sandbox) -> list[Item]:
    api = Api(sandbox)
    pages = api.pages(begin=0, ascending="yes", limit=300)
    return [item for page in pages for item in page.json()["items"]]


@pytest.fixture(scope="module")
def fortnight() -> list[Item]:
    """All events of the two weeks before that Saturday, long enough ago that none is still to come."""
    with Sandbox() as sandbox:
        start(sandbox)
        midnight = NIGHT.replace(hour=0).timestamp()
        return [item for item in read_all(sandbox) if item["timestamp"] < midnight]


@pytest.fixture(scope="module")
def mails(fortnight: list[Item]) -> dict[tuple[str, str], list[Item]]:
    """The events of each mail, by message id and recipient."""
    mails: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in fortnight:
        if "recipient" in item:
            mails[item["message"]["headers"]["message-id"], item["recipient"]].append(item)
    return mails


def local_time(item: Item) -> datetime:
    return datetime.fromtimestamp(item["timestamp"], CHICAGO)


def test_the_same_seed_tells_the_same_story_even_when_started_later() -> None:
    stories = []
    for seed, moment in ((1, NIGHT), (1, NIGHT + timedelta(hours=30)), (2, NIGHT)):
        with Sandbox() as sandbox:
            start(sandbox, moment, history_days=3, per_day=200, seed=seed)
            begin = (NIGHT - timedelta(hours=48)).timestamp()
            end = (NIGHT - timedelta(hours=2)).timestamp()
            stories.append(Api(sandbox).traverse(begin=begin, end=end, limit=300))
    assert stories[0] == stories[1]
    assert len(stories[0]) > 100
    assert not set(stories[0]) & set(stories[2])


def test_a_day_has_about_as_many_events_as_asked_for(fortnight: list[Item]) -> None:
    assert 14 * 1200 * 0.8 < len(fortnight) < 14 * 1200 * 1.2


def test_mail_goes_only_where_none_can_arrive(fortnight: list[Item]) -> None:
    addresses = [item["recipient"] for item in fortnight if "recipient" in item]
    assert addresses
    assert all(
        address.endswith((".example", "@example.com", "@example.org", "@example.net")) and address.isascii()
        for address in addresses
    )


def test_families_have_names_in_many_scripts(fortnight: list[Item]) -> None:
    names = {item["message"]["headers"].get("to", "") for item in fortnight}
    text = "".join(names)
    assert all(part in text for part in ("Xiong", "Warsame", "Hernández", "Nguyễn", "王", "محمد", "O'Brien"))


def test_school_days_have_waves_and_nights_and_weekends_are_quiet(fortnight: list[Item]) -> None:
    accepted = [local_time(item) for item in fortnight if item["event"] == "accepted"]
    days = Counter(moment.strftime("%a") for moment in accepted)
    assert days["Fri"] > days["Mon"] > 3 * days["Sun"] > 3 * days["Sat"]
    hours = Counter(moment.hour for moment in accepted if moment.weekday() < 5)
    assert sum(hours[hour] for hour in range(5)) < 0.02 * hours.total()
    newsletter = Counter(moment.hour for moment in accepted if moment.weekday() == 4)
    assert newsletter.most_common(1)[0][0] == 15
    assert min(hours[9], hours[14], hours[18]) > 2 * hours[12]


def test_a_send_has_one_bare_message_id_one_subject_and_one_sender_for_all_its_recipients(
    fortnight: list[Item],
) -> None:
    sends: dict[str, list[Item]] = defaultdict(list)
    for item in fortnight:
        if item["event"] == "accepted":
            sends[item["message"]["headers"]["message-id"]].append(item)
    assert max(len(items) for items in sends.values()) > 100
    for message_id, items in sends.items():
        assert message_id.endswith("@mg.harrison.example")
        assert "<" not in message_id
        assert len({item["message"]["headers"]["subject"] for item in items}) == 1
        assert len({item["recipient"] for item in items}) == len(items)


def test_a_mail_begins_with_accepted_and_most_are_delivered_within_seconds(
    mails: dict[tuple[str, str], list[Item]],
) -> None:
    took = []
    for items in mails.values():
        assert items[0]["event"] == "accepted"
        took += [item["timestamp"] - items[0]["timestamp"] for item in items if item["event"] == "delivered"]
    assert len(took) > 0.9 * len(mails)
    assert sum(seconds < 30 for seconds in took) > 0.95 * len(took)


def test_temporary_failures_are_a_ladder_that_ends_in_delivered_or_permanent(
    mails: dict[tuple[str, str], list[Item]],
) -> None:
    ends: Counter[tuple[str, str | None]] = Counter()
    for items in mails.values():
        tries = [item for item in items if "attempt-no" in item.get("delivery-status", {})]
        assert [item["delivery-status"]["attempt-no"] for item in tries] == list(range(1, len(tries) + 1))
        if len(tries) > 1:
            assert all(item["severity"] == "temporary" for item in tries[:-1])
            assert all(item["delivery-status"]["retry-seconds"] for item in tries[:-1])
            ends[tries[-1]["event"], tries[-1].get("severity")] += 1
    assert ends["delivered", None] > 10
    assert ends["failed", "permanent"] > 10


def test_failures_have_the_codes_and_words_of_their_reasons(fortnight: list[Item]) -> None:
    seen = {
        (item["severity"], item["reason"], item["delivery-status"]["code"])
        for item in fortnight
        if item["event"] == "failed"
    }
    assert {
        ("permanent", "bounce", 550),
        ("permanent", "bounce", 552),
        ("permanent", "generic", 554),
        ("permanent", "suppress-bounce", 605),
        ("permanent", "suppress-unsubscribe", 606),
        ("permanent", "suppress-complaint", 607),
        ("temporary", "greylisted", 451),
        ("temporary", "generic", 421),
    } <= seen
    for item in fortnight:
        if item.get("reason", "").startswith("suppress-"):
            assert item["delivery-status"]["message"] == ""
            assert item["delivery-status"]["description"]


def test_every_kind_of_event_occurs_and_has_its_own_shape(fortnight: list[Item]) -> None:
    kinds: dict[str, list[Item]] = defaultdict(list)
    for item in fortnight:
        kinds[item["event"]].append(item)
    expected = {"accepted", "delivered", "failed", "rejected", "opened", "clicked", "complained", "unsubscribed"}
    assert set(kinds) == expected
    assert all("recipient" not in item and item["reject"]["reason"] for item in kinds["rejected"])
    for kind in ("opened", "clicked", "unsubscribed"):
        assert all(list(item["message"]["headers"]) == ["message-id"] for item in kinds[kind])


def test_some_mail_bounces_after_it_was_delivered(mails: dict[tuple[str, str], list[Item]]) -> None:
    late = [items for items in mails.values() if items[-1].get("flags") == {"is-delayed-bounce": True}]
    assert late
    assert all("delivered" in {item["event"] for item in items} for items in late)


def test_the_senders_variables_come_in_every_form_and_mostly_as_an_object(fortnight: list[Item]) -> None:
    forms: Counter[str] = Counter()
    usernames = set()
    for item in fortnight:
        variables = item["user-variables"]
        if isinstance(variables, str) and variables.startswith("{"):
            forms["text"] += 1
            variables = json.loads(variables)
        else:
            forms[type(variables).__name__] += 1
        if isinstance(variables, dict):
            usernames.add(variables["sender"])
            assert variables["person_id"].isdigit()
    assert usernames == {"jlee", "attendance", "pthao", "admin"}
    assert set(forms) == {"dict", "list", "NoneType", "text", "str"}
    assert forms["dict"] > 0.8 * forms.total()


def test_senders_write_what_their_role_is(fortnight: list[Item]) -> None:
    writers: dict[str, set[str]] = defaultdict(set)
    for item in fortnight:
        if isinstance(item["user-variables"], dict):
            writers[item["tags"][0] if item.get("tags") else ""].add(item["user-variables"]["sender"])
    assert writers["attendance"] == {"attendance"}
    assert writers["newsletter"] == {"jlee"}
    assert writers["missing-work"] == {"pthao"}
    assert len(writers["class"]) == 4


def watch(sandbox: Sandbox, api: Api, step: int, steps: int) -> Iterator[set[str]]:
    """Yield the new events of each of `steps` steps of `step` seconds."""
    begin = sandbox.clock.now() - 1800
    known = set(api.traverse(begin=begin, ascending="yes", limit=300))
    for _ in range(steps):
        sandbox.clock.move(step)
        visible = set(api.traverse(begin=begin, ascending="yes", limit=300))
        assert visible >= known
        yield visible - known
        known = visible


@pytest.mark.thorough
def test_something_new_is_to_be_seen_all_the_time_even_at_night(sandbox: Sandbox, api: Api) -> None:
    start(sandbox, history_days=1)
    news = list(watch(sandbox, api, step=20, steps=60))
    assert sum(bool(new) for new in news) >= 54
    assert all(news[index] or news[index + 1] for index in range(59))


@pytest.mark.thorough
def test_events_become_visible_seconds_to_minutes_after_they_happened(sandbox: Sandbox, api: Api) -> None:
    start(sandbox, datetime(2026, 10, 16, 8, 55, tzinfo=CHICAGO), history_days=0)
    begun = sandbox.clock.now()
    seen = {
        id: begun + 60 * step for step, new in enumerate(watch(sandbox, api, step=60, steps=30), start=1) for id in new
    }
    delays = [seen[item["id"]] - item["timestamp"] for item in read_all(sandbox) if item["id"] in seen]
    assert len(delays) > 500
    assert sum(delay < 70 for delay in delays) > 0.85 * len(delays)
    assert any(delay > 240 for delay in delays)
    assert max(delays) < 1200 + 60


def test_the_future_does_not_show(sandbox: Sandbox, api: Api) -> None:
    start(sandbox, datetime(2026, 10, 16, 14, 59, tzinfo=CHICAGO), history_days=1)
    first = api.get(begin=sandbox.clock.now() + 1, ascending="yes")
    assert ids(first) == []
    sandbox.clock.move(3600)
    assert len(ids(api.follow(first))) == 100


@pytest.mark.thorough
def test_days_that_have_not_been_made_yet_come_when_the_clock_gets_there(sandbox: Sandbox, api: Api) -> None:
    start(sandbox, history_days=0, per_day=600)
    monday = datetime(2026, 10, 19, 9, 0, tzinfo=CHICAGO).timestamp()
    sandbox.clock.stop(monday + 600)
    page = api.get(begin=monday, end=monday + 300, limit=300).json()
    subjects = {item["message"]["headers"].get("subject", "") for item in page["items"]}
    assert any("October 19" in subject for subject in subjects)


@pytest.mark.thorough
def test_a_closed_day_begins_with_the_snow_message_and_has_no_attendance(sandbox: Sandbox, api: Api) -> None:
    start(sandbox, datetime(2027, 3, 1, 0, 0, tzinfo=CHICAGO), history_days=90, per_day=60)
    sandbox.retention = timedelta(days=100)
    by_day: dict[str, list[Item]] = defaultdict(list)
    for page in api.pages(begin=0, ascending="yes", limit=300):
        for item in page.json()["items"]:
            if item["event"] == "accepted":
                by_day[local_time(item).strftime("%F")].append(item)
    closed = [items for items in by_day.values() if any(item["tags"] == ["closing"] for item in items)]
    assert 1 <= len(closed) <= 12
    for items in closed:
        closing = [local_time(item) for item in items if item["tags"] == ["closing"]]
        assert all((moment.hour, moment.minute // 10) == (5, 3) for moment in closing)
        assert not any(item["tags"] == ["attendance"] for item in items)


def test_others_send_the_news_of_a_closed_day_and_a_mailbox_provider_may_refuse_all_mail(
    sandbox: Sandbox, api: Api
) -> None:
    closed = NIGHT.date() - timedelta(days=2)
    midnight = NIGHT.replace(hour=0)
    refused = [[(midnight - timedelta(days=days)).timestamp() for days in (4, 3)]]
    lines = [
        {"person_id": str(n), "name": "Vang, Mai", "address": f"mai{n}@{domain}", "language": "en", **more}
        for n, (domain, more) in enumerate(
            [("example.com", {"mailbox": "good"}), ("familymail.example", {"mailbox": "good", "refused": refused})] * 40
        )
    ]
    people = read_people(map(json.dumps, lines), seed=1)
    start(sandbox, history_days=5, per_day=300, people=people, schools=["Oak Elementary"], closed={closed})
    events = [item for item in read_all(sandbox) if item["timestamp"] < midnight.timestamp()]

    that_day = [item for item in events if item["event"] == "accepted" and local_time(item).date() == closed]
    assert {item["tags"][0] for item in that_day} == {"single"}
    subjects = " ".join(item["message"]["headers"].get("subject", "") for item in events)
    assert "Oak Elementary" in subjects
    assert "Washburn" not in subjects
    refusals = [item for item in events if item.get("delivery-status", {}).get("code") == 554]
    assert {item["recipient"].partition("@")[2] for item in refusals} == {"familymail.example"}
    assert {local_time(item).date() for item in refusals} == {closed - timedelta(days=2)}


@pytest.mark.thorough
def test_a_week_is_made_in_seconds() -> None:
    with Sandbox() as sandbox:
        begun = time.process_time()
        start(sandbox, history_days=7, per_day=3000)
        assert time.process_time() - begun < 8
        assert len(sandbox.stores[sandbox.domain]) > 15_000
