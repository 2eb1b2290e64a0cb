"""Makes the stores of a round empty: python -m chaos.prepare. The only rows of the database are the staff of the demo.

To migrate an empty database takes longer than most of a round. So it is done once, and a copy of it is kept beside it.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from pathlib import Path

import django
import psycopg2
from django.core.management import call_command
from psycopg2.sql import SQL, Composed, Identifier
from redis import Redis

from devtools.running import ROOT
from devtools.servers import NAME

_COPY = "migrated_"


def main() -> None:
    """MIGRATION_DATABASE_URL is the owner of the database, on a server that is only for this."""
    django.setup()
    from django.conf import settings  # they can be read now that Django is set up

    Redis.from_url(settings.REDIS_URL).flushall()
    copy = _COPY + _digest()
    owner = settings.MIGRATION_DATABASE
    with closing(psycopg2.connect(host=owner["HOST"], user=owner["USER"], dbname="postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(NAME)))
            cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [_COPY + "%"])
            copies = {name for (name,) in cursor.fetchall()}
            for old in copies - {copy}:
                cursor.execute(SQL("DROP DATABASE {}").format(Identifier(old)))
            if copy not in copies:
                cursor.execute(SQL("CREATE DATABASE {}").format(Identifier(NAME)))
                _fill()
                cursor.execute(_copy(copy, NAME))
            else:
                cursor.execute(_copy(NAME, copy))


def _fill() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    from demo.staff import make_staff  # models can be imported now that Django is set up

    make_staff()
    django.db.connections.close_all()


def _copy(new: str, old: str) -> Composed:
    return SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(new), Identifier(old))


def _digest() -> str:
    """The digest of all migrations, here and in the packages: another one needs another copy."""
    from django.apps import apps

    folders = (Path(config.path, "migrations") for config in apps.get_app_configs())
    files = sorted(file for folder in folders for file in folder.glob("*.py"))
    names = "\n".join(f"{os.path.relpath(file, ROOT)} {file.stat().st_size}" for file in files)
    return hashlib.sha256(names.encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
