"""What the status of a device looks like: good where it reached somebody, and not where it did not."""

import pytest

from core.statuses import Tone
from messenger_logs.choices import DeliveryStatus, Outcome
from messenger_logs.status_labels import ANSWERED, DELIVERY_STATUSES, delivery_status
from messenger_logs.statuses import CODES, Code

VOICE = [code for code in CODES.values() if code.status is DeliveryStatus.NOT_CONFIRMED]


@pytest.mark.parametrize("code", VOICE, ids=lambda code: code.name)
def test_an_answered_call_looks_good_just_where_it_counts_as_reached(code: Code) -> None:
    look = delivery_status(code.status, code.outcome)
    assert (look.tone is Tone.GOOD) == (code.outcome is Outcome.SUCCESS)
    assert look.word == "Not Confirmed"


def test_both_looks_differ_without_color_and_all_others_are_as_in_the_table() -> None:
    assert {code.outcome for code in VOICE} == {Outcome.SUCCESS, Outcome.NOT_REACHED}
    assert ANSWERED.shape is not DELIVERY_STATUSES[DeliveryStatus.NOT_CONFIRMED].shape
    for status in set(DeliveryStatus) - {DeliveryStatus.NOT_CONFIRMED}:
        assert {delivery_status(status, outcome) for outcome in Outcome} == {DELIVERY_STATUSES[status]}
