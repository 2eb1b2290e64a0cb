"""What the ledger tells the rooms above it, and what it asks them."""

from __future__ import annotations

from django.dispatch import Signal

# Somebody canceled a message. A worker sends this with `message_id`, outside of any transaction, before it marks the
# rows as canceled: a receiver that has calls on the line hangs them up. It may come again after a crash, and a receiver
# must be quick.
message_canceled = Signal()

# All rows of a canceled message are marked as canceled. Sent once, with `message_id`, outside of any transaction.
cancel_completed = Signal()

# A question about `message`, which is not finished. A receiver answers a list of sentences: why a part of the message
# does not go out now.
delays_requested = Signal()
