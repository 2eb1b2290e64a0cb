"""Find a person in texts that others wrote, in Python and in PostgreSQL alike."""

import pytest
from django.db import connection

from messenger_logs.removed import REMOVED
from retention.services.needles import Needles

MAI = Needles(
    names=["O'Neil-Vang, Mai Kou", "Cher"],
    addresses=["m+v@example.org", "+16515550199", "+52155501234", "+16125550143;ext=12"],
)
FOUND = [
    "Dear Mai Kou O'Neil-Vang,",
    "o'neil-vang,  mai kou",
    "write to M+V@example.org.",
    "+16515550199",
    "call 651-555-0199",
    "call (651) 555-0199!",
    "1 651 555 0199",
    "+52 1 555 01234",
]
OTHERS = [
    "Cher is one word, and means too many",
    "Mai O'Neil-Vang",
    "am+v@example.org",
    "m+v@example.organic",
    "651-555-01990",
    "651 and 555 and 0199",
    "",
]


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "found"), [*((text, True) for text in FOUND), *((text, False) for text in OTHERS)])
def test_both_find_the_same(text, found):
    assert MAI.are_in(text) is found
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s ~* %s", [text, MAI.pattern])
        assert cursor.fetchone()[0] is found


def test_a_value_keeps_its_shape():
    value = {"to": ["Mai Kou O'Neil-Vang <m+v@example.org>", 4, None], "number": {"is": "651.555.0199"}}
    assert MAI.redacted(value) == {"to": [f"{REMOVED} <{REMOVED}>", 4, None], "number": {"is": REMOVED}}


def test_nobody_is_in_no_text():
    assert not Needles(names=[], addresses=[]).are_in("anything")


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_files_are_read_as_spreadsheets_write_them(tmp_path, settings, encoding):
    settings.REPORT_FOLDER = tmp_path
    (tmp_path / "a.csv").write_bytes(("x" * 2**20 + "\nVang, José;x\n").encode(encoding))
    assert Needles(names=["Vang, José"], addresses=[]).are_in_file("a.csv")
    assert not Needles(names=["Vang, Jose"], addresses=[]).are_in_file("a.csv")
    assert not Needles(names=["Vang, José"], addresses=[]).are_in_file("gone.csv")
