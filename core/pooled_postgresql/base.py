"""Django's backend for PostgreSQL, for sessions that a pooler may give to another client after each transaction."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def chunked_cursor(self) -> Any:
        """Keep a cursor on the server only within a transaction: after it, the next rows could be asked of another one.

        Outside of a transaction iterator() fetches all rows at once, also that of packages.
        """
        return self.cursor() if self.get_autocommit() else super().chunked_cursor()
