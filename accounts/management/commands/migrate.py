from typing import Any

from django.conf import settings
from django.core.management.commands import migrate

from accounts.database_roles import as_owner, give_rights


class Command(migrate.Command):
    """Migrates as the owner of the tables, and gives the role that runs the product its rights."""

    def handle(self, *args: Any, **options: Any) -> None:
        running = settings.DATABASES["default"].copy()  # The connection works with this very dictionary.
        with as_owner():
            super().handle(*args, **options)
            if not (options["plan"] or options["check_unapplied"]):
                give_rights(role=running["USER"], password=running["PASSWORD"])
