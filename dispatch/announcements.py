"""What the dispatcher tells the rooms above it."""

from __future__ import annotations

from django.dispatch import Signal

# Answers about claims were stored, outside of any transaction now. Sent with `mode`, and with `results`: how many items
# had each result. A result is a messenger_logs.choices.Outcome, or RELEASED for what surely never left.
answers_recorded = Signal()

RELEASED = "released"
