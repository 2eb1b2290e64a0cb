"""A round does the same for the same seed, and it does something of everything."""

import pytest

from chaos.plan import PARTS, PROVIDER, How, plan_of
from tests.examples import some


def test_the_same_seed_makes_the_same_plan() -> None:
    assert plan_of(7, seconds=60, longest=20) == plan_of(7, seconds=60, longest=20)
    assert plan_of(7, seconds=60, longest=20) != plan_of(8, seconds=60, longest=20)


@pytest.mark.parametrize("seed", some(range(100), of=10))
def test_every_part_is_away_at_least_once_and_never_for_longer_than_allowed(seed: int) -> None:
    plan = plan_of(seed, seconds=60, longest=20)

    assert {fault.part for fault in plan.faults if fault.how is not How.MOOD} == set(PARTS)
    assert all(0 < fault.seconds <= 20 for fault in plan.faults)
    assert all(0 <= fault.at <= 60 for fault in plan.faults)
    assert [fault.at for fault in plan.faults] == sorted(fault.at for fault in plan.faults)
    assert all(sending.modes and sending.people for sending in plan.sendings)


def test_some_seed_lets_the_provider_fail_in_each_way() -> None:
    faults = [fault for seed in range(100) for fault in plan_of(seed, seconds=60, longest=20).faults]

    moods = {fault.mood["what"] for fault in faults if fault.how is How.MOOD}
    assert moods >= {"drip", "endless", "html", "half", "large", "loop", 429, 503}
    assert {fault.part for fault in faults if fault.how is How.MOOD} == {PROVIDER}
    assert {fault.part for fault in faults if fault.how is How.FILL} == {"postgres"}
