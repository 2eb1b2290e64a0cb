"""Whose the rows of a report are that names people and not their ids."""

import pytest

from imports.sources.people import Boundary, Person, ReportRow, boundary
from imports.values import DeviceStatus
from messenger_logs.choices import DeliveryStatus, Mode

SENT, NONE = DeliveryStatus.SENT, DeliveryStatus.NO_DEVICE


@pytest.mark.parametrize(
    ("before", "row", "same"),
    [
        ((Mode.EMAIL, "", SENT), (Mode.VOICE, "", SENT), True),
        ((Mode.EMAIL, "", SENT), (Mode.EMAIL, "", SENT), True),
        ((Mode.EMAIL, "a@example.org", SENT), (Mode.EMAIL, "b@example.org", SENT), True),
        ((Mode.EMAIL, "a@example.org", SENT), (Mode.EMAIL, "a@example.org", SENT), False),
        ((Mode.INBOX, "", SENT), (Mode.INBOX, "", SENT), False),
        ((Mode.INBOX, "", NONE), (Mode.INBOX, "", NONE), False),
        ((Mode.TEXT, "", NONE), (Mode.TEXT, "", NONE), False),
        ((Mode.TEXT, "", NONE), (Mode.TEXT, "", SENT), False),
        ((Mode.TEXT, "", SENT), (Mode.INBOX, "", SENT), False),
    ],
)
def test_a_recipient_has_no_device_twice_nor_a_device_beside_none(before, row, same: bool):
    person = Person(read(before).kind, [[read(before)]])
    assert boundary(person, read(row)) is (Boundary.ROW if same else Boundary.SAME_STUDENT)


def read(row: tuple[Mode, str, DeliveryStatus]) -> ReportRow:
    mode, device, status = row
    return ReportRow(2, "Vang, Mai", False, "Vang, Lia", mode, device, DeviceStatus(status), "")
