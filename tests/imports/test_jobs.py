"""Uploaded files: checked, imported, once, by one worker; and removed after a time."""

import os
import stat
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.signals import pre_save
from django.utils import timezone

from accounts.models import AuditEvent
from core.leased_jobs.lease import LeaseLost
from core.leased_jobs.line import MOST_TRIES, gave_up
from imports.models import ImportJob, KeptMap
from imports.services import jobs
from imports.services.maps import BadMap, guess_field, save_map
from imports.times import DateOrder
from messenger_logs.models import SentMessage
from reports.files import NotMade
from reports.services import delete_expired as delete_expired_reports
from tests.reports.messages import elsewhere
from tests.stored import folder, path_of

HEAD = "Recipient,Student,Delivery Mode,Device,Status,Status Detail,Time,E-mail Provider Says\n"
ROWS = "".join(f"Person {n},,Email,p{n}@example.org,Sent,,,Delivered\n" for n in range(50))
VALUES = {"subject": "Snow day", "sender_name": "Office", "created_at": "11/20/2026 8:00 AM"}


@pytest.fixture
def owner(make_user):
    return make_user(groups=["System Administrators"])


def uploaded(owner, text=HEAD + ROWS, **fields):
    given = {"chunks": [text.encode()], "name": "snow.csv", "map_name": "recipients", "values": VALUES, "by": owner}
    return jobs.upload(**(given | fields))


def after(job, action=None):
    if action:
        assert action(job=job, by=job.owner)
    jobs.run(job_id=job.pk)
    return ImportJob.objects.get(pk=job.pk)


# The lease is renewed in a connection of its own, which has to see the job.
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_file_is_checked_and_then_imported_with_its_facts_in_the_audit_trail(owner):
    job = after(uploaded(owner))
    assert (job.error, job.checked, job.percent) == ("", True, 100)
    assert job.result["new"] == 1
    assert job.result["devices"][0] == ["Person 0", "", "Email", "p0@example.org", "Sent", "", ""]
    assert not SentMessage.objects.exists()

    job = after(job, jobs.start_import)
    assert (job.error, job.imported, job.result["deliveries"], job.rows_done) == ("", True, 50, 50)
    assert SentMessage.objects.get().totals.recipients == 50
    actions = ["import.uploaded", "import.started", "import.finished"]
    events = AuditEvent.objects.filter(action__startswith="import.").order_by("pk")
    assert list(events.values_list("action", "target")) == [(action, f"Import {job.pk}") for action in actions]
    assert events.last().details | {"sha256": job.digest, "rows": 50, "new": 1} == events.last().details

    assert not jobs.start_import(job=job, by=owner)
    jobs.run(job_id=job.pk)
    assert SentMessage.objects.count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_import_that_died_is_done_again_and_nothing_comes_twice(owner):
    job = after(uploaded(owner))
    jobs.start_import(job=job, by=owner)
    dead = timezone.now() - timedelta(minutes=2)
    ImportJob.objects.update(status="running", claim=uuid4(), lease_until=dead, asked_at=dead, tries=1)
    assert ImportJob.objects.orphaned(timezone.now()).get() == job
    job = after(job)
    assert (job.imported, job.tries) == (True, 2)
    ImportJob.objects.update(status="queued")
    job = after(job)
    assert (job.result["new"], job.result["here"]) == (0, 1)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_cancel_ends_the_work_and_keeps_no_part_of_a_message(owner, monkeypatch):
    job = after(uploaded(owner))
    jobs.start_import(job=job, by=owner)

    def canceled(lease, rows):
        elsewhere(lambda: jobs.cancel(job=job, by=owner))
        raise LeaseLost

    monkeypatch.setattr("core.leased_jobs.lease.Lease.progress", canceled)
    job = after(job)
    assert job.status == "canceled"
    assert not SentMessage.objects.exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("text", "fields", "error"),
    [
        ("Name\nMai\n", {}, "None of the first 300 rows is a heading row"),
        ("", {}, "The file is empty"),
        (HEAD, {"map_name": "gone"}, "The column map is not there any more"),
    ],
)
def test_a_file_that_cannot_be_read_fails_with_a_sentence(owner, text, fields, error):
    job = after(uploaded(owner, text, **fields))
    assert job.status == "failed"
    assert job.error.startswith(error)


