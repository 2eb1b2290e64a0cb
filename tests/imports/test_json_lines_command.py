"""manage.py import_messages: files, pipes, what is said of them, and processes that race or die."""

from __future__ import annotations

import gzip
import json
import logging
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from imports.management.commands import import_messages
from messenger_logs.models import Delivery, DeviceAttempt, Recipient, School, SentMessage
from messenger_logs.totals import totals_of
from tests.examples import some
from tests.messenger_logs.intake.conftest import Lines, device, message, only, recipient, rows
from tests.wait import PATIENCE, wait_until

pytestmark = pytest.mark.django_db

EXAMPLE = settings.BASE_DIR / "docs" / "example-messages.jsonl"


def import_it(path: Path, **options: Any) -> None:
    call_command("import_messages", str(path), **options)


def test_the_documented_example_goes_in_as_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    import_it(EXAMPLE)

    assert capsys.readouterr().out == "2 new, 0 here before, 0 refused.\n"
    classic, v2 = SentMessage.objects.order_by("created_at")
    assert (classic.sender_name, str(classic.school), classic.status) == ("Matthews, Dexter", "Harrison High", "sent")
    assert (v2.sender_name, v2.status, v2.calendars.get().school_year) == ("rcastillo", "waiting", "2026-27")
    assert rows("recipient__name", "mode", "address", "duplicate", "status") == [
        ("Vang, Pa Houa", "email", "pahoua.vang@mail.example", False, "sent"),
        ("Vang, Pa Houa", "voice", "+16125550143", False, "not_confirmed"),
        ("Vang, Tou", "voice", "+16125550143", True, "not_confirmed"),
        ("Hassan, Amina", "email", "", False, "no_device"),
        ("Hassan, Amina", "voice", "", False, "no_device"),
        ("Nguyễn, Thị Lan", "inbox", "51007", False, "waiting"),
        ("Nguyễn, Thị Lan", "text", "+16125550178", False, "waiting"),
        ("Nguyễn, Thị Lan", "inbox", "51007", True, "waiting"),
        ("Nguyễn, Thị Lan", "text", "+16125550178", True, "waiting"),
        ("García, José", "inbox", "51033", False, "waiting"),
        ("García, José", "text", "+16125550162", False, "opt_out"),
    ]
    totals = totals_of(classic)
    assert (totals.recipients, totals.no_device, totals.contacted_by_phone) == (3, 1, 2)


def test_every_field_of_the_documentation_is_known_and_every_known_field_documented() -> None:
    table, _, _ = (settings.BASE_DIR / "docs" / "import.md").read_text().partition("\n## CSV")
    first_cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    documented = {name for cell in first_cells for name in re.findall("`(.*?)`", cell)}
    source = (settings.BASE_DIR / "messenger_logs" / "services" / "message_format.py").read_text()
    known = set(re.findall(r'\.(?:line|moment|choice|flag|items|objects|texts|number)\(\s*"(\w+)"', source))
    inner = {"number", "started_at", "ended_at", "school_year", "size"}  # of attempts, calendars and attachments

    assert documented == known - inner


def test_a_packed_file_is_unpacked_whatever_its_name(lines: Lines, tmp_path: Path) -> None:
    packed = tmp_path / "export.jsonl"
    packed.write_bytes(gzip.compress(lines(message("a"), message("b"), name="plain").read_bytes()))

    import_it(packed)

    assert SentMessage.objects.count() == 2


def test_a_packed_file_that_ends_too_soon_keeps_what_came_before(lines: Lines, tmp_path: Path) -> None:
    packed = tmp_path / "export.jsonl.gz"
    random = message("b", subject=os.urandom(400).hex())
    packed.write_bytes(gzip.compress(lines(message("a"), random).read_bytes())[:-200])

    with pytest.raises(CommandError, match="The file is damaged after line"):
        import_it(packed)

    assert not SentMessage.objects.filter(external_id="b").exists()


@pytest.mark.parametrize("rest", [b"garbage", b"x", b"PK\x03\x04" * 50_000])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_bytes_after_the_packed_data_are_ignored_with_a_warning(
    lines: Lines, tmp_path: Path, capsys: pytest.CaptureFixture[str], rest: bytes, end: bytes
) -> None:
    text = lines(message("a"), message("b")).read_bytes().rstrip() + end
    packed = tmp_path / "export.jsonl.gz"
    packed.write_bytes(gzip.compress(text[:100]) + gzip.compress(text[100:]) + rest)

    import_it(packed)

    assert SentMessage.objects.count() == 2
    assert capsys.readouterr().err == "There are other bytes after the gzip data. They were ignored.\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_in_another_encoding_is_refused_once(lines: Lines, tmp_path: Path, encoding: str, packed: bool) -> None:
    data = lines(message("a"), message("b")).read_text().encode(encoding)
    file = tmp_path / "export"
    file.write_bytes(gzip.compress(data) if packed else data)

    with pytest.raises(CommandError) as refused:
        import_it(file)

    assert str(refused.value) == f"The file is {encoding[:6].upper()}, not UTF-8. Nothing was imported."
    assert not SentMessage.objects.exists()


