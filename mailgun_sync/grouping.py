"""What the grouped log counts events by. PostgreSQL derives each of these when it stores an event.

The SQL functions are in migrations/0010_groups_of_events.py. They are immutable: to change one, replace it by one of
another name, so that the columns are written again.
"""

from __future__ import annotations

from django.db.models import BigIntegerField, CharField, Func


class ReasonText(Func):
    """A provider's explanation without what differs from e-mail to e-mail, so that equal causes are equal texts.

    Addresses, hosts, links, times, numbers and ids become "…" or go away, and so do the codes in front. "" stays "".
    """

    function = "mailgun_reason"
    output_field = CharField(max_length=200)


class MailboxProvider(Func):
    """Who has the mailbox of an address: Google, Microsoft, Yahoo or Apple, else its domain; "" without an address."""

    function = "mailbox_provider"
    output_field = CharField(max_length=100)


class TextKey(Func):
    """A number of 64 bits for a text of any length. Two texts have the same one only by a very rare chance."""

    function = "text_key"
    output_field = BigIntegerField()
