"""manage.py report: a report without the browser."""

import csv

import pytest
from django.core.management import CommandError, call_command

from messenger_logs.services.totals import recount
from tests.messenger_logs.factories import make_delivery, make_recipient
from tests.reports.messages import message_by

pytestmark = pytest.mark.django_db


def report(kind, of, tmp_path, **options):
    file = tmp_path / "report"
    call_command("report", kind, str(of), output=str(file), **options)
    return file.read_bytes()


def lines(data):
    return list(csv.reader(data.decode("utf-8-sig").splitlines()))


@pytest.fixture
def message():
    found = message_by("email", "voice")
    recipient = make_recipient(found, person_id="4711", name="Vang, Mai")
    make_delivery(recipient, status="failed")
    make_delivery(recipient, mode="voice")
    make_delivery(make_recipient(found))
    recount(message_id=found.pk)
    return found


@pytest.mark.parametrize(
    ("format", "begins"), [("pdf", b"%PDF"), ("csv", b"\xef\xbb\xbf"), ("docx", b"PK"), ("xlsx", b"PK")]
)
def test_each_format(message, tmp_path, format, begins):
    assert report("sent-message", message.pk, tmp_path, format=format).startswith(begins)


def test_devices_and_detail(message, tmp_path):
    def rows(**options):
        return len(lines(report("sent-message", message.pk, tmp_path, format="csv", rows_only=True, **options))) - 1

    assert rows() == 3
    assert rows(devices="phone") == 1
    assert rows(detail="failed") == 2
    assert ["Total Recipients", "2"] in lines(
        report("sent-message", message.pk, tmp_path, format="csv", detail="summary")
    )


def test_the_other_kinds(message, tmp_path):
    v2 = message_by("email", engine="v2", message_type="Messenger 2.0 - General")
    make_delivery(make_recipient(v2))
    assert len(lines(report("message-2", v2.pk, tmp_path, format="csv", rows_only=True))) == 2
    assert ["Message ID", str(v2.pk), *[""] * 4] in lines(report("message-2", v2.pk, tmp_path, format="csv"))
    assert len(lines(report("recipient", "4711", tmp_path, format="csv", rows_only=True))) == 3
    assert lines(report("mailgun", "2026-11-14..2026-11-20", tmp_path, format="csv", rows_only=True))[0][0] == "Event"


@pytest.mark.parametrize(
    ("kind", "of", "options", "words"),
    [
        ("sent-message", "0", {}, "There is no message 0."),
        ("sent-message", "x", {}, "A message has a number."),
        ("message-2", "MESSAGE", {}, "its report is sent-message"),
        ("sent-message", "MESSAGE", {"detail": "burnt"}, "Choose All, Summary or Failed"),
        ("sent-message", "MESSAGE", {"devices": "inbox"}, "did not go by Inbox"),
        ("recipient", "nobody", {}, "no such person"),
        ("mailgun", "tomorrow", {}, "Days are written"),
    ],
)
def test_what_makes_no_sense_is_said_in_words_and_leaves_no_file(message, tmp_path, kind, of, options, words):
    with pytest.raises(CommandError, match=words):
        report(kind, str(message.pk) if of == "MESSAGE" else of, tmp_path, format="csv", **options)
    assert list(tmp_path.glob("*")) == []


def test_a_full_disk_is_said_in_words(message, tmp_path):
    # By a link: what the command puts in the place of its output is never the device itself.
    (full := tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(CommandError, match="no room left on the disk"):
        call_command("report", "sent-message", str(message.pk), format="csv", output=str(full))
    assert full.is_symlink()


def test_help_names_the_kinds(capsys):
    with pytest.raises(SystemExit):
        call_command("report", "--help")
    shown = capsys.readouterr().out
    for kind in ("sent-message", "message-2", "mailgun", "recipient"):
        assert kind in shown
