"""Gives each benchmark its own database, besides the one that DATABASE_URL names."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def own_database(name: str, *, keep: bool = False) -> Iterator[None]:
    """Work in a migrated database "<usual name>_bench_<name>". The usual database stays unchanged.

    Django makes and destroys it like a test database. With `keep`, it is kept and used again the next time.
    """
    usual = str(connection.settings_dict["NAME"])
    connection.settings_dict["TEST"]["NAME"] = f"{usual}_bench_{name}"
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=keep)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(usual, verbosity=0, keepdb=keep)
