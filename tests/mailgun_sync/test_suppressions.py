"""Mailgun's lists of suppressions: read as a snapshot, applied as a difference, and not at all if it is cut."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.leases import lease
from mailgun_sync.choices import SuppressionList
from mailgun_sync.models import SendingDomain, StagedSuppression, Suppression, SuppressionRun
from mailgun_sync.services import suppressions
from mailgun_sync.services.suppressions import AlreadyReadingError, lease_name, read_suppressions
from mailgun_sync.suppression_lists import Entry, entry_of
from messenger_logs.models import ContactToFix
from messenger_logs.services.derive_contacts import derive_contacts
from providers.mailgun_pages import read_item
from sandbox.server import Sandbox

pytestmark = pytest.mark.django_db

AT = "Thu, 11 Dec 2025 01:49:40 UTC"
Read = Callable[[], SuppressionRun]


def address(number: int) -> str:
    return f"family{number:06}@example.com"


def bounce(number: int, **fields: Any) -> dict[str, Any]:
    return {"address": address(number), "code": "550", "error": "No such mailbox", "created_at": AT, **fields}


@pytest.fixture
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.mailgun.MOST_SUPPRESSIONS", 2)


@pytest.fixture
def read(domain: SendingDomain) -> Read:
    return lambda: read_suppressions(domain_id=domain.pk)


def stored(name: str = "bounces") -> list[str]:
    return sorted(Suppression.objects.filter(list=name).values_list("address", flat=True))


# What an entry says


@pytest.mark.parametrize(
    ("name", "raw", "wanted"),
    [
        (
            "bounces",
            {"address": "Mai@Example.com", "code": 550, "error": "No such mailbox", "created_at": AT},
            {"address": "Mai@Example.com", "mailbox": "mai@example.com", "code": "550", "reason": "No such mailbox"},
        ),
        ("bounces", {"address": "mai@example.com", "created_at": "Fri, 21 Oct 2011 11:02:55 GMT"}, {"error": ""}),
        ("bounces", {"address": "mai@example.com", "created_at": "yesterday"}, {"suppressed_at": None, "error": ""}),
        ("bounces", {"address": "mai@example.com", "code": None, "error": 7}, {"code": "", "reason": "7"}),
        ("complaints", {"address": "mai@example.com"}, {"suppressed_at": None, "everything": True}),
        ("unsubscribes", {"address": "mai@example.com", "tags": ["*"]}, {"everything": True}),
        ("unsubscribes", {"address": "mai@example.com", "tags": ["news"]}, {"everything": False}),
        (
            "whitelists",
            {"type": "domain", "value": "harrison.example", "reason": "own"},
            {"mailbox": "harrison.example"},
        ),
        ("bounces", {"code": "550"}, {"error": "It names no address.", "address": ""}),
        ("bounces", {"address": "  "}, {"error": "It names no address."}),
        ("bounces", {"address": ["mai@example.com"]}, {"error": "It names no address."}),
        ("bounces", {"address": "a" * 600 + "@example.com"}, {"error": "Its address is too long."}),
        ("bounces", ["mai@example.com"], {"error": "It is not a JSON object."}),
    ],
)
def test_what_an_entry_says(name: str, raw: Any, wanted: dict[str, Any]) -> None:
    entry = entry_of(SuppressionList(name), read_item(json.dumps(raw)))
    assert {field: getattr(entry, field) for field in wanted} == wanted
    assert entry.key == (entry.address or entry.key)
    assert len(entry.key) <= 512


def test_the_dates_of_both_forms_are_read() -> None:
    def moment(text: str) -> datetime | None:
        return entry_of(SuppressionList.BOUNCES, read_item(json.dumps(bounce(1, created_at=text)))).suppressed_at

    assert moment("Fri, 21 Oct 2011 11:02:55 GMT") == datetime(2011, 10, 21, 11, 2, 55, tzinfo=UTC)
    assert moment(AT) == datetime(2025, 12, 11, 1, 49, 40, tzinfo=UTC)
    assert isinstance(Entry("bounces", "k"), Entry)


# A reading


@pytest.mark.usefixtures("pages_of_two")
def test_all_lists_are_read_to_their_empty_page(mailgun: Sandbox, read: Read) -> None:
    mailgun.suppress("bounces", *map(bounce, range(5)))
    mailgun.suppress("complaints", {"address": "mai@example.com", "created_at": AT})
    mailgun.suppress("unsubscribes", {"address": "xiong@example.com", "tags": ["*"], "created_at": AT})
    mailgun.suppress("whitelists", {"type": "domain", "value": "harrison.example"})
    run = read()
    assert (run.outcome, run.error, run.pages, run.entries) == ("succeeded", "", 6, 8)
    assert (run.added, run.removed, run.odd) == (8, 0, 0)
    assert len(stored()) == 5
    assert stored("whitelists") == ["harrison.example"]
    assert not StagedSuppression.objects.exists()


def test_the_next_reading_applies_only_the_difference(mailgun: Sandbox, read: Read) -> None:
    mailgun.suppress("bounces", *map(bounce, range(5)))
    read()
    kept = Suppression.objects.get(address=address(1))
    mailgun.suppressions[mailgun.domain].remove("bounces", address(0))
    mailgun.suppress("bounces", bounce(7), bounce(2, error="Account closed"))
    run = read()
    assert (run.added, run.removed) == (1, 1)
    assert stored() == [address(number) for number in (1, 2, 3, 4, 7)]
    assert Suppression.objects.get(address=address(2)).reason == "Account closed"
    assert Suppression.objects.get(address=address(1)).pk == kept.pk
    assert read().added == 0


FAULTS = {
    "cut": {"what": "cut"},
    "half": {"what": "half"},
    "500": {"what": 500},
    "401": {"what": 401},
    "html": {"what": "html"},
    "no list": {"what": "items", "value": {"a": 1}},
    "another host": {"what": "foreign-next"},
    "itself": {"what": "repeated-next"},
}


@pytest.mark.slow
@pytest.mark.usefixtures("pages_of_two")
@pytest.mark.parametrize(
    ("fault", "name"), [*((fault, "bounces") for fault in FAULTS), ("cut", "complaints"), ("500", "whitelists")]
)
def test_a_snapshot_that_is_cut_changes_nothing(mailgun: Sandbox, read: Read, settings, fault: str, name: str) -> None:
    settings.MAILGUN_ATTEMPTS = 1
    mailgun.suppress("bounces", *map(bounce, range(5)))
    mailgun.suppress("complaints", *({"address": address(number)} for number in range(3)))
    mailgun.suppress("whitelists", {"type": "domain", "value": "harrison.example"})
    read()
    before = list(Suppression.objects.order_by("pk").values())
    mailgun.suppressions[mailgun.domain].clear("unsubscribes")
    mailgun.suppressions[mailgun.domain].remove("bounces", address(0))
    mailgun.suppress("bounces", bounce(9_999))
    # In the middle of the list: after its first page, where it has one more.
    mailgun.fail(**FAULTS[fault], times=None, path=f"/{name}", skip=1 if name == "bounces" else 0)
    run = read()
    assert (run.outcome, bool(run.error)) == ("failed", True)
    assert list(Suppression.objects.order_by("pk").values()) == before
    assert not StagedSuppression.objects.exists()
    mailgun.clear_faults()
    assert (read().outcome, len(stored())) == ("succeeded", 5)


def test_a_list_without_an_end_is_given_up(mailgun: Sandbox, read: Read, monkeypatch) -> None:
    monkeypatch.setattr("mailgun_sync.suppression_lists.MAX_PAGES", 3)
    mailgun.suppress("bounces", *map(bounce, range(10)))
    mailgun.fail("short", size=1, times=None)
    assert "more than 3 pages" in read().error


@pytest.mark.slow
def test_short_pages_and_a_used_up_rate_limit_end_no_reading(mailgun: Sandbox, read: Read) -> None:
    mailgun.suppress("bounces", *map(bounce, range(7)))
    mailgun.fail("short", size=3, times=2)
    mailgun.fail(429, reset_ms=1, times=1)
    mailgun.fail(503, times=1)
    assert (read().outcome, len(stored())) == ("succeeded", 7)


def test_odd_entries_are_kept_and_counted_and_make_no_contact(mailgun: Sandbox, read: Read) -> None:
    mailgun.suppress("bounces", bounce(1), {"code": "550"})
    mailgun.fail("poison", text='{"address": 7, "note": "\\u0000"}', times=1, path="/bounces")
    run = read()
    assert (run.outcome, run.odd, run.entries) == ("succeeded", 2, 3)
    odd = Suppression.objects.odd()
    assert {entry.error for entry in odd} == {"It names no address."}
    assert any('"address": 7' in entry.raw for entry in odd)
    derive_contacts()
    assert list(ContactToFix.objects.values_list("address", flat=True)) == [address(1)]


def test_each_list_gives_its_problem_and_the_worst_counts(mailgun: Sandbox, read: Read) -> None:
    mailgun.suppress("bounces", bounce(1), bounce(2))
    mailgun.suppress("unsubscribes", {"address": address(2), "tags": ["*"]}, {"address": address(3), "tags": ["news"]})
    mailgun.suppress("complaints", {"address": address(2).upper(), "created_at": AT})
    mailgun.suppress("whitelists", {"type": "address", "value": address(4)})
    read()
    derive_contacts()
    problems = dict(ContactToFix.objects.values_list("address", "problem"))
    assert problems == {address(1): "suppressed", address(2): "complained"}
    one = ContactToFix.objects.get(address=address(1))
    assert (one.reason, one.since) == ("550 No such mailbox", datetime(2025, 12, 11, 1, 49, 40, tzinfo=UTC))
    mailgun.suppressions[mailgun.domain].clear("complaints")
    read()
    derive_contacts()
    assert ContactToFix.objects.get(address=address(2)).problem == "unsubscribed"


@pytest.mark.slow
def test_an_address_leaves_when_the_lists_of_all_domains_have_it_no_more(mailgun: Sandbox, settings) -> None:
    mailgun.add_domain("mg.two.example")
    settings.MAILGUN_DOMAINS = [mailgun.domain, "mg.two.example"]
    for domain in settings.MAILGUN_DOMAINS:
        mailgun.suppress("bounces", bounce(1), domain=domain)
    call_command("sync_suppressions")
    mailgun.suppressions[mailgun.domain].clear("bounces")
    call_command("sync_suppressions")
    derive_contacts()
    assert ContactToFix.objects.get().state == "open"
    mailgun.suppressions["mg.two.example"].clear("bounces")
    call_command("sync_suppressions")
    derive_contacts()
    assert not ContactToFix.objects.exists()


# Runs


def test_a_run_whose_process_died_is_told_apart_and_leaves_nothing(mailgun: Sandbox, domain, read: Read) -> None:
    dead = SuppressionRun.objects.create(domain=domain)
    StagedSuppression.objects.create(run=dead, list="bounces", key="k", raw="{}")
    mailgun.suppress("bounces", bounce(1))
    assert read().outcome == "succeeded"
    dead.refresh_from_db()
    assert dead.outcome == "interrupted"
    assert stored() == [address(1)]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_one_process_reads_the_lists_of_a_domain(mailgun: Sandbox, domain, read: Read) -> None:
    with lease(lease_name(domain.pk)), pytest.raises(AlreadyReadingError):
        read()
    assert not SuppressionRun.objects.exists()


def test_a_reading_that_stood_still_changes_no_list_when_another_has_begun(
    mailgun: Sandbox, domain, read: Read, monkeypatch
) -> None:
    """Its rows are gone, so it would take off the lists what it does not find in them."""
    mailgun.suppress("bounces", bounce(1), bounce(2))
    assert read().outcome == "succeeded"
    stage = suppressions._stage
    others: list[SuppressionRun] = []

    def stand_still(run, entries) -> None:
        stage(run, entries)
        if not others:
            others.append(run)
            SuppressionRun.objects.filter(pk=run.pk).update(outcome="interrupted")
            StagedSuppression.objects.all().delete()
            StagedSuppression.objects.create(run=SuppressionRun.objects.create(domain=domain), key="k", raw="{}")

    monkeypatch.setattr(suppressions, "_stage", stand_still)
    assert read().outcome == "interrupted"
    assert stored() == [address(1), address(2)]
    assert StagedSuppression.objects.count() == 1, "the rows of the other reading stay"


def test_the_command_says_what_went_wrong(mailgun: Sandbox, domain, capsys, settings) -> None:
    mailgun.suppress("bounces", bounce(1))
    call_command("sync_suppressions")
    assert "1 entries, 1 new, 0 gone, 0 odd" in capsys.readouterr().out
    settings.MAILGUN_API_KEY = "wrong"
    with pytest.raises(CommandError, match="Not read"):
        call_command("sync_suppressions")
    assert "API key" in capsys.readouterr().out


def queries_for(mailgun: Sandbox, read: Read, begin: int, count: int) -> int:
    mailgun.suppress("bounces", *map(bounce, range(begin, begin + count)))
    with CaptureQueriesContext(connection) as captured:
        assert read().added == count
    return len(captured)


@pytest.mark.slow
def test_many_entries_of_a_page_take_as_many_queries_as_one(mailgun: Sandbox, read: Read) -> None:
    assert queries_for(mailgun, read, 0, 300) == queries_for(mailgun, read, 300, 1)


@pytest.mark.slow
def test_five_thousand_suppressions_take_less_than_a_twentieth_of_two_minutes(mailgun: Sandbox, read: Read) -> None:
    """`bin/bench contacts` reads 100,000."""
    mailgun.suppress("bounces", *map(bounce, range(5_000)))
    begun = time.process_time()
    run = read()
    derive_contacts()
    assert (run.outcome, run.added) == ("succeeded", 5_000)
    assert ContactToFix.objects.not_fixed().count() == 5_000
    # The time of this process, because the machine may have other work.
    assert time.process_time() - begun < 120 / 20
