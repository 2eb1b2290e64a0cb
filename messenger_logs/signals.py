from __future__ import annotations

from django.dispatch import Signal

# A message was canceled. Sent with `message_id` by a worker, outside of any transaction, before its rows are turned to
# Canceled: whoever has live calls hangs up. It may come again after a crash, and a receiver must be quick.
message_canceled = Signal()

# All of what waited of a canceled message says so now. Sent with `message_id`, once, outside of any transaction.
cancel_completed = Signal()

# Asked with `message`, one that is not finished: whoever sends it answers sentences that say why something of it does
# not go out now.
delays_wanted = Signal()
