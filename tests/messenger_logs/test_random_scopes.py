"""Whatever the scopes: what a tool shows of messages and of people is what plain Python finds."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger_logs.models import Delivery, PersonReach, Recipient, SentMessage
from messenger_logs.querysets import CANCEL_TOOLS
from messenger_logs.sight import Sight
from tests.messenger_logs.random_scopes import DISTRICTS, TOOLS, District

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@DISTRICTS
@given(st.randoms(use_true_random=False))
def test_a_tool_shows_the_messages_and_rows_of_the_schools_of_its_right(random: Random) -> None:
    district = District(random)
    user = district.user
    for tool in TOOLS:
        seen = {message.pk for message in district.messages if district.sees(tool, message)}
        assert set(SentMessage.objects.visible_to(user, tool).values_list("pk", flat=True)) == seen
        rows = district.rows(tool)
        assert {*Delivery.objects.visible_to(user, tool)} == {*rows}
        with_devices = Recipient.objects.visible_to(user, tool)
        assert set(with_devices.values_list("pk", flat=True)) == {row.recipient_id for row in rows}
        assert PersonReach.objects.visible_to(user, tool).count() <= len(rows)
        for message in district.messages:
            if message.pk in seen:
                scope = Sight.of(user, tool).scope_in(message)
                assert {*message.deliveries.in_scope(scope)} == {*district.rows(tool, message)}


@DISTRICTS
@given(st.randoms(use_true_random=False))
def test_only_the_sender_or_a_person_of_all_schools_of_a_message_changes_it(random: Random) -> None:
    district = District(random)
    user = district.user
    for tool in CANCEL_TOOLS:
        changed = {message.pk for message in district.messages if district.changes(tool, message)}
        assert set(SentMessage.objects.changeable_by(user, tool).values_list("pk", flat=True)) >= changed
        sight = Sight.to_change(user, tool)
        shown = [message for message in district.messages if district.sees(tool, message)]
        canceled = {message.pk for message in shown if message.pk in changed}
        reach = SentMessage.objects.in_reach_of_cancel(user, tool)
        assert set(reach.visible_to(user, tool).values_list("pk", flat=True)) == canceled
        assert {message.pk for message in shown if sight.holds_wholly(message)} == canceled
