"""Extensions of PostgreSQL for migrations. They stay in the database when the migration is undone.

Several apps use the same extension. PostgreSQL refuses to remove one that an index of another app needs, so no app
could be migrated back to zero.
"""

from typing import Any

from django.contrib.postgres.operations import TrigramExtension, UnaccentExtension


class KeptTrigramExtension(TrigramExtension):
    def database_backwards(self, *args: Any, **kwargs: Any) -> None:
        """Leave the extension."""


class KeptUnaccentExtension(UnaccentExtension):
    def database_backwards(self, *args: Any, **kwargs: Any) -> None:
        """Leave the extension."""