def test_a_file_that_is_packed_twice_is_refused_once(lines: Lines, tmp_path: Path) -> None:
    file = tmp_path / "export"
    file.write_bytes(gzip.compress(gzip.compress(lines(message("a")).read_bytes())))

    with pytest.raises(CommandError, match=re.escape("The file is compressed (gzip). Nothing was imported.")):
        import_it(file)


def test_a_repeated_key_refuses_its_message_and_names_line_and_key(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = json.dumps(message("b", recipient()))[:-1] + ', "recipients": []}'

    with pytest.raises(CommandError):
        import_it(lines(message("a"), twice))

    assert only().external_id == "a"
    assert 'line 2: has the key "recipients" twice in one object' in capsys.readouterr().out


def test_a_file_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file or directory"):
        import_it(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"a": NaN}', "has a number that is none"),
        ('{"a": ' + "9" * 5000 + "}", "one of thousands of digits"),
        ("[]", "is not a JSON object"),
        (message("bad", subject="x" * 1001), "subject is longer than 1,000 characters"),
        (message("bad", subject="a\0b"), "subject has a NUL character"),
        (message("bad", subject="a\ud800b"), "subject has half of a surrogate pair"),
        (message("bad", recipient("1", device(code="five"))), "recipients[0].devices[0].code is not a whole number"),
        (message("bad", recipient("1", device(status="Delivered"))), "recipients[0].devices[0].status is none of"),
        (message("bad", recipient("1", {"address": "n/a"})), "recipients[0].devices[0].mode is missing"),
    ],
)
def test_a_bad_line_refuses_its_message_and_no_other(
    lines: Lines, capsys: pytest.CaptureFixture[str], bad: object, words: str
) -> None:
    path = lines(message("a"), "", bad, message("b"))

    with pytest.raises(CommandError, match=r"^2 new, 0 here before, 1 refused\.$"):
        import_it(path)

    out = capsys.readouterr().out
    assert out.startswith("line 3: ")
    assert words in out
    assert sorted(SentMessage.objects.values_list("external_id", flat=True)) == ["a", "b"]
    assert not Recipient.objects.exists()


def test_bytes_that_are_not_utf8_refuse_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "latin1.jsonl"
    path.write_bytes(b'{"name": "Garc\xeda"}\n' + b"\xef\xbb\xbf" + json.dumps(message("a")).encode())

    with pytest.raises(CommandError):
        import_it(path)

    assert capsys.readouterr().out == "line 1: is not UTF-8\n"
    assert SentMessage.objects.count() == 1


