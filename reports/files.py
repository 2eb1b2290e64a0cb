"""Writes reports to files: a complete file, or none."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.files import AWAY, FilesAway, files
from reports.report import Report
from reports.snapshot import snapshot
from reports.writers import Format, write
from reports.writers.progress import Progress

NO_ROOM = _("There is no room left on the disk for the file, so none was made. Tell your administrator.")
TOO_SLOW = _("The database took too long for this report. Choose fewer days or more filters.")

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


class NotMade(Exception):
    """No file was made. The message says why, for the person who wants it."""


@contextmanager
def refuse_full_disk() -> Iterator[None]:
    """Raise NotMade if the disk is full, or the store of files is away."""
    try:
        yield
    except FilesAway as error:
        again = gettext("Ask for it again later.")
        raise NotMade(f"{AWAY} {again}") from error
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise NotMade(NO_ROOM) from error
        raise


def write_report(
    report: Report, format: Format, file: BinaryIO, *, seconds: float, progress: Progress | None = None
) -> int:
    """Write a report from one snapshot of the database, and return its number of rows.

    Raises StatementTimeout if a statement takes more than `seconds`, and NotMade if the disk is full.
    """
    with refuse_full_disk():
        with snapshot(seconds=seconds):
            rows = write(format, report.document(), file, progress=progress)
        file.flush()
    return rows


@contextmanager
def new_file(name: str) -> Iterator[BinaryIO]:
    """Open a file of the store that gets its name when it is complete. Raises NotMade if there is no room for it."""
    with refuse_full_disk(), files().writing(name) as file:
        yield file
