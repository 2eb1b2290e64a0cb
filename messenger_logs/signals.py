"""What the ledger tells the rooms above it, and what it asks them."""

from __future__ import annotations

from django.dispatch import Signal

# Deliveries of the message `message_id` were stored, or a report changed them: those with the ids `deliveries`. Sent
# within the transaction that does it, which holds the message's lock; an error of a receiver ends that transaction.
deliveries_stored = Signal()

# Somebody canceled a message. A worker sends this with `message_id`, outside of any transaction, as soon as the first
# batch of rows is marked as canceled: a receiver that has calls on the line hangs them up. It comes again each minute
# until the cancel is complete, and a receiver must be quick.
message_canceled = Signal()

# A cancel is complete, and no receiver has said so before. Sent with `message_id`, outside of any transaction.
cancel_completed = Signal()

# A question about `message`, which is not finished. A receiver answers a list of sentences: why a part of the message
# does not go out now.
delays_requested = Signal()

# Addresses were removed from the deliveries with the ids `deliveries`, of the message `message_id`, and the names of
# their people go next. Sent within the transaction that does it, which holds the message's lock. A receiver removes
# what it keeps about them.
people_removed = Signal()
