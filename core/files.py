"""The files that the product keeps, such as reports and uploads: on the local disk, or in a bucket of S3.

A file is known by its name, such as "imports/5f….csv"; a report is in no folder. Names say nothing about people. What
is written under a name appears when it is complete, or never, and is not written again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import structlog
from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.utils.translation import gettext_lazy as _

log = structlog.get_logger(__name__)

UNFINISHED = ".part"
AWAY = _("The store of files cannot be reached right now.")


class FilesAway(OSError):
    """The store of files does not answer, or refuses us."""

    def __str__(self) -> str:
        return str(AWAY)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the store: its name, and when it was written."""

    name: str
    modified: datetime


class Files(Protocol):
    """What a store of files does. Everything raises FilesAway, or another OSError of the local disk."""

    def writing(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a new file that gets its name when the context ends. After an error nothing of it stays."""

    def reading(self, name: str) -> BinaryIO:
        """Open a file to read it once, from its begin. Raises FileNotFoundError."""

    def local(self, name: str) -> AbstractContextManager[Path]:
        """Give a file a path on this host during the context, to read it in any order. Raises FileNotFoundError."""

    def remove(self, name: str) -> None:
        """Remove a file. It may be gone already."""

    def exists(self, name: str) -> bool: ...

    def size(self, name: str) -> int:
        """Return the number of bytes. Raises FileNotFoundError."""

    def entries(self, folder: str) -> Iterator[Entry]:
        """Yield the files of a folder, "" is that of reports, without those of folders in it."""

    def check(self) -> None:
        """Raise OSError if the store cannot take files."""


def files() -> Files:
    """Return the store that the settings name."""
    return cast(Files, storages["files"])


def discard(name: str) -> None:
    """Remove a file that nobody can reach any more. If the store is away, the hourly cleaning does it later."""
    try:
        files().remove(name)
    except OSError as error:
        log.warning("files.not_removed", error=type(error).__name__)


class LocalFiles(FileSystemStorage):
    """Files in REPORT_FOLDER, which only the account of the product may read. All hosts have to share this folder."""

    @property
    def location(self) -> str:
        return os.path.abspath(str(settings.REPORT_FOLDER))

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        path = Path(self.path(name))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_file(path) as file:
            yield file

    def reading(self, name: str) -> BinaryIO:
        return Path(self.path(name)).open("rb")

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        path = Path(self.path(name))
        path.stat()
        yield path

    def remove(self, name: str) -> None:
        Path(self.path(name)).unlink(missing_ok=True)

    def entries(self, folder: str) -> Iterator[Entry]:
        place = Path(self.location, folder)
        for path in place.iterdir() if place.is_dir() else ():
            if path.is_file():
                modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                yield Entry(path.relative_to(self.location).as_posix(), modified)

    def check(self) -> None:
        Path(self.location).mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(self.location, os.W_OK | os.X_OK):
            raise PermissionError("The folder of files cannot be written.")


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a local file that gets its name when it is complete. An incomplete file is removed."""
    part = path.with_name(f"{path.name}{UNFINISHED}")
    try:
        with open(part, "wb", opener=_for_the_owner) as file:
            yield file
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
