from __future__ import annotations

from django.dispatch import Signal

# A message was canceled. A worker sends it with `message_id`, outside of any transaction, before the rows become
# Canceled. A receiver with live calls hangs up. It may come again after a crash, and a receiver must be quick.
message_canceled = Signal()

# A cancel is complete: all waiting rows of the message are Canceled. Sent once with `message_id`, outside of any
# transaction.
cancel_completed = Signal()

# Asks why a part of an unfinished `message` does not go out now. The receiver that sends the message returns sentences.
delays_wanted = Signal()
