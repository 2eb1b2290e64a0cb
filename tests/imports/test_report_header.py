"""What stands above the rows of this product's reports is found by its label."""

import pytest

from imports.sources.report_header import read_header
from messenger_logs.choices import Reach
from tests.messenger_logs.factories import make_message
from tests.reports.documents import csv_rows
from tests.reports.messages import classic, log_2_document

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("make", "engine", "prefix"), [(classic, "classic", "Total Emails"), (log_2_document, "v2", "E-mail Provider:")]
)
def test_the_figures_of_people_and_of_e_mails_are_found(make, engine: str, prefix: str):
    kind = "Messenger 2.0 - General" if engine == "v2" else "Attendance"
    message = make_message(modes=["email", "voice"], engine=engine, message_type=kind, criteria=[["Reached", "7"]])
    header = read_header([row for row in csv_rows(make(message)) if any(row)], own=True)
    words = ["Delivered", "Failed", "Suppressed", "Complained", "Not known yet", "Sent, but not delivered"]
    labels = [*Reach.labels, *(f"{prefix} {word}" for word in words)]
    assert {label: header.number(label) for label in labels} == dict.fromkeys(labels, 0)
    assert ("Reached", "7") in header.criteria
