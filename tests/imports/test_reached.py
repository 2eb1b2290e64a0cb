"""Of a person who was contacted, a report does not say by which number: a tried one, which no other person denies."""

import pytest

from imports.sources.people import Kind, Person, ReportRow
from imports.sources.reached import numbers_reached
from imports.values import DeviceStatus
from messenger_logs.choices import DeliveryStatus, Mode

TRIED, WAITING = DeliveryStatus.UNDELIVERED, DeliveryStatus.WAITING


def text_to(device: str, status: DeliveryStatus, *, starred: bool = False) -> ReportRow:
    return ReportRow(1, "Vang, Mai", starred, "", Mode.TEXT, device, DeviceStatus(status), "")


@pytest.mark.parametrize(
    ("rows", "denied", "reached"),
    [
        ([("1", TRIED), ("2", WAITING)], "", "1"),
        ([("1", WAITING), ("2", TRIED)], "", "2"),
        ([("1", TRIED), ("2", TRIED)], "", "2"),
        ([("1", TRIED), ("2", TRIED)], "2", "1"),
        ([("1", TRIED), ("2", TRIED), ("3", WAITING)], "2", "1"),
        ([("1", WAITING)], "", "1"),
    ],
)
def test_a_number_that_was_tried_is_taken_first(
    rows: list[tuple[str, DeliveryStatus]], denied: str, reached: str
) -> None:
    person = Person(Kind.CONTACTED, [[text_to(device, status) for device, status in rows]])
    everything = [*person.rows, text_to(denied, TRIED, starred=True)]
    assert numbers_reached([person], lambda: iter(everything)).numbers == {(Mode.TEXT, reached)}
