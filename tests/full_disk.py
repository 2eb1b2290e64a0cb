"""A real disk of a few megabytes, on which a test puts tables of its database. Only root may mount one."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper


class SmallDisk:
    """`fill` leaves room for nothing, `make_room` takes that back."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._filler = folder, folder / "filler"

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        self._filler.unlink()


@contextmanager
def small_disk(*tables: str, megabytes: int = 4) -> Iterator[SmallDisk]:
    """Keep the rows of these tables on a small disk during the context. The tables have to be empty."""
    with _mounted(megabytes) as folder, connection.cursor() as cursor:
        place, name = folder / "postgres", f"small_{connection.settings_dict['NAME']}"
        place.mkdir(mode=0o700)
        cursor.execute("SHOW data_directory")
        server = Path(cursor.fetchone()[0]).stat()
        os.chown(place, server.st_uid, server.st_gid)
        cursor.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'")
        parts = [part for table in tables for part in _parts_of(cursor, table)]
        try:
            for table in parts:
                cursor.execute(f"ALTER TABLE {table} SET TABLESPACE {name}")
            yield SmallDisk(folder)
        finally:
            for table in parts:
                cursor.execute(f"ALTER TABLE {table} SET TABLESPACE pg_default")
            cursor.execute(f"DROP TABLESPACE {name}")


def _parts_of(cursor: CursorWrapper, table: str) -> list[str]:
    """The table itself, and its parts if it has any."""
    cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree(%s)", [table])
    return [part for (part,) in cursor.fetchall()] or [table]


@contextmanager
def _mounted(megabytes: int) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="small-disk-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        if os.geteuid() != 0 or not shutil.which("mount"):
            pytest.skip("Only root may mount a disk.")
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", folder]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            pytest.skip("This machine lets nobody mount a disk.")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
    finally:
        with suppress(OSError):
            folder.rmdir()
