from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from redis.exceptions import RedisError

from core.queue import ask_valkey

PATIENCE_SECONDS = 5


class Command(BaseCommand):
    help = "Say whether PostgreSQL and Valkey answer. Exits with 1 if one of them does not. For health checks."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        stores: dict[str, Callable[[], None]] = {"PostgreSQL": _ask_postgres, "Valkey": _ask_valkey}
        faults = []
        for name, ask in stores.items():
            try:
                ask()
            except (DatabaseError, RedisError) as error:
                faults.append(f"{name} does not answer ({' '.join(str(error).split())}).")
            else:
                self.stdout.write(f"{name} answers.")
        if faults:
            raise CommandError("\n".join(faults))


def _ask_postgres() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_valkey() -> None:
    ask_valkey(seconds=PATIENCE_SECONDS)