@pytest.mark.django_db(transaction=True)
def test_a_job_whose_file_is_gone_says_so_and_one_that_never_ends_is_given_up(owner):
    job = uploaded(owner)
    path_of(job).unlink()
    assert after(job).error == jobs.NO_FILE
    ImportJob.objects.update(status="queued", tries=MOST_TRIES)
    assert after(job).error == gave_up()


@pytest.mark.django_db
def test_a_file_is_private_and_has_a_limit(owner, settings):
    job = uploaded(owner)
    assert stat.S_IMODE(os.stat(path_of(job)).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(folder("imports")).st_mode) == 0o700
    settings.IMPORT_MEGABYTES = 0
    with pytest.raises(jobs.Refused, match="larger than 0 MB"):
        uploaded(owner)
    assert [file.name for file in folder("imports").iterdir()] == [path_of(job).name]


@pytest.mark.django_db
def test_one_person_has_only_some_unfinished_files(owner):
    for _ in range(jobs.UNFINISHED_EACH):
        uploaded(owner)
    with pytest.raises((jobs.Refused, NotMade), match="Too many"):
        uploaded(owner)
    assert len(list(folder("imports").iterdir())) == jobs.UNFINISHED_EACH


@pytest.mark.django_db
def test_files_are_removed_after_a_time_and_on_request(owner, settings, django_capture_on_commit_callbacks):
    old, new, lost = uploaded(owner), uploaded(owner), folder("imports") / "lost.csv"
    lost.write_text("x")
    later = timezone.now() + timedelta(days=settings.IMPORT_DAYS, hours=1)
    ImportJob.objects.filter(pk=new.pk).update(expires_at=later + timedelta(days=1), status="done")
    long_ago = (timezone.now() - timedelta(days=8)).timestamp()
    for file in (path_of(old), lost, folder("imports")):
        os.utime(file, (long_ago, long_ago))
    assert jobs.delete_expired(now=later) == 1
    assert not path_of(old).exists()
    assert not lost.exists()
    delete_expired_reports(now=later)
    assert path_of(new).exists(), "reports keep their hands off the folder"
    with django_capture_on_commit_callbacks(execute=True):
        jobs.remove(job=new, by=owner)
    assert not path_of(new).exists()
    assert not ImportJob.objects.exists()


@pytest.mark.django_db
def test_a_map_is_kept_by_its_name(owner):
    columns = {"Parent": "name", "E-mail": "device"}
    for order in DateOrder:
        save_map(name=" Our  system", columns=columns, values={"engine": "classic"}, date_order=order, by=owner)
    kept = KeptMap.objects.get()
    assert (kept.name, kept.map.date_order) == ("Our system", DateOrder.DAY_FIRST)
    assert kept.map.columns["name"] == ("Parent",)
    for name, wrong, reason in [
        ("Recipients", columns, "no ready map has"),
        ("x", {"A": "name", "B": "name"}, "the same field: Recipient"),
        ("x", {"A": "status"}, "the recipient's name, or the device"),
    ]:
        with pytest.raises(BadMap, match=reason):
            save_map(name=name, columns=wrong, values={}, date_order=DateOrder.MONTH_FIRST, by=owner)


@pytest.mark.django_db
def test_two_people_keep_a_map_of_one_name_at_the_same_moment(owner):
    def quicker(**_):
        pre_save.disconnect(quicker, sender=KeptMap)
        KeptMap.objects.create(name="Ours", columns={}, values={}, date_order=DateOrder.DAY_FIRST)

    pre_save.connect(quicker, sender=KeptMap)
    save_map(name="Ours", columns={"Parent": "name"}, values={}, date_order=DateOrder.MONTH_FIRST, by=owner)
    assert KeptMap.objects.get().columns == {"name": "Parent"}


@pytest.mark.parametrize(
    ("heading", "field"),
    [("Parent", "name"), ("E-mail", "device"), ("Student ID", "student_number"), ("Sent By", "sender_name"), ("X", "")],
)
def test_headings_are_guessed(heading, field):
    assert guess_field(heading) == field
