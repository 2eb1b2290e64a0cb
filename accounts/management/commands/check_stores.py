from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from redis.exceptions import RedisError

from core.files import files
from core.queue import ask_valkey

PATIENCE_SECONDS = 5


class Command(BaseCommand):
    help = (
        "Say whether PostgreSQL, Valkey and the store of files answer; exit with 1 if one does not. For health checks."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", choices=["postgres", "valkey", "files"], help="ask one of them alone")

    def handle(self, *args: Any, only: str | None = None, **options: Any) -> None:
        stores: dict[str, tuple[str, Callable[[], None]]] = {
            "postgres": ("PostgreSQL", _ask_postgres),
            "valkey": ("Valkey", _ask_valkey),
            "files": ("The store of files", files().check),
        }
        faults = []
        for name, ask in [stores[only]] if only else stores.values():
            try:
                ask()
            except (DatabaseError, RedisError, OSError) as error:
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
