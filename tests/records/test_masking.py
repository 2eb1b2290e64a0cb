"""Other families are taken out of texts, in whatever way a text names them, and nothing else is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger_logs.models import Recipient, SentMessage
from records.masking import ADDRESS, ID, NAME, NUMBER, Mask
from tests.messenger_logs.factories import make_message, make_recipient


@pytest.fixture
def mask(ledger: list[SentMessage]) -> Mask:
    return Mask(Recipient.objects.filter(person_id="4711"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lia Yang is late.", f"{NAME} is late."),
        ("YANG, LIA", NAME),
        ("lia yáng", NAME),
        ("Yang,\nLia", NAME),
        ("L\u00adia Yang", NAME),
        ("Li\u0301a Yang", NAME),
        ("Mai Vang and Lia Yang", f"Mai Vang and {NAME}"),
        ("Tou Vang", "Tou Vang"),
        ("Lia is late, and so is Mai.", "Lia is late, and so is Mai."),
        ("Write to LIA@example.net.", f"Write to {ADDRESS}."),
        ("mai@example.com and x@example.org", "mai@example.com and x@example.org"),
        ("Call +1 612-555-0188 or (612) 555-0188!", f"Call {NUMBER} or {NUMBER}!"),
        ("Call (612) 555-0111 or (651) 555-0100.", "Call (612) 555-0111 or (651) 555-0100."),
        ("Students 90210, 90211; person 4712", f"Students 90210, {ID}; person {ID}"),
        ("On 11/20/2026 at 10:05, room 101.", "On 11/20/2026 at 10:05, room 101."),
        ("", ""),
    ],
)
def test_other_families_are_replaced_and_nothing_else(mask: Mask, text: str, expected: str) -> None:
    assert mask.texts([text]) == [expected]


def test_staff_may_be_parents_too(mask: Mask) -> None:
    assert mask.texts(["Lia Yang, lia@example.net"], staff=["Yang, Lia", "lia@example.net"]) == [
        "Lia Yang, lia@example.net"
    ]


def test_another_person_with_the_name_of_the_family_is_not_told_apart(mask: Mask) -> None:
    make_recipient(make_message(), person_id="9", name="Mai, Vang")
    assert mask.texts(["Mai Vang"]) == ["Mai Vang"]


WORDS = st.sampled_from(["Lia", "yang", "Pa", "YANG,", "Bee", "Xiong.", "Mai", "Vang", "and", "—", "Lue", "\n"])


@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_no_name_of_others_is_left_whatever_stands_around_it(mask: Mask, text: str) -> None:
    [masked] = mask.texts([text])
    words = [word.strip(".,—\n").casefold() for word in masked.replace(NAME, "|").split()]
    pairs = {frozenset(pair) for pair in pairwise(words)}
    names = [{"lia", "yang"}, {"pa", "yang"}, {"bee", "xiong"}, {"lue", "xiong"}]
    beside = [name for name in names if frozenset(name) in pairs]
    assert beside == []
