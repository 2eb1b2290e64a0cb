"""Jobs in the background: whose turn it is, who has it, and what is done when a worker dies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from core.leased_jobs import work
from core.leased_jobs.lease import Lease, LeaseLost
from core.leased_jobs.line import claim_next, places_in_line, show_places
from core.leased_jobs.work import do_next, finish, queue_orphaned, remove_leftovers
from reports import tasks
from reports.models import ReportJob
from tests.examples import examples
from tests.queue import note_queued
from tests.reports.messages import elsewhere

BEGIN = timezone.now() - timedelta(hours=1)


def asked(owner: User, *, second: int = 0, **fields: Any) -> ReportJob:
    job = {"kind": "listing", "options": {}, "format": "csv", "title": "x", "expires_at": BEGIN + timedelta(days=9)}
    return ReportJob.objects.create(owner=owner, asked_at=BEGIN + timedelta(seconds=second), **job, **fields)


def claimed() -> ReportJob | None:
    return claim_next(ReportJob.objects.all())


def end(job: ReportJob) -> None:
    assert finish(job, rows=0)


# Turns, against plain Python


@dataclass
class Asked:
    """A job as plain Python knows it. `begun` counts the claims of all jobs; -1 is never."""

    pk: int
    owner: int
    second: int
    state: str = "queued"
    begun: int = -1


def next_turn(jobs: list[Asked], *, at_once: float) -> Asked | None:
    """People take turns: the fewest at work, then the one who was served longest ago, then the oldest job."""
    at_work = {job.owner: sum(one.state == "running" and one.owner == job.owner for one in jobs) for job in jobs}
    served = {job.owner: max(one.begun for one in jobs if one.owner == job.owner) for job in jobs}
    waiting = [job for job in jobs if job.state in ("queued", "left") and at_work[job.owner] < at_once]
    return min(waiting, key=lambda job: (at_work[job.owner], served[job.owner], job.second, job.pk), default=None)


def take(jobs: list[Asked], *, at_once: float) -> int | None:
    if job := next_turn(jobs, at_once=at_once):
        job.state, job.begun = "running", 1 + max(one.begun for one in jobs)
        return job.pk
    return None


def in_turns(jobs: list[Asked]) -> Iterator[int]:
    """The jobs that wait, in the order in which they are taken while none ends."""
    copies = [Asked(**vars(job)) for job in jobs]
    while (pk := take(copies, at_once=float("inf"))) is not None:
        yield pk


STEPS = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.sampled_from(["claim", "claim", "end", "die"]), st.integers(0, 9), st.just(0)),
)


@pytest.mark.slow
@pytest.mark.django_db
@examples(100)
@given(steps=st.lists(STEPS, max_size=25), at_once=st.integers(1, 3))
def test_people_take_turns(
    make_user: Callable[..., User], settings: Settings, steps: list[tuple[str, int, int]], at_once: int
) -> None:
    settings.REPORTS_AT_ONCE = at_once
    ReportJob.objects.all().delete()
    people = list(User.objects.order_by("pk")[:3]) or [make_user() for _ in range(3)]
    jobs: list[Asked] = []
    for what, number, second in steps:
        running = [job for job in jobs if job.state == "running"]
        if what == "ask":
            job = asked(people[number], second=second)
            jobs.append(Asked(job.pk, job.owner_id, second))
        elif what == "claim":
            found = claimed()
            assert (found and found.pk) == take(jobs, at_once=at_once)
        elif running and what == "end":
            ended = running[number % len(running)]
            end(ReportJob.objects.get(pk=ended.pk))
            ended.state = "done"
        elif running:
            dead = running[number % len(running)]
            # It may be done again, however often this example lets its worker die.
            ReportJob.objects.filter(pk=dead.pk).update(lease_until=BEGIN, tries=0)
            dead.state = "left"
    places = places_in_line(ReportJob.objects.all())
    assert sorted(places, key=places.__getitem__) == list(in_turns(jobs))
    assert sorted(places.values()) == list(range(1, len(places) + 1))


@pytest.mark.slow
@pytest.mark.django_db
def test_with_one_worker_fifty_jobs_of_one_person_keep_nobody_waiting(make_user: Callable[..., User]) -> None:
    busy, other = make_user(), make_user()
    for number in range(50):
        asked(busy, second=number)
    end(claimed())
    own = asked(other, second=100)
    show_places([own])
    assert own.place == 1
    job = claimed()
    assert job == own
    end(job)
    assert claimed().owner == busy


@pytest.mark.django_db
def test_a_person_has_so_many_at_once_and_the_rest_waits(make_user: Callable[..., User], settings: Settings) -> None:
    settings.REPORTS_AT_ONCE = 2
    owner = make_user()
    jobs = [asked(owner, second=number) for number in range(4)]
    first, second = claimed(), claimed()
    assert (first, second, claimed()) == (jobs[0], jobs[1], None)
    end(first)
    assert (claimed(), claimed()) == (jobs[2], None)


@pytest.mark.django_db
@pytest.mark.parametrize("hours", [-2, 2])
def test_a_wrong_clock_takes_over_no_job(make_user: Callable[..., User], hours: int, time_machine: Any) -> None:
    job = asked(make_user())
    elsewhere_now = timezone.now() + timedelta(hours=hours)
    time_machine.move_to(elsewhere_now)
    assert claimed() == job, "by a host with a wrong clock"
    time_machine.move_to(elsewhere_now - timedelta(hours=hours))
    assert claimed() is None, "its worker is alive"
    time_machine.move_to(elsewhere_now)
    assert claimed() is None
    ReportJob.objects.update(lease_until=BEGIN)
    assert claimed() == job, "its worker has died"


# Several workers


@pytest.fixture
def people(make_user: Callable[..., User]) -> list[User]:
    return [make_user() for _ in range(2)]


def at_once(number: int, do: Callable[[], Any]) -> list[Any]:
    """What each of so many threads got, which began together."""
    together = Barrier(number)

    def run(_: int) -> Any:
        try:
            connection.ensure_connection()
            together.wait()
            return do()
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_take_each_job_once_and_keep_the_limit(
    people: list[User], settings: Settings
) -> None:
    settings.REPORTS_AT_ONCE = 2
    jobs = [asked(owner, second=number) for number in range(5) for owner in people]
    found = [job for job in at_once(8, claimed) if job]
    assert sorted(job.pk for job in found) == [job.pk for job in jobs[:4]]
    assert {job.owner_id for job in found} == {owner.pk for owner in people}
    assert len({job.claim for job in found}) == 4


@pytest.mark.django_db(transaction=True)
def test_a_job_that_somebody_cancels_at_this_moment_is_waited_for_by_nobody(people: list[User]) -> None:
    canceled, other = asked(people[0]), asked(people[1], second=1)
    found = []
    with transaction.atomic():
        assert work.cancel(canceled)
        elsewhere(lambda: found.append(claimed()))
    assert found == [other]


# Work


def do(job_id: int | None = None, **changes: Any) -> bool:
    given = {"work": lambda job, lease: finish(job, rows=1), "reasons": {OSError: "No disk."}, "failed": "Broken."}
    return do_next(ReportJob, **(given | changes), job_id=job_id)


def raising(error: Exception) -> Callable[[ReportJob, Lease], None]:
    def broken(job: ReportJob, lease: Lease) -> None:
        raise error

    return broken


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("error", "words"),
    [(FileNotFoundError("/srv/mai"), "No disk."), (KeyError("Mai"), "Missing."), (ValueError("Mai"), "Broken.")],
)
def test_what_goes_wrong_is_told_in_words(people: list[User], caplog: Any, error: Exception, words: str) -> None:
    job = asked(people[0])
    assert do(work=raising(error), reasons={OSError: "No disk.", LookupError: "Missing."})
    job.refresh_from_db()
    assert (job.status, job.error, bool(job.finished_at)) == ("failed", words, True)
    assert bool(caplog.records) == (words == "Broken."), "the log has what nobody thought of"
    assert not do()


@pytest.mark.django_db(transaction=True)
def test_an_attempt_that_lost_its_job_changes_nothing(people: list[User]) -> None:
    job = asked(people[0])

    def overtaken(job: ReportJob, lease: Lease) -> None:
        ReportJob.objects.update(claim="1" * 32, rows_done=7)
        assert not finish(job, rows=1)
        raise LeaseLost

    assert do(work=overtaken)
    job.refresh_from_db()
    assert (job.status, job.rows_done) == ("running", 7)


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_job_queues_a_look_for_the_next_one(people: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    queued = note_queued(monkeypatch, tasks.make)
    monkeypatch.setattr(tasks.services, "make_report", do)
    asked(people[0])
    tasks.make()
    assert queued == [None]
    tasks.make()
    assert queued == [None], "nothing was to be done, so nothing follows"


@pytest.mark.django_db
def test_so_many_looks_are_queued_as_workers_may_be_free(people: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    queued = note_queued(monkeypatch, tasks.make)
    jobs = [asked(people[0], second=number) for number in range(30)]
    queue_orphaned(tasks.make, ReportJob)
    assert queued == [job.pk for job in jobs[:20]]


def test_files_that_nobody_knows_go_after_a_day(tmp_path: Path, settings: Settings) -> None:
    settings.REPORT_FOLDER = tmp_path
    now = timezone.now()
    for name in ("kept", "kept.part", "gone", "gone.part", "new", "old", "old.part"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, times=(0, 0) if "old" in name or "kept" in name else None)
    (tmp_path / "folder").mkdir()
    remove_leftovers("", keep={"kept"}, gone={"gone", "kept"}, now=now)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "kept", "kept.part", "new"]
    remove_leftovers("not there", keep=(), now=now)