def test_a_line_that_is_too_long_is_refused_without_being_read_whole(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(import_messages, "LONGEST_LINE", 1000)

    with pytest.raises(CommandError):
        import_it(lines(message("a"), "x" * 3_000_000, message("b")))

    assert capsys.readouterr().out == "line 2: is longer than 1,000 bytes\n"
    assert SentMessage.objects.count() == 2


def test_json_has_one_line_for_each_message(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    given = message("a", recipient("1", device()))

    with pytest.raises(CommandError):
        import_it(lines(given, given, given | {"subject": "Other"}, "{"), json=True)

    new, again, other, bad = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    common = {"external_id": "a", "message_id": only().pk, "errors": []}
    here = {"result": "here", "created": False, "recipients": 0, "deliveries": 0}
    assert new == {
        **common,
        "line": 1,
        "result": "new",
        "created": True,
        "recipients": 1,
        "deliveries": 1,
        "differs": [],
    }
    assert again == {**common, **here, "line": 2, "differs": []}
    assert other == {**common, **here, "line": 3, "differs": ["subject"]}
    assert (bad["line"], bad["result"], bad["external_id"], bad["message_id"]) == (4, "refused", None, None)
    assert [error["field"] for error in bad["errors"]] == [""]


def test_what_cannot_be_used_is_counted_by_line(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    import_it(lines(message("a", recipient("1", device("text", "555"), device("email", "at home")))))

    assert capsys.readouterr().out == (
        "line 1: 2 addresses or numbers cannot be used; they are here as Error, Bad data\n"
        "1 new, 0 here before, 0 refused.\n"
    )


def test_importing_a_file_again_is_no_failure_and_says_so(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    path = lines(message("a", recipient("1", device())), message("b"))

    import_it(path)
    import_it(path)

    assert capsys.readouterr().out == "2 new, 0 here before, 0 refused.\n0 new, 2 here before, 0 refused.\n"


def test_another_message_with_a_known_external_id_is_named_with_what_differs(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    import_it(lines(message("a"), message("a", subject="Library Hours")))

    first, summary = capsys.readouterr().out.splitlines()
    assert first.startswith("line 2: another message has this external id")
    assert first.endswith("differs in subject")
    assert summary == "1 new, 1 here before, 0 refused."


def test_nothing_of_a_person_is_logged_or_printed(
    lines: Lines, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    person = {"name": "Hassan, Amina", "student_name": "Hassan, Yusuf", "merge_fields": {"student.firstName": "Yusuf"}}
    good = recipient("40388", device("voice", "612-555-0199"), device("email", "amina@mail.example"), **person)
    bad = recipient("40388", device("voice", "555-0199"), device("email", "amina at mail", status="Hassan"), **person)
    caplog.set_level(logging.DEBUG, "messenger_logs")
    caplog.set_level(logging.INFO)

    with pytest.raises(CommandError) as refused:
        import_it(lines(message("a", good), message("b", bad), json.dumps(message("c", good))[:-2]))

    said = "".join([*capsys.readouterr(), caplog.text, str(refused.value)])
    assert "refused" in said
    for secret in ["Hassan", "Yusuf", "Amina", "amina", "40388", "555-0199", "5550199"]:
        assert secret not in said


# Processes

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start `manage.py import_messages` as a process of its own."""
    processes = []

    def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
        url = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        process = subprocess.Popen(
            [sys.executable, "manage.py", "import_messages", *arguments],
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATABASE_URL": url},
            text=True,
            **pipes,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def many_messages(count: int, recipients: int) -> list[dict[str, Any]]:
    return [
        message(
            f"m{n}",
            *[recipient(str(p), device(address=f"+1612555{p:04}", attempts=[{"code": 5}])) for p in range(recipients)],
            school=f"School {n % 3}",
        )
        for n in range(count)
    ]


def assert_every_message_is_whole(recipients: int) -> None:
    for stored in SentMessage.objects.all():
        assert stored.recipients.count() == stored.deliveries.count() == recipients
        assert DeviceAttempt.objects.filter(delivery__message=stored).count() == recipients
        assert totals_of(stored).recipients == recipients


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_standard_input_is_read_and_the_exit_code_tells_of_refusals(start: Start) -> None:
    good = start("-", "--json")
    out, _ = good.communicate(json.dumps(message("a")))
    assert (good.returncode, json.loads(out)["result"]) == (0, "new")

    bad = start("-")
    out, err = bad.communicate("{}\n")
    assert bad.returncode == 1
    assert "line 1: engine is missing" in out
    assert "1 refused" in err


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_processes_importing_the_same_file_at_once_leave_one_copy(start: Start, lines: Lines) -> None:
    path = lines(*many_messages(40, 25))

    reports = []
    for process in [start(str(path), "--json"), start(str(path), "--json")]:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        reports.append([json.loads(line) for line in out.splitlines()])

    for first, second in zip(*reports, strict=True):
        assert {first["result"], second["result"]} == {"new", "here"}
        assert first["message_id"] == second["message_id"]
        assert first["differs"] == second["differs"] == []
    assert SentMessage.objects.count() == 40
    assert School.objects.count() == 3
    assert_every_message_is_whole(25)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at", some([15, 1]))
def test_kill_9_in_the_middle_leaves_whole_messages_only(start: Start, lines: Lines, at: int) -> None:
    path = lines(*many_messages(40, 75))
    process = start(str(path))

    wait_until(lambda: SentMessage.objects.count() >= at, every=0.005)
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)

    assert at <= SentMessage.objects.count() < 40
    assert_every_message_is_whole(75)
    again = start(str(path))
    _, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert SentMessage.objects.count() == 40
    assert_every_message_is_whole(75)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_kill_9_while_the_deliveries_of_a_message_are_copied_leaves_nothing_of_it(start: Start, lines: Lines) -> None:
    path = lines(message("small"), *many_messages(1, 200))
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE messenger_logs_deviceattempt IN SHARE MODE")
        process = start(str(path))
        wait_until(waiting_for_a_lock)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    finally:
        other.rollback()
        other.close()
    wait_until(lambda: not waiting_for_a_lock())

    assert list(SentMessage.objects.values_list("external_id", flat=True)) == ["small"]
    assert not Recipient.objects.exists()
    assert not Delivery.objects.exists()


def waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_memory_does_not_grow_with_the_file(start: Start) -> None:
    process = start("-", "--json")
    assert process.stdin
    assert process.stdout
    peaks = []
    for n in range(400):
        process.stdin.write(json.dumps(message(f"m{n % 20}", bodies={"email": "x" * 200_000})) + "\n")
        process.stdin.flush()
        assert process.stdout.readline()
        if n in {20, 399}:
            status = Path(f"/proc/{process.pid}/status").read_text()
            peaks.append(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]))
    process.communicate()

    early, late = peaks
    assert late - early < 8_000, "80 MB went through it"


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_progress_is_shown_to_a_terminal_and_to_nobody_else(start: Start, lines: Lines) -> None:
    path = lines(*many_messages(30, 50))
    ours, theirs = pty.openpty()
    process = start(str(path), stderr=theirs)
    os.close(theirs)
    process.wait(60)
    shown = os.read(ours, 65536).decode()
    os.close(ours)

    assert re.search(r"\r\[#+ *\] +\d+%  \d+ messages, 0 refused", shown)
    assert shown.endswith("\x1b[K"), "the line is cleared in the end"

    unseen = start(str(path))
    _, err = unseen.communicate(timeout=60)
    assert err == ""
