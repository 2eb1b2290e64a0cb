"""Whether a message reached each of its people: rows and kept totals, which follow the deliveries."""

from __future__ import annotations

from collections.abc import Collection


def settle_reach(*, message_id: int, deliveries: Collection[int]) -> None:
    """Let the people of these deliveries, and of their duplicates, follow them, and move the totals by the differences.

    A caller that changed deliveries calls it in the same transaction, and holds the message's lock.
    """


def recount_reach(*, message_ids: Collection[int]) -> None:
    """Make the rows of all people of these messages from the deliveries, and count the totals from the rows.

    The caller holds the locks of the messages.
    """
