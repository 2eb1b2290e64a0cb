from __future__ import annotations

import sys
from collections.abc import Sequence
from io import StringIO
from typing import IO, Any

from django.apps import AppConfig
from django.core.management import call_command
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import post_migrate

from core.timeouts import why_unavailable


class MailgunSyncConfig(AppConfig):
    name = "mailgun_sync"

    def ready(self) -> None:
        from mailgun_sync import signals  # noqa: F401  (importing connects)

        post_migrate.connect(make_months, sender=self)
        post_migrate.connect(link_again, sender=self)


GAVE_UP = (
    "The events of Mailgun could not all be linked to our e-mails: {reason} The migration is complete. "
    "Run manage.py link_events, at any time.\n"
)
NO_MONTHS = "The next months of events were not made: {reason} It is tried again every day.\n"


def link_again(*, plan: Sequence[tuple[Migration, bool]] = (), stdout: IO[str] | None = None, **kwargs: Any) -> None:
    """Do what link_events does after a migration: one that was undone before has taken the links with it.

    The migration stands without it. So it says what is left to do, where the database is busy or does not answer.
    """
    ours = (migration for migration, undone in plan if migration.app_label == "mailgun_sync" and not undone)
    if all(getattr(migration, "keeps_links", False) for migration in ours):
        return
    try:
        if _is_complete():
            call_command("link_events", stdout=StringIO())
    except (OperationalError, InterfaceError) as error:
        (stdout or sys.stderr).write(GAVE_UP.format(reason=why_unavailable(error)))


def make_months(*, stdout: IO[str] | None = None, **kwargs: Any) -> None:
    """Make the months of events that come next, at the end of each migration. Beat does it every day, too."""
    from mailgun_sync.services import months

    try:
        if _is_complete():
            months.make_months()
    except (OperationalError, InterfaceError) as error:
        (stdout or sys.stderr).write(NO_MONTHS.format(reason=why_unavailable(error)))


def _is_complete() -> bool:
    """Whether the database has every migration, so that the code fits to it."""
    loader = MigrationLoader(connection)
    return set(loader.graph.leaf_nodes()) <= set(loader.applied_migrations)
