from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import post_migrate


class MailgunSyncConfig(AppConfig):
    name = "mailgun_sync"

    def ready(self) -> None:
        from mailgun_sync import signals  # noqa: F401  (importing connects)

        post_migrate.connect(link_again, sender=self)


def link_again(*, plan: Sequence[tuple[Migration, bool]] = (), **kwargs: Any) -> None:
    """Link the events again after a migration: one that was undone before has taken the links with it."""
    from mailgun_sync.services.links import link_events

    if any(migration.app_label == "mailgun_sync" and not undone for migration, undone in plan) and _is_complete():
        link_events()


def _is_complete() -> bool:
    """Whether the database has every migration, so that the code fits to it."""
    loader = MigrationLoader(connection)
    return set(loader.graph.leaf_nodes()) <= set(loader.applied_migrations)
