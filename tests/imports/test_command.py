"""manage.py import_messages --csv."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from messenger_logs.models import Delivery, DeviceAttempt, Recipient, SentMessage
from tests.imports.files import a_file

pytestmark = pytest.mark.django_db

HEAD = "Recipient,Student,Delivery Device,Status,Time\n"
SET = ["--set=subject=Snow day", "--set=sender_name=Office", "--set=created_at=11/20/2026 8:00 AM"]
TYPE = "--set=message_type=Message Builder"


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("import_messages", "--csv", *arguments, stdout=out)
    return out.getvalue()


def test_a_file_is_tried_out_and_then_imported(tmp_path):
    file = str(a_file(tmp_path, HEAD + '"Vang, Mai *","Vang, Lia",mai@example.org &,Sent,11/20/2026 8:05 AM\n'))
    arguments = ["--map", "campus-sent-message-report", *SET, TYPE, file]
    assert command("--dry-run", *arguments) == ("Nothing was stored. It would be: 1 new, 0 here before, 0 refused.\n")
    assert not SentMessage.objects.exists()
    assert command(*arguments) == "1 new, 0 here before, 0 refused.\n"
    delivery = Delivery.objects.get()
    assert (delivery.recipient.name, delivery.address, delivery.duplicate) == ("Vang, Mai", "mai@example.org", True)
    [line] = command("--json", *arguments).splitlines()
    assert (json.loads(line)["result"], json.loads(line)["line"]) == ("here", 2)


def test_a_report_of_campus_brings_its_header(tmp_path):
    text = (
        "Message Status: Sent\nSubject: School is Cancelled\nType: Message Builder - General\n"
        '"Sender: Administrator, System"\nDate Created: 12/02/2019 8:55 AM\nInclude Recipient Devices: Email\n'
        "Start Time: 12/02/2019 08:54 AM\nEnd Time: 12/02/2019 08:56 AM\n\n"
    )
    file = a_file(tmp_path, text + HEAD + '"Parent, Tad","Student, Karen",tad@nomail.com,Sent,\n')
    command("--map", "campus-sent-message-report", str(file))
    message = SentMessage.objects.get()
    assert (message.subject, message.status, message.modes) == ("School is Cancelled", "sent", ["email"])
    assert (message.dispatch_finished_at - message.dispatch_started_at).total_seconds() == 120


def test_what_is_refused_is_said_with_its_row(tmp_path, capsys):
    file = a_file(tmp_path, HEAD + "Mai,,mai@example.org,Gone,\n")
    with pytest.raises(CommandError, match="0 new, 0 here before, 1 refused"):
        call_command("import_messages", "--csv", "--map", "campus-sent-message-report", *SET, TYPE, str(file))
    assert "line 2: column “Status” is no status of Email" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--csv", "--map", "none"], "There is no column map of that name"),
        (["--csv", "--map", "recipients", "--set", "colour=red"], "--set takes FIELD=VALUE"),
        (["--csv", "--map", "recipients"], "is a heading row with the columns"),
        (["--dry-run"], "are for CSV files"),
    ],
)
def test_wrong_arguments_are_refused_with_a_sentence(arguments, reason, tmp_path):
    file = a_file(tmp_path, "A,B\n1,2\n")
    with pytest.raises(CommandError, match=reason):
        call_command("import_messages", *arguments, str(file))


def test_the_foreign_keys_of_bulk_rows_are_checked_at_once():
    """Else the commit of a million rows takes minutes."""
    tables = [model._meta.db_table for model in (Recipient, Delivery, DeviceAttempt)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint"
            " WHERE contype = 'f' AND condeferrable AND conrelid::regclass::text = ANY(%s)",
            [tables],
        )
        assert cursor.fetchall() == []
